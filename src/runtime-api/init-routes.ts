/** What a runtime tells of its start, and of its restore from a snapshot (`docs/contract/runtime-api.md 8`). */
import type { Exchanges } from "../environment/exchanges.ts";
import { log } from "../log.ts";
import { readBody } from "../net/body.ts";
import { PlainResponse } from "../net/listener/plain-response.ts";
import { accepted, errorTypeOf, givenUp, payloadTooLarge, truncated } from "./replies.ts";
import type { AddRoute, RuntimeApiOptions } from "./routes.ts";

const version = "/2018-06-01";

/** Bytes an error may have: far above any stack trace, below what could fill the memory. */
const maxErrorBytes = 64 * 1024 * 1024;

export function addInitRoutes({ host }: Pick<RuntimeApiOptions, "host">, add: AddRoute): void {
  add("POST", `${version}/runtime/init/error`, (request) => takeError("initError", host.exchanges, request));

  // Served whatever the function's type: a runtime that asks without need would fail its start otherwise.
  add("GET", `${version}/runtime/restore/next`, async () => {
    if (!(await host.exchanges.restoreNext())) throw givenUp();
    return new PlainResponse(null);
  });

  add("POST", `${version}/runtime/restore/error`, (request) => takeError("restoreError", host.exchanges, request));

  add("GET", `${version}/ping`, () => {
    return new PlainResponse("pong", { headers: { "Content-Type": "text/plain; charset=utf-8" } });
  });
}

async function takeError(
  call: "initError" | "restoreError",
  exchanges: Exchanges,
  request: Request,
): Promise<Response> {
  exchanges.beginInitError(call);
  const body = await readBody(request, maxErrorBytes);
  const errorType = errorTypeOf(request);
  exchanges.finishInitError(body.kind === "whole" ? body.bytes : undefined, errorType);
  if (body.kind === "too large") throw payloadTooLarge(maxErrorBytes);
  if (body.kind === "truncated") throw truncated();
  const runtime = request.headers.get("user-agent")?.split(" ")[0] || "the runtime";
  const failed = call === "initError" ? "start" : "go on after its restore";
  log.info(`${runtime} reports that it cannot ${failed}: ${errorType}`);
  // Who waits for the error is told first: the runtime, which goes on to end, can wait for a turn of the event loop.
  await new Promise<void>((resolve) => setImmediate(resolve));
  return accepted();
}
