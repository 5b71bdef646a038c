/** Events and their answers, in the Runtime API: `docs/contract/runtime-api.md 3`. */

import type { StreamEnd } from "../environment/answer-stream.ts";
import { ApiRefusal } from "../environment/api-refusal.ts";
import type { Exchange } from "../environment/exchange.ts";
import type { Invocation, Outcome } from "../environment/invocation.ts";
import { maxStreamedBytes } from "../environment/limits.ts";
import { type Fault, tooLargeBody, tooLargeType, toStoredErrorType } from "../errors.ts";
import { log, logLevels } from "../log.ts";
import { readBody } from "../net/body.ts";
import { trailersOf } from "../net/listener/incoming-request.ts";
import { PlainResponse } from "../net/listener/plain-response.ts";
import { clientSignalOf } from "./client-signal.ts";
import { errorCauseContentType, toStoredError } from "./error-body.ts";
import { toErrorCause } from "./error-cause.ts";
import {
  accepted,
  errorTypeOf,
  givenUp,
  invalidRequestId,
  payloadTooLarge,
  toHeaderValue,
  tooLate,
  truncated,
} from "./replies.ts";
import type { AddRoute, RuntimeApiOptions } from "./routes.ts";

const version = "/2018-06-01";

/** Adds the routes to the app. Checks are made in AWS's order: id, state, response mode, body. */
export function addRuntimeRoutes(
  { host, maxPayloadBytes, isManaged }: Pick<RuntimeApiOptions, "host" | "maxPayloadBytes" | "isManaged">,
  add: AddRoute,
): void {
  add("GET", `${version}/runtime/invocation/next`, async (request) => {
    const exchange = await host.exchanges.next(clientSignalOf(request));
    if (!exchange) throw givenUp();
    return eventReply(exchange.invocation, maxPayloadBytes);
  });

  /** Both ways to answer an invocation. */
  const takeAnswer = async (call: "response" | "error", request: Request, path: string): Promise<Response> => {
    const exchange = host.exchanges.find(requestIdIn(path));
    if (exchange === undefined) throw invalidRequestId();
    if (exchange === "timed out" || isOfAnotherAttempt(exchange, request)) throw tooLate();
    exchange.begin(call);

    const mode = request.headers.get("lambda-runtime-function-response-mode") ?? "";
    if (call === "response" && mode !== "" && mode !== "streaming") {
      exchange.finish({ kind: "fault", fault: responseModeFault(mode) });
      throw new ApiRefusal(400, "InvalidFunctionResponseMode", "Invalid function response mode");
    }
    const overtaken = () => (host.exchanges.find(requestIdIn(path)) === "timed out" ? tooLate() : invalidRequestId());
    if (call === "response" && exchange.request.takesStream) return await takeStream(exchange, request, overtaken);
    const body = await readBody(request, maxPayloadBytes);
    if (!exchange.isOpen) throw overtaken();
    if (body.kind === "too large") {
      exchange.finish({ kind: "too large" });
      throw payloadTooLarge(maxPayloadBytes);
    }
    if (body.kind === "truncated") {
      exchange.finish({ kind: "fault", fault: truncatedFault });
      throw truncated();
    }
    const error = isManaged && call === "response" ? errorBehind(request) : undefined;
    if (error) exchange.finish(toErrorOfTrailers(error));
    else exchange.finish(call === "response" ? toResponse(request, body.bytes) : toError(request, body.bytes));
    return accepted();
  };

  add("POST", `${version}/runtime/invocation/:id/response`, (request, path) => takeAnswer("response", request, path));
  add("POST", `${version}/runtime/invocation/:id/error`, (request, path) => takeAnswer("error", request, path));
}

/**
 * Hands a response on as it comes, as fast as the caller reads it.
 * @param overtaken the refusal when the timeout, or the end of the runtime, came first
 */
async function takeStream(exchange: Exchange, request: Request, overtaken: () => ApiRefusal): Promise<Response> {
  const stream = exchange.beginStream(contentTypeOf(request));
  let isTooLarge = false;
  try {
    for await (const chunk of request.body ?? []) {
      isTooLarge ||= stream.bytes + chunk.byteLength > maxStreamedBytes;
      // Read to its end all the same, so that the runtime can read our answer.
      if (!isTooLarge) await stream.write(chunk);
    }
  } catch {
    if (exchange.isOpen) exchange.finish({ kind: "fault", fault: truncatedFault });
    throw truncated();
  }
  if (!exchange.isOpen) throw overtaken();
  const tooLargeEnd = { errorType: tooLargeType, errorBody: tooLargeBody(maxStreamedBytes) };
  stream.close(isTooLarge ? tooLargeEnd : errorBehind(request));
  exchange.finish();
  if (isTooLarge) throw payloadTooLarge(maxStreamedBytes);
  return accepted();
}

