/** Subscribing to telemetry, through the Telemetry API or the older Logs API: `docs/contract/runtime-api.md 7`. */

import { readBody } from "../net/body.ts";
import { PlainResponse } from "../net/listener/plain-response.ts";
import { OtherApiError, SubscriptionClosedError, type TelemetryService } from "../telemetry/subscribers/service.ts";
import { parseSubscription, type SubscriptionApi, SubscriptionError } from "../telemetry/subscribers/subscription.ts";
import { callingExtension } from "./extension-routes.ts";
import type { AddRoute, RuntimeApiOptions } from "./routes.ts";

export const telemetryVersion = "/2022-07-01";
export const logsVersion = "/2020-08-15";

const validationErrorTypes: Readonly<Record<SubscriptionApi, string>> = {
  Telemetry: "ValidationError",
  Logs: "Logs.ValidationError",
};

export function addTelemetryRoutes(options: RuntimeApiOptions, add: AddRoute): void {
  const { host, telemetry, runtimeApiPort } = options;
  const subscribe = (api: SubscriptionApi) => async (request: Request) => {
    const { name } = callingExtension(host.extensions, request);
    const body = await readBody(request, maxBodyBytes);
    if (body.kind === "too large") return refusal(400, validationErrorTypes[api], tooLarge);
    const text = body.kind === "whole" ? new TextDecoder().decode(body.bytes) : "";
    return subscribed(api, telemetry, name, text, runtimeApiPort);
  };
  add("PUT", `${telemetryVersion}/telemetry`, subscribe("Telemetry"));
  add("PUT", `${logsVersion}/logs`, subscribe("Logs"));
}

function subscribed(
  api: SubscriptionApi,
  telemetry: TelemetryService,
  name: string,
  text: string,
  runtimeApiPort: number,
): Response {
  try {
    telemetry.checkOpen(api);
    telemetry.subscribe(name, parseSubscription(api, text, runtimeApiPort, telemetry.isManaged));
    return new PlainResponse('"OK"', { headers: json });
  } catch (error) {
    if (error instanceof SubscriptionError || error instanceof OtherApiError) {
      return refusal(400, validationErrorTypes[api], error.message);
    }
    if (error instanceof SubscriptionClosedError) return refusal(403, `${api}.SubscriptionClosed`, error.message);
    throw error;
  }
}

/** A subscription has a few hundred. */
const maxBodyBytes = 1024 * 1024;
const tooLarge = `the body has more than ${maxBodyBytes} bytes`;

const json = { "Content-Type": "application/json" };

/** Keys in the order of AWS's references, which is not that of the other APIs. */
function refusal(status: number, errorType: string, errorMessage: string): Response {
  return new PlainResponse(JSON.stringify({ errorType, errorMessage }), { status, headers: json });
}
