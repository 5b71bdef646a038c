/** The routes of the Lambda API that invoke (docs/contract/emulator.md 2). The app knows no listener. */
import { type Context, Hono } from "hono";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { PlainResponse } from "../../net/listener/plain-response.ts";
import type { AsyncEvents } from "./async-events.ts";
import { AwsError, maxEventBytes } from "./aws-errors.ts";
import { type CallHeaders, readCallHeaders, readEvent, toRequestId } from "./call.ts";
import { type FunctionIdentity, toFunctionArn } from "./function-name.ts";
import type { Call, Invoker } from "./invoker.ts";
import type { OriginRules } from "./origin.ts";
import { isStreamWanted, rawStream } from "./raw-stream.ts";
import { toResult } from "./results.ts";
import { WorkersBusyError } from "./shared-environment.ts";

export interface InvokeApiOptions {
  readonly invoker: Invoker;
  readonly asyncEvents: AsyncEvents;
  readonly origins: OriginRules;
  readonly identity: FunctionIdentity;
  readonly functionVersion: string;
  /** What `GET /` and the paths below it show; absent: nothing. */
  readonly page?: Hono;
}

type Handler = (request: Request, requestId: string, functionArn: string) => Response | Promise<Response>;

export function createInvokeApi(options: InvokeApiOptions): Hono {
  const { origins, identity } = options;
  const app = new Hono();

  // One entry for all methods: Hono would answer HEAD by running the function as for GET.
  const add = (path: string, handler: Handler) =>
    app.all(path, async (c) => {
      const request = c.req.raw;
      if (request.method === "OPTIONS") return origins.preflight(request);
      origins.check(request);
      if (request.method !== "POST") {
        throw new AwsError(
          "MethodNotAllowedException",
          `${request.method} is not allowed here: functions are invoked by POST`,
        );
      }
      const functionArn = toFunctionArn(c.req.param("name") ?? "", c.req.query("Qualifier") ?? "", identity);
      return handler(request, c.get("requestId"), functionArn);
    });

  app.use(async (c, next) => {
    c.set("requestId", toRequestId(c.req.raw.headers));
    await next();
    if (!c.req.raw.headers.has("origin")) return;
    const answer = c.res;
    // Without this Hono would merge the two, and lose a body that is not in the answer itself.
    c.res = undefined;
    c.res = origins.exposed(c.req.raw, answer);
  });
  add("/2015-03-31/functions/:name/invocations", (...call) => invoke(options, ...call));
  add("/2021-11-15/functions/:name/response-streaming-invocations", (...call) => invokeWithStream(options, ...call));
  add("/2014-11-13/functions/:name/invoke-async", (...call) => invokeAsync(options, ...call));
  if (options.page) app.route("/", options.page);
  app.all("/", ({ req }) => {
    throw new AwsError("MethodNotAllowedException", `${req.method} is not allowed here: this is the Lambda Invoke API`);
  });
  app.notFound((c) => notFound(c).toResponse(c.get("requestId")));
  app.onError((error, c) => toErrorResponse(error, c.get("requestId")));
  return app;
}

declare module "hono" {
  interface ContextVariableMap {
    /** The call's own, also where it is refused. */
    requestId: string;
  }
}

async function invoke(options: InvokeApiOptions, request: Request, requestId: string, functionArn: string) {
  const headers = readCallHeaders(request.headers, requestId);
  if (headers.invocationType === "DryRun") {
    return new PlainResponse(null, { status: 204, headers: { "x-amzn-RequestId": requestId } });
  }
  const payload = await readEvent(request, headers.invocationType, maxEventBytes[headers.invocationType]);
  const release = options.invoker.reserve(requestId);
  if (headers.invocationType === "Event") return acceptEvent(options, headers, functionArn, payload, release);
  const takesStream = isStreamWanted(request);
  const call: Call = { ...toCall(headers, functionArn, payload), source: "invoke", attempt: 1, takesStream };
  const { outcome, logTail } = await options.invoker.invoke(call, release);
  const answer: Record<string, string> = {
    "x-amzn-RequestId": requestId,
    "X-Amz-Executed-Version": options.functionVersion,
  };
  if (outcome.kind === "stream") return rawStream(outcome, answer);
  const { body, contentType, errorType } = toResult(outcome, requestId);
  answer["Content-Type"] = contentType;
  if (errorType !== undefined) answer["X-Amz-Function-Error"] = "Unhandled";
  if (headers.wantsLogTail) answer["X-Amz-Log-Result"] = await logTail();
  return new PlainResponse(body as Uint8Array<ArrayBuffer> | string, { headers: answer });
}

async function invokeWithStream(options: InvokeApiOptions, request: Request, requestId: string, functionArn: string) {
  const headers = readCallHeaders(request.headers, requestId);
  if (headers.invocationType === "DryRun") {
    return new PlainResponse(null, { status: 204, headers: { "x-amzn-RequestId": requestId } });
  }
  if (headers.invocationType === "Event") {
    throw new AwsError("InvalidParameterValueException", "InvocationType must be one of RequestResponse, DryRun");
  }
  const payload = await readEvent(request, "RequestResponse", maxEventBytes.RequestResponse);
  const release = options.invoker.reserve(requestId);
  const call: Call = { ...toCall(headers, functionArn, payload), source: "stream", attempt: 1, takesStream: true };
  const [{ eventStreamBody, eventStreamType }, { outcome, logTail }] = await Promise.all([
    import("./event-stream.ts"),
    options.invoker.invoke(call, release),
  ]);
  const answer = { outcome, requestId, ...(headers.wantsLogTail ? { logTail } : {}) };
  return new Response(eventStreamBody(answer), {
    headers: {
      "Content-Type": eventStreamType,
      "x-amzn-RequestId": requestId,
      "X-Amz-Executed-Version": options.functionVersion,
    },
  });
}

/** The older way of an Event, with an answer of its own. */
async function invokeAsync(options: InvokeApiOptions, request: Request, requestId: string, functionArn: string) {
  const headers = readCallHeaders(new Headers(), requestId);
  const payload = await readEvent(request, "Event", maxEventBytes.Event);
  acceptEvent(options, headers, functionArn, payload, options.invoker.reserve(requestId));
  const answer = { "Content-Type": "application/json", "x-amzn-RequestId": requestId };
  return new PlainResponse('{"Status":202}', { status: 202, headers: answer });
}

function acceptEvent(
  { asyncEvents }: InvokeApiOptions,
  headers: CallHeaders,
  functionArn: string,
  payload: string,
  release: () => void,
): Response {
  asyncEvents.accept(toCall(headers, functionArn, payload), release);
  return new PlainResponse(null, { status: 202, headers: { "x-amzn-RequestId": headers.requestId } });
}

function toCall(headers: CallHeaders, invokedFunctionArn: string, payload: string) {
  const { requestId, traceId, clientContext, cognitoIdentity, tenantId } = headers;
  return { requestId, traceId, clientContext, cognitoIdentity, tenantId, invokedFunctionArn, payload };
}

/** JSON, for the JavaScript SDK fails on plain text (`docs/contract/emulator.md E19`). */
function notFound({ req }: Context): AwsError {
  return new AwsError("ResourceNotFoundException", `There is nothing at ${req.method} ${req.path}`);
}

function toErrorResponse(error: unknown, requestId: string): Response {
  if (error instanceof AwsError) return error.toResponse(requestId);
  if (error instanceof WorkersBusyError) return error.toResponse(requestId);
  log.error("a call failed inside the emulator, please report this:", error);
  return new AwsError("ServiceException", messageOf(error)).toResponse(requestId);
}
