/** Answers as bytes. */
import { release } from "../buffers.ts";
import type { Output } from "./output.ts";
import { PlainResponse } from "./plain-response.ts";
import type { ProtocolError } from "./request-head.ts";
import { lastChunk, trailerLine } from "./response-trailers.ts";

/** What the answer depends on, besides the response. */
export interface Exchange {
  readonly method: string;
  readonly isHttp10: boolean;
  /** Whether the connection is kept behind this answer. */
  readonly keepsAlive: boolean;
  /** What is done when the answer cannot be brought to its end: the client must not take it for a whole one. */
  readonly cutOff: () => void;
}

/** A body up to this many bytes goes out in one piece with its head. */
const onePieceBytes = 64 * 1024;

/** Writes the answer; resolves once it is with the kernel, `undefined` when it is already. Never rejects. */
export function writeResponse(output: Output, exchange: Exchange, response: Response): Promise<void> | undefined {
  if (!(response instanceof PlainResponse)) return writeStream(output, exchange, response);
  const largeBytes = writePlain(output, exchange, response);
  const { drained } = output;
  if (!largeBytes) return drained;
  if (drained) return drained.then(() => release(largeBytes));
  release(largeBytes);
  return undefined;
}

/** Whether a client that knows no chunks can tell where the body ends, other than by the end of the connection. */
export function hasLength(response: Response): boolean {
  return response instanceof PlainResponse || response.body === null || response.headers.has("content-length");
}

/**
 * In one piece where that is no waste: each piece is a packet.
 * @returns the bytes of a large body, of no use to anybody once they are sent
 */
function writePlain(output: Output, exchange: Exchange, response: PlainResponse): Uint8Array | undefined {
  const { status, plainBody, plainHeaders } = response;
  const isLargeText = typeof plainBody === "string" && plainBody.length > onePieceBytes;
  const body = isLargeText ? Buffer.from(plainBody) : plainBody;
  const size = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  let fields = "";
  for (const name in plainHeaders) fields += fieldOf(name, plainHeaders[name] as string);
  if (hasBody(status)) fields += `Content-Length: ${size}\r\n`;
  const head = headOf(exchange, response, fields);
  if (exchange.method === "HEAD" || size === 0) {
    output.write(toHeadBytes(head));
  } else if (typeof body === "string") {
    output.write(isAscii(head) ? head + body : Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body)]));
  } else if (size <= onePieceBytes) {
    output.write(Buffer.concat([Buffer.from(head, "latin1"), body]));
  } else {
    output.write(Buffer.from(head, "latin1"));
    output.write(body);
    return body;
  }
  return undefined;
}

/** @throws {TypeError} where the value would not be one line: whoever reads it would find other headers behind it */
function fieldOf(name: string, value: string): string {
  if (value.includes("\n") || value.includes("\r")) throw new TypeError(`the header ${name} has a line break in it`);
  return `${name}: ${value}\r\n`;
}

/** Whether an answer of this status has a body, be it an empty one. */
function hasBody(status: number): boolean {
  return status !== 204 && status !== 304;
}

async function writeStream(output: Output, exchange: Exchange, response: Response): Promise<void> {
  const { body, headers, status } = response;
  const isChunked = !headers.has("content-length") && !exchange.isHttp10 && body !== null;
  // Not in answer to HEAD: Hono has dropped the body, and its length is not known.
  const isEmpty = body === null && exchange.method !== "HEAD" && hasBody(status);
  const chunked = `Transfer-Encoding: chunked\r\n${trailerLine(response)}`;
  const framing = isChunked ? chunked : isEmpty ? "Content-Length: 0\r\n" : "";
  let fields = framing;
  for (const [name, value] of headers) fields += `${canonical(name)}: ${value}\r\n`;
  output.write(toHeadBytes(headOf(exchange, response, fields)));
  if (body === null) return output.drained;
  if (exchange.method === "HEAD" || output.isClosed) return await body.cancel();
  const reader = body.getReader();
  // The loop below would notice only with the next piece that the connection is gone.
  output.onClosed = () => void reader.cancel().catch(() => {});
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (piece.value.length === 0) continue;
      output.write(isChunked ? chunkOf(piece.value) : piece.value);
      await output.drained;
    }
    if (isChunked) output.write(await lastChunk(response));
  } catch {
    exchange.cutOff();
  }
  await output.drained;
}

function chunkOf(piece: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
}

/** The answer to what is no proper request; it is the last one of its connection. */
export function refusalOf(error: ProtocolError): string {
  const status = `${error.status} ${reasonPhrases[error.status]}`;
  const text = error.message === "" ? status : `${status}: ${error.message}`;
  return (
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nDate: ${httpDate()}\r\n` +
    `Content-Length: ${text.length}\r\n\r\n${text}`
  );
}

/** @param fields each with its line break; without those every answer has */
function headOf({ isHttp10, keepsAlive }: Exchange, { status, statusText }: Response, fields: string): string {
  let text = `HTTP/1.${isHttp10 ? 0 : 1} ${status} ${reasonPhrases[status] ?? statusText}\r\n`;
  text += `${fields}Date: ${httpDate()}\r\n`;
  if (!keepsAlive) text += "Connection: close\r\n";
  else if (isHttp10) text += "Connection: keep-alive\r\n";
  return `${text}\r\n`;
}

/** Header values are bytes, given as Latin-1. */
function toHeadBytes(head: string): string | Uint8Array {
  return isAscii(head) ? head : Buffer.from(head, "latin1");
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  return /^[\x00-\x7f]*$/.test(text);
}

/** `content-type` as `Content-Type`: headers of a `Response` have lost their spelling. */
function canonical(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

let dateSecond = 0;
let dateText = "";

/** The present time for a `Date` header, made anew once in a second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}

/** Of the statuses in use here; others are sent with what the response calls itself. */
const reasonPhrases: Readonly<Record<number, string>> = {
  200: "OK",
  202: "Accepted",
  204: "No Content",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  410: "Gone",
  413: "Request Entity Too Large",
  417: "Expectation Failed",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};
