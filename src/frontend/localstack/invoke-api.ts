/** The server LocalStack posts invocations to: `POST /invoke`, answered at once (`docs/contract/localstack.md` 7). */
import { HonoBase } from "hono/hono-base";
import type { InvokeRequest } from "../../environment/invocation.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { readBody } from "../../net/body.ts";
import { release } from "../../net/buffers.ts";
import { TableRouter } from "../../net/table-router.ts";
import { InvalidInvokeError, toInvokeRequest } from "./invoke-request.ts";

export interface InvokeApiOptions {
  /** Takes an invocation over; `false` when init takes none any more. */
  readonly accept: (request: InvokeRequest) => boolean;
  /** The largest event, bytes. */
  readonly maxPayloadBytes: number;
}

/**
 * LocalStack writes the event as a JSON text in ASCII: a letter of two bytes becomes `\u00fc`, six. No event grows more
 * than that.
 */
const growthInJson = 3;

/** Bytes for everything in the body but the event. */
const envelopeBytes = 64 * 1024;

export function createInvokeApi({ accept, maxPayloadBytes }: InvokeApiOptions): HonoBase {
  const maxBodyBytes = maxPayloadBytes * growthInJson + envelopeBytes;
  const app = new HonoBase({ router: new TableRouter() });
  // One handler for all methods: with two for the same path Hono would compose them anew for every request.
  app.all("/invoke", async (c) => {
    if (c.req.method !== "POST") return c.body(null, 405);
    const body = await readBody(c.req.raw, maxBodyBytes);
    if (body.kind === "too large") {
      const message = `the body is larger than ${maxBodyBytes} bytes, which no event of at most ${maxPayloadBytes} bytes needs`;
      return c.json(errorOf("RequestTooLarge", message), 413);
    }
    if (body.kind === "truncated") {
      log.info("POST /invoke was broken off by the client before its body had come: nothing runs");
      return c.json(errorOf("InvalidRequestFormat", "the body is not complete"), 400);
    }
    return accept(toInvokeRequest(parseJson(body.bytes)))
      ? new Response("OK")
      : c.json(errorOf("ServiceUnavailable", "init takes no more invocations: it has failed, or it is stopping"), 503);
  });
  app.onError((error, c) => {
    if (error instanceof InvalidInvokeError) return c.json(errorOf("InvalidRequestFormat", error.message), 400);
    log.error("an invoke request failed, please report this:", error);
    return c.json(errorOf("InternalServerError", messageOf(error)), 500);
  });
  return app;
}

function parseJson(bytes: Uint8Array): unknown {
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
