/** What the function returned, as the HTTP answer of a Function URL (docs/contract/emulator.md 3.2 and 3.3). */
import type { Outcome } from "../../environment/invocation.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import {
  type HttpHead,
  httpIntegrationType,
  MalformedHeadError,
  parsePrelude,
  readHead,
  splitPrelude,
} from "./http-prelude.ts";
import { toResult, type WholeOutcome } from "./results.ts";

export type InvokeMode = "BUFFERED" | "RESPONSE_STREAM";

/** Headers that belong to the connection: what the function says of them is not passed on. */
const connectionHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The answer for a function that failed, or returned what is no HTTP answer. */
export function badGateway(): Response {
  return whole({ statusCode: 502, headers: [], cookies: [] }, "Internal Server Error");
}

export async function toUrlResponse(outcome: Outcome, mode: InvokeMode): Promise<Response> {
  try {
    if (outcome.kind === "stream") return await streamed(outcome);
    if (outcome.kind !== "response") return badGateway();
    if (outcome.contentType === httpIntegrationType) return buffered(outcome.body);
    return mode === "BUFFERED" ? interpreted(outcome.body) : passedOn(outcome);
  } catch (error) {
    if (!(error instanceof MalformedHeadError)) throw error;
    log.warn(`what the function returned is no HTTP answer: ${messageOf(error)}`);
    return badGateway();
  }
}

/** In a streaming URL nothing is read into a buffered response. */
function passedOn(outcome: WholeOutcome): Response {
  const { body, contentType } = toResult(outcome, "");
  return whole({ statusCode: 200, headers: [["content-type", contentType]], cookies: [] }, body);
}

async function streamed({ contentType, body, ended }: Extract<Outcome, { kind: "stream" }>): Promise<Response> {
  let head: HttpHead = { statusCode: 200, headers: contentType ? [["content-type", contentType]] : [], cookies: [] };
  let rest = body;
  if (contentType === httpIntegrationType) {
    const parts = await splitPrelude(body);
    head = parsePrelude(parts.prelude);
    rest = parts.rest;
    // Without a head there is still another answer to give.
    if (parts.prelude === "" && (await ended)) return badGateway();
  }
  const headers = toHeaders(head, "application/octet-stream");
  const isBodiless = head.statusCode === 204 || head.statusCode === 304;
  if (isBodiless) await rest.cancel();
  return new Response(isBodiless ? null : cutOffUnlessWell(rest, ended), { status: head.statusCode, headers });
}

/** The status is out: a stream that broke off can only be told by a connection that does. */
function cutOffUnlessWell(body: ReadableStream<Uint8Array>, ended: Promise<unknown>): ReadableStream<Uint8Array> {
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async flush(controller) {
        if (await ended) controller.error(new Error("the function's response broke off"));
      },
    }),
  );
}

/** A runtime that streams with a prelude behind a URL that does not: taken apart all the same. */
function buffered(body: Uint8Array): Response {
  const bytes = Buffer.from(body);
  const at = bytes.indexOf(Buffer.alloc(8));
  if (at < 0) throw new MalformedHeadError("the response ended before its prelude did");
  return whole(parsePrelude(bytes.toString("utf8", 0, at)), bytes.subarray(at + 8));
}

function interpreted(body: Uint8Array): Response {
  const text = new TextDecoder().decode(body);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // A runtime may answer with what is no JSON; it goes out as it is.
    return whole({ statusCode: 200, headers: [], cookies: [] }, body);
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isObject && "statusCode" in (value as object)) return fromProxyResult(value as Record<string, unknown>);
  return whole(
    { statusCode: 200, headers: [], cookies: [] },
    typeof value === "string" ? value : JSON.stringify(value),
  );
}

function fromProxyResult(result: Record<string, unknown>): Response {
  const head = readHead(result);
  const { body = "", isBase64Encoded } = result;
  const text = typeof body === "string" ? body : body === null ? "" : JSON.stringify(body);
  if (isBase64Encoded !== true) return whole(head, text);
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw new MalformedHeadError("body is no base64");
  return whole(head, Buffer.from(text, "base64"));
}

function whole(head: HttpHead, body: Uint8Array | string): Response {
  const headers = toHeaders(head, "application/json");
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const isBodiless = head.statusCode === 204 || head.statusCode === 304;
  if (!isBodiless) headers.set("content-length", String(bytes.byteLength));
  return new Response(isBodiless ? null : (bytes as Uint8Array<ArrayBuffer>), { status: head.statusCode, headers });
}

function toHeaders(head: HttpHead, defaultType: string): Headers {
  const headers = new Headers();
  for (const [name, value] of head.headers) if (!connectionHeaders.has(name.toLowerCase())) headers.set(name, value);
  if (!headers.has("content-type")) headers.set("content-type", defaultType);
  for (const cookie of head.cookies) headers.append("set-cookie", cookie);
  return headers;
}
