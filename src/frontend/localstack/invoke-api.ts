/** The server LocalStack posts invocations to: `POST /invoke`, answered at once (decision 10). */
import { Hono } from "hono";
import { LinearRouter } from "hono/router/linear-router";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import type { InvokeRequest } from "../../sandbox/invocation.ts";
import { InvalidInvokeError, toInvokeRequest } from "./invoke-request.ts";

/**
 * @param accept takes an invocation over; `false` when init is stopping and takes none
 */
export function createInvokeApi(accept: (request: InvokeRequest) => boolean): Hono {
  const app = new Hono({ router: new LinearRouter() });
  app.post("/invoke", async (c) => {
    const request = toInvokeRequest(await readJson(c.req.raw));
    return accept(request) ? c.text("OK") : c.json(errorOf("ServiceUnavailable", "init is stopping"), 503);
  });
  app.all("/invoke", (c) => c.body(null, 405));
  app.onError((error, c) => {
    if (error instanceof InvalidInvokeError) return c.json(errorOf("InvalidRequestFormat", error.message), 400);
    log.error("an invoke request failed, please report this:", error);
    return c.json(errorOf("InternalServerError", messageOf(error)), 500);
  });
  return app;
}

/** Parsed straight from the bytes: for a payload of megabytes a text in between would be one more copy. */
async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch (error) {
    throw new InvalidInvokeError(`the body is not JSON: ${messageOf(error)}`);
  }
}

function errorOf(errorType: string, errorMessage: string) {
  return { errorMessage, errorType };
}
