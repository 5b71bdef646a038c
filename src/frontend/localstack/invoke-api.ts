/** The server LocalStack posts invocations to: `POST /invoke`, answered at once (decision 10). */
import { Hono } from "hono";
import { LinearRouter } from "hono/router/linear-router";
import type { InvokeRequest } from "../../environment/invocation.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { release } from "../../net/buffers.ts";
import { InvalidInvokeError, toInvokeRequest } from "./invoke-request.ts";

/**
 * @param accept takes an invocation over; `false` when init is stopping and takes none
 */
export function createInvokeApi(accept: (request: InvokeRequest) => boolean): Hono {
  const app = new Hono({ router: new LinearRouter() });
  // One handler for all methods: with two for the same path Hono would compose them anew for every request.
  app.all("/invoke", async (c) => {
    if (c.req.method !== "POST") return c.body(null, 405);
    const request = toInvokeRequest(await readJson(c.req.raw));
    return accept(request) ? new Response("OK") : c.json(errorOf("ServiceUnavailable", "init is stopping"), 503);
  });
  app.onError((error, c) => {
    if (error instanceof InvalidInvokeError) return c.json(errorOf("InvalidRequestFormat", error.message), 400);
    log.error("an invoke request failed, please report this:", error);
    return c.json(errorOf("InternalServerError", messageOf(error)), 500);
  });
  return app;
}

async function readJson(request: Request): Promise<unknown> {
  const bytes = await request.bytes();
  const text = decoder.decode(bytes);
  release(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInvokeError(`the body is not JSON: ${messageOf(error)}`);
  }
}

const decoder = new TextDecoder();

function errorOf(errorType: string, errorMessage: string) {
  return { errorMessage, errorType };
}
