/** The Runtime API, version 2018-06-01: `docs/contract/runtime-api.md 3`, without restore. */

import type { Invocation, Outcome } from "../environment/invocation.ts";
import type { Runtime } from "../environment/runtime.ts";
import { type Fault, toStoredErrorType } from "../errors.ts";
import { log, logLevels } from "../log.ts";
import { readBody } from "../net/body.ts";
import { PlainResponse } from "../net/listener/plain-response.ts";
import type { AddRoute, RuntimeApiOptions } from "./app.ts";
import { errorCauseContentType, toStoredError } from "./error-body.ts";
import { toErrorCause } from "./error-cause.ts";
import { accepted, apiError, toHeaderValue } from "./replies.ts";
import { RuntimeRelease } from "./runtime-release.ts";

const version = "/2018-06-01";

/** Bytes an init error may have: far above any stack trace, below what could fill the memory. */
const maxInitErrorBytes = 64 * 1024 * 1024;

/** Adds the routes to the app. Checks are made in AWS's order: id, state, response mode, body. */
export function addRuntimeRoutes(
  { host, maxPayloadBytes }: Pick<RuntimeApiOptions, "host" | "maxPayloadBytes">,
  addRoute: AddRoute,
): void {
  let observed: { runtime: Runtime; release: RuntimeRelease } | undefined;
  /** What the present runtime calls itself; another runtime starts with nothing. */
  const releaseOf = (request: Request): RuntimeRelease => {
    const { runtime } = host;
    if (observed?.runtime !== runtime) observed = { runtime, release: new RuntimeRelease() };
    observed.release.observe(request.headers);
    return observed.release;
  };
  const add: AddRoute = (method, path, handler) =>
    addRoute(method, path, (request, rawPath) => {
      releaseOf(request);
      return handler(request, rawPath);
    });

  add("GET", `${version}/runtime/invocation/next`, async (request) => {
    const invocation = await host.runtime.next(request.signal);
    // Nobody reads this: the runtime was killed, or the client is gone.
    if (!invocation) return apiError(500, "InternalServerError", "Internal Server Error");
    return eventReply(invocation, maxPayloadBytes);
  });

  /** Both ways to answer an invocation. */
  const takeAnswer = async (call: "response" | "error", request: Request, path: string): Promise<Response> => {
    const { runtime } = host;
    const invocation = runtime.currentInvocation(requestIdIn(path));
    if (!invocation) return apiError(400, "InvalidRequestID", "Invalid request ID");
    runtime.beginAnswer(call);
    const finish = (outcome: Outcome) => {
      runtime.finishAnswer();
      invocation.answer(outcome);
    };

    const mode = request.headers.get("lambda-runtime-function-response-mode") ?? "";
    if (call === "response" && mode !== "" && mode !== "streaming") {
      finish({ kind: "fault", fault: responseModeFault(mode) });
      return apiError(400, "InvalidFunctionResponseMode", "Invalid function response mode");
    }
    const body = await readBody(request, maxPayloadBytes);
    // The timeout, or the end of the runtime, came first.
    if (!invocation.isWaiting) return apiError(400, "InvalidRequestID", "Invalid request ID");
    if (body.kind === "too large") {
      finish({ kind: "too large" });
      return payloadTooLarge(maxPayloadBytes);
    }
    if (body.kind === "truncated") {
      finish({ kind: "fault", fault: truncatedFault });
      return truncated();
    }
    finish(call === "response" ? toResponse(request, body.bytes) : toError(request, body.bytes));
    return accepted();
  };

  add("POST", `${version}/runtime/invocation/:id/response`, (request, path) => takeAnswer("response", request, path));
  add("POST", `${version}/runtime/invocation/:id/error`, (request, path) => takeAnswer("error", request, path));

  add("POST", `${version}/runtime/init/error`, async (request) => {
    const { runtime } = host;
    runtime.beginInitError();
    const body = await readBody(request, maxInitErrorBytes);
    runtime.finishInitError(body.kind === "whole" ? body.bytes : undefined, errorTypeOf(request));
    if (body.kind === "too large") return payloadTooLarge(maxInitErrorBytes);
    if (body.kind === "truncated") return truncated();
    log.info(`${releaseOf(request).text || "the runtime"} reports that it cannot start: ${errorTypeOf(request)}`);
    return accepted();
  });

  add("GET", `${version}/ping`, () => {
    return new PlainResponse("pong", { headers: { "Content-Type": "text/plain; charset=utf-8" } });
  });
}

function eventReply({ request, deadlineMs }: Invocation, maxPayloadBytes: number): Response {
  const headers: Record<string, string> = {
    // Never left out: the C++ core of most runtime clients dies without it.
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": toHeaderValue(request.requestId),
    "Lambda-Runtime-Deadline-Ms": String(deadlineMs),
  };
  if (request.invokedFunctionArn)
    headers["Lambda-Runtime-Invoked-Function-Arn"] = toHeaderValue(request.invokedFunctionArn);
  if (request.traceId) headers["Lambda-Runtime-Trace-Id"] = toHeaderValue(request.traceId);
  if (request.clientContext) headers["Lambda-Runtime-Client-Context"] = toHeaderValue(request.clientContext);
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

function errorTypeOf(request: Request): string {
  return toStoredErrorType(request.headers.get("lambda-runtime-function-error-type") ?? undefined);
}

function payloadTooLarge(limit: number): Response {
  return apiError(413, "RequestEntityTooLarge", `Exceeded maximum allowed payload size (${limit} bytes).`);
}

function truncated(): Response {
  return apiError(400, "TruncatedHTTPRequest", "HTTP request detected as truncated");
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