/**
 * The error a runtime reports when it can no longer go on with its response, in trailers, announced or not:
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
 */
function errorBehind(request: Request): StreamEnd | undefined {
  const trailers = trailersOf(request);
  const errorType = trailers?.get("lambda-runtime-function-error-type");
  if (!errorType) return undefined;
  const base64 = trailers?.get("lambda-runtime-function-error-body") ?? "";
  return { errorType, errorBody: Buffer.from(base64, "base64").toString("utf8") };
}

function toErrorOfTrailers({ errorType, errorBody }: StreamEnd): Outcome {
  return { kind: "error", body: errorBody, contentType: "application/json", errorType: toStoredErrorType(errorType) };
}

/**
 * Whether an answer belongs to an earlier attempt of the same event. Runtimes that know the header send back what
 * `/next` gave them: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
function isOfAnotherAttempt({ invocation }: Exchange, request: Request): boolean {
  const id = request.headers.get("lambda-runtime-invocation-id");
  return id !== null && id !== invocation.invocationId;
}

function eventReply({ request, deadlineMs, invocationId }: Invocation, maxPayloadBytes: number): Response {
  const headers: Record<string, string> = {
    // Never left out: the C++ core of most runtime clients dies without it.
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": toHeaderValue(request.requestId),
    "Lambda-Runtime-Deadline-Ms": String(deadlineMs),
    "Lambda-Runtime-Invocation-Id": invocationId,
  };
  if (request.invokedFunctionArn)
    headers["Lambda-Runtime-Invoked-Function-Arn"] = toHeaderValue(request.invokedFunctionArn);
  if (request.traceId) headers["Lambda-Runtime-Trace-Id"] = toHeaderValue(request.traceId);
  if (request.clientContext) headers["Lambda-Runtime-Client-Context"] = toHeaderValue(request.clientContext);
  if (request.cognitoIdentity) headers["Lambda-Runtime-Cognito-Identity"] = toHeaderValue(request.cognitoIdentity);
  if (request.tenantId) headers["Lambda-Runtime-Aws-Tenant-Id"] = toHeaderValue(request.tenantId);
  return new PlainResponse(withinLimit(request, maxPayloadBytes), { headers });
}

/** An event above the limit is cut, as LocalStack's init does; nobody but the log would notice otherwise. */
function withinLimit(
  { requestId, payload }: Invocation["request"],
  maxPayloadBytes: number,
): string | Uint8Array<ArrayBuffer> {
  // A UTF-16 unit becomes at most three bytes: most events need not be measured.
  if (payload.length * 3 <= maxPayloadBytes || Buffer.byteLength(payload) <= maxPayloadBytes) return payload;
  log.warn(
    `the event of ${requestId} has ${Buffer.byteLength(payload)} bytes and was cut to ${maxPayloadBytes}: ` +
      "see LOCALSTACK_MAX_PAYLOAD_SIZE",
  );
  return Buffer.from(payload).subarray(0, maxPayloadBytes);
}

/** `{id}` of `/2018-06-01/runtime/invocation/{id}/…`, still percent-encoded: ids are compared byte for byte. */
function requestIdIn(path: string): string {
  return path.split("/")[4] ?? "";
}

function contentTypeOf(request: Request): string {
  return request.headers.get("content-type") ?? "";
}

const truncatedFault: Fault = {
  type: "Runtime.TruncatedResponse",
  reason: "The runtime's connection ended before its response did",
};

function responseModeFault(mode: string): Fault {
  return {
    type: "Runtime.InvalidResponseModeHeader",
    reason: `Lambda-Runtime-Function-Response-Mode is ${JSON.stringify(mode)}: it must be absent or streaming`,
  };
}

function toResponse(request: Request, body: Uint8Array): Outcome {
  return { kind: "response", body, contentType: contentTypeOf(request) };
}

function toError(request: Request, body: Uint8Array): Outcome {
  const contentType = contentTypeOf(request);
  const cause = request.headers.get("lambda-runtime-function-xray-error-cause");
  // Nobody but the log has a use for the cause: LocalStack makes the segments of the function itself.
  if (cause && contentType !== errorCauseContentType && log.level >= logLevels.debug) {
    log.debug("X-Ray cause:", toErrorCause(cause) ?? "not a valid one");
  }
  return { kind: "error", ...toStoredError(body, contentType), errorType: errorTypeOf(request) };
}
