/**
 * The head of a request: request line and headers. Read as Go's server reads it, which runtime clients are written
 * against.
 */
import { Fields } from "./fields.ts";

/** Thrown where a client does not speak HTTP as it must: the connection cannot go on behind it. */
export class ProtocolError extends Error {
  override name = "ProtocolError";

  /** @param detail what is wrong, in one line, for the answer's body; empty where the status says it all */
  constructor(
    readonly status: 400 | 417 | 431 | 501 | 505,
    detail = "",
  ) {
    super(detail);
  }
}

export interface RequestHead {
  readonly method: string;
  /** The path as sent, with its query; or a whole URL. */
  readonly target: string;
  readonly fields: Fields;
  readonly isHttp10: boolean;
  /** Whether the client may send another request over the same connection. */
  readonly keepsAlive: boolean;
  /** The client sends no body before it was told `100 Continue`. */
  readonly expectsContinue: boolean;
  /** Bytes of the body; `chunked`: its end will tell. */
  readonly bodyLength: number | "chunked";
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** A carriage return that ends no line is among what no value may have: others would see the end of a line there. */
const field = `${token}:[^\\x00-\\x08\\x0a-\\x1f\\x7f]*\\r?\\n`;
const wholeHead = new RegExp(`^(${token}) ([^\\x00-\\x20\\x7f]+) HTTP/1\\.([01])\\r?\\n((?:${field})*)\\r?\\n$`);
const allFields = new RegExp(`^((?:${field})*)\\r?\\n$`);
const continuation = /[ \t]*\r?\n[ \t]+/g;
const hostValue = /^[!$%&'()*+,.0-9:;=A-Z[\]_a-z~-]*$/;

/**
 * @param text the bytes with the blank line behind them, as Latin-1; each line ended by LF or CRLF
 * @throws {ProtocolError}
 */
export function parseHead(text: string): RequestHead {
  const found = wholeHead.exec(unfolded(text));
  if (found === null) throw errorIn(text);
  const target = found[2] as string;
  if (!target.startsWith("/") && !target.includes("://")) throw new ProtocolError(400);
  const isHttp10 = found[3] === "0";
  const fields = new Fields(found[4] as string);
  checkHost(fields, isHttp10);
  const bodyLength = bodyLengthOf(fields, isHttp10);
  return {
    method: found[1] as string,
    target,
    fields,
    isHttp10,
    keepsAlive: keepsAlive(fields, isHttp10),
    expectsContinue: expectsContinue(fields) && !isHttp10 && bodyLength !== 0,
    bodyLength,
  };
}

/** @param text the fields behind a chunked body, with the blank line behind them. @throws {ProtocolError} */
export function parseTrailers(text: string): Fields {
  const found = allFields.exec(unfolded(text));
  if (found === null) throw new ProtocolError(400);
  return new Fields(found[1] as string);
}

/** A value may go on in the next line, behind a blank. */
function unfolded(text: string): string {
  return text.includes("\n ") || text.includes("\n\t") ? text.replace(continuation, " ") : text;
}

function errorIn(text: string): ProtocolError {
  const [, major = "1"] = /^\S+ \S+ HTTP\/(\d)\.\d\r?\n/.exec(text) ?? [];
  if (major !== "1") return new ProtocolError(505, "unsupported protocol version");
  const isNameWrong = /^\S+ \S+ HTTP\/\d\.\d\r?\n/.test(text) && /\n[^:\n \t][^:\n]*[ \t][^:\n]*:/.test(text);
  return new ProtocolError(400, isNameWrong ? "invalid header name" : "");
}

function checkHost(fields: Fields, isHttp10: boolean): void {
  const host = fields.get("host");
  if (host === null && !isHttp10) throw new ProtocolError(400, "missing required Host header");
  if (fields.isRepeated("host")) throw new ProtocolError(400, "too many Host headers");
  if (host !== null && !hostValue.test(host)) throw new ProtocolError(400, "malformed Host header");
}

/** Whatever two readers could take for two different lengths is refused (RFC 9112, section 6.3). */
function bodyLengthOf(fields: Fields, isHttp10: boolean): number | "chunked" {
  const length = fields.get("content-length");
  const encoding = fields.get("transfer-encoding");
  if (encoding !== null) {
    if (length !== null || isHttp10) throw new ProtocolError(400);
    const isChunked = encoding.toLowerCase() === "chunked" && !fields.isRepeated("transfer-encoding");
    if (!isChunked) throw new ProtocolError(501, "unsupported transfer encoding");
    return "chunked";
  }
  if (length === null) return 0;
  const isOne = !fields.isRepeated("content-length") || fields.getAll("content-length").every((one) => one === length);
  if (!isOne || !/^\d{1,15}$/.test(length)) throw new ProtocolError(400);
  return Number(length);
}

function keepsAlive(fields: Fields, isHttp10: boolean): boolean {
  if (!fields.has("connection")) return !isHttp10;
  const options = fields
    .getAll("connection")
    .join()
    .toLowerCase()
    .split(/[ \t]*,[ \t]*/);
  return isHttp10 ? options.includes("keep-alive") : !options.includes("close");
}

function expectsContinue(fields: Fields): boolean {
  const expected = fields.get("expect");
  if (!expected) return false;
  if (expected.toLowerCase() !== "100-continue") throw new ProtocolError(417);
  return true;
}
