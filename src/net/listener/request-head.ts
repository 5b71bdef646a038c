/** The head of a request: request line and headers. Read as Go's server reads it, which runtime clients are written against. */

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

/**
 * Names in lower case. The first value of each, for the others do not count (`docs/contract/runtime-api.md 1`); of
 * `connection` all.
 */
export type Fields = ReadonlyMap<string, string>;

export interface RequestHead {
  readonly method: string;
  /** The path as sent, with its query; or a whole URL. */
  readonly target: string;
  readonly headers: Fields;
  readonly isHttp10: boolean;
  /** Whether the client may send another request over the same connection. */
  readonly keepsAlive: boolean;
  /** The client sends no body before it was told `100 Continue`. */
  readonly expectsContinue: boolean;
  /** Bytes of the body; `chunked`: its end will tell. */
  readonly bodyLength: number | "chunked";
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/;
const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ \t]+) HTTP\/(\d)\.(\d)$/;
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const hostValue = /^[!$%&'()*+,.0-9:;=A-Z[\]_a-z~-]*$/;

/**
 * @param text the bytes up to the blank line, as Latin-1; each line ended by LF or CRLF
 * @throws {ProtocolError}
 */
export function parseHead(text: string): RequestHead {
  const lines = toLines(text);
  const [, method, target, major, minor] = requestLine.exec(lines[0] ?? "") ?? [];
  if (method === undefined || target === undefined) throw new ProtocolError(400);
  if (major !== "1") throw new ProtocolError(505, "unsupported protocol version");
  if (!target.startsWith("/") && !target.includes("://")) throw new ProtocolError(400);
  const isHttp10 = minor === "0";
  const headers = parseFields(lines, 1);
  checkHost(headers.get("host"), isHttp10);
  const bodyLength = bodyLengthOf(headers, isHttp10);
  return {
    method,
    target,
    headers,
    isHttp10,
    keepsAlive: keepsAlive(headers.get("connection"), isHttp10),
    expectsContinue: expectsContinue(headers) && !isHttp10 && bodyLength !== 0,
    bodyLength,
  };
}

/** @param text the fields behind a chunked body. @throws {ProtocolError} */
export function parseTrailers(text: string): Fields {
  return parseFields(toLines(text), 0);
}

function toLines(text: string): string[] {
  // A carriage return that ends no line would end one for others: what they and we read would differ.
  if (forbidden.test(text)) throw new ProtocolError(400);
  const lines: string[] = [];
  for (let at = 0, end = text.indexOf("\n"); end >= 0; at = end + 1, end = text.indexOf("\n", at)) {
    lines.push(text.slice(at, end > at && text[end - 1] === "\r" ? end - 1 : end));
  }
  return lines;
}

function parseFields(lines: readonly string[], from: number): Fields {
  const fields = new Map<string, string>();
  let name = "";
  let value = "";
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] as string;
    if (isBlank(line.charCodeAt(0))) {
      // A value that goes on in the next line.
      if (name === "") throw new ProtocolError(400);
      value = `${value} ${trimmed(line)}`;
      continue;
    }
    if (name !== "") addField(fields, name, value);
    if (line === "") break;
    const colon = line.indexOf(":");
    name = line.slice(0, colon).toLowerCase();
    if (colon < 0 || !fieldName.test(name)) throw new ProtocolError(400, colon > 0 ? "invalid header name" : "");
    value = trimmed(line.slice(colon + 1));
  }
  return fields;
}

/** Whatever two readers could take for two different requests is refused (RFC 9112, section 6.3). */
function addField(fields: Map<string, string>, name: string, value: string): void {
  const first = fields.get(name);
  if (first === undefined) fields.set(name, value);
  else if (name === "connection") fields.set(name, `${first},${value}`);
  else if (name === "host") throw new ProtocolError(400, "too many Host headers");
  else if (name === "transfer-encoding") throw new ProtocolError(501, "unsupported transfer encoding");
  else if (name === "content-length" && value !== first) throw new ProtocolError(400);
}

/** Blanks and tabs only: `trim` would take a byte that is a part of UTF-8 for a blank. */
function trimmed(text: string): string {
  let from = 0;
  let to = text.length;
  while (isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function checkHost(host: string | undefined, isHttp10: boolean): void {
  if (host === undefined && !isHttp10) throw new ProtocolError(400, "missing required Host header");
  if (!hostValue.test(host ?? "")) throw new ProtocolError(400, "malformed Host header");
}

function bodyLengthOf(headers: Fields, isHttp10: boolean): number | "chunked" {
  const length = headers.get("content-length");
  const encoding = headers.get("transfer-encoding");
  if (encoding !== undefined) {
    if (length !== undefined || isHttp10) throw new ProtocolError(400);
    if (encoding.toLowerCase() !== "chunked") throw new ProtocolError(501, "unsupported transfer encoding");
    return "chunked";
  }
  if (length === undefined) return 0;
  if (!/^\d{1,15}$/.test(length)) throw new ProtocolError(400);
  return Number(length);
}

function keepsAlive(connection: string | undefined, isHttp10: boolean): boolean {
  if (connection === undefined) return !isHttp10;
  const options = connection.toLowerCase().split(",").map(trimmed);
  return isHttp10 ? options.includes("keep-alive") : !options.includes("close");
}

function expectsContinue(headers: Fields): boolean {
  const expected = headers.get("expect");
  if (!expected) return false;
  if (expected.toLowerCase() !== "100-continue") throw new ProtocolError(417);
  return true;
}
