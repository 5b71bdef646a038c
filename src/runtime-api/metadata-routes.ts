/**
 * What a function may know of where it runs:
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-metadata-endpoint.html
 */
import { PlainResponse } from "../net/listener/plain-response.ts";
import { plainText } from "./replies.ts";
import type { AddRoute, RuntimeApiOptions } from "./routes.ts";

export function addMetadataRoutes({ zoneId }: Pick<RuntimeApiOptions, "zoneId">, add: AddRoute): void {
  const body = JSON.stringify({ AvailabilityZoneID: zoneId.value });
  const headers = { "Content-Type": "application/json", "Cache-Control": "private, max-age=43200, immutable" };
  add(
    "GET",
    "/2026-01-15/metadata/execution-environment",
    (request) =>
      request.headers.get("authorization") === `Bearer ${zoneId.token}`
        ? new PlainResponse(body, { headers })
        : plainText(401, "Unauthorized"),
    () => plainText(405, "Method Not Allowed"),
  );
}
