/** The function behind a URL of its own: any method, any path (docs/contract/emulator.md 3). */
import type { Clock } from "../../clock.ts";
import { log } from "../../log.ts";
import type { RawRequest } from "../../net/node-listener.ts";
import { AwsError, eventTooLarge, maxEventBytes } from "./aws-errors.ts";
import { readWithin } from "./call.ts";
import type { Call, Invoker } from "./invoker.ts";
import { WorkersBusyError } from "./shared-environment.ts";
import { addCors, type FunctionUrlCors, isPreflight, preflight } from "./url-cors.ts";
import { toUrlEvent } from "./url-event.ts";
import { badGateway, type InvokeMode, toUrlResponse } from "./url-response.ts";

export interface FunctionUrlOptions {
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly mode: InvokeMode;
  /** Absent: requests to learn what is allowed reach the function, too. */
  readonly cors: FunctionUrlCors | undefined;
  readonly functionArn: string;
  /** The port it is served on. */
  readonly port: number;
}

export class FunctionUrl {
  constructor(private readonly options: FunctionUrlOptions) {}

  /** @param raw what it takes to make the event, beside the request */
  async fetch(request: Request, raw: RawRequest): Promise<Response> {
    const { cors } = this.options;
    if (cors && isPreflight(request)) return preflight(cors, request);
    const requestId = crypto.randomUUID();
    const response = await this.#answer(request, raw, requestId).catch((error) => {
      if (error instanceof AwsError || error instanceof WorkersBusyError) return error.toResponse(requestId);
      log.error("a request to the Function URL failed inside the emulator, please report this:", error);
      return badGateway();
    });
    response.headers.set("x-amzn-RequestId", requestId);
    if (cors) addCors(cors, request, response.headers);
    return response;
  }

  async #answer(request: Request, raw: RawRequest, requestId: string): Promise<Response> {
    const { invoker, clock, mode, functionArn, port } = this.options;
    const limit = maxEventBytes.RequestResponse;
    const body = await readWithin(request, limit, (size) => eventTooLarge("RequestResponse", size));
    const at = clock.epoch();
    const traceId = request.headers.get("x-amzn-trace-id") ?? newTraceId(at);
    const payload = JSON.stringify(toUrlEvent(raw, { requestId, traceId, method: request.method, body, at, port }));
    // In base64 a body is a third longer than it came.
    if (Buffer.byteLength(payload) > limit) throw eventTooLarge("RequestResponse", Buffer.byteLength(payload));
    const call: Call = {
      requestId,
      traceId,
      payload,
      invokedFunctionArn: functionArn,
      clientContext: "",
      cognitoIdentity: "",
      tenantId: "",
      source: "url",
      attempt: 1,
      takesStream: mode === "RESPONSE_STREAM",
    };
    const { outcome } = await invoker.invoke(call, invoker.reserve(requestId));
    return toUrlResponse(outcome, mode);
  }
}

function newTraceId(at: number): string {
  const random = crypto.randomUUID().replaceAll("-", "").slice(0, 24);
  return `Root=1-${Math.floor(at / 1000).toString(16)}-${random}`;
}
