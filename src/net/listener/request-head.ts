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

export interface RequestHead {
  readonly method: string;
  /** The path as sent, with its query; or a whole URL. */
  readonly target: string;
  readonly headers: Headers;
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
 * @param text the bytes up to and without the blank line, as Latin-1; each line ended by LF or CRLF
 * @throws {ProtocolError}
 */
export function parseHead(text: string): RequestHead {
  const lines = toLines(text);
  const [, method, target, major, minor] = requestLine.exec(lines[0] ?? "") ?? [];
  if (method === undefined || target === undefined) throw new ProtocolError(400);
  if (major !== "1") throw new ProtocolError(505, "unsupported protocol version");
  if (!target.startsWith("/") && !target.includes("://")) throw new ProtocolError(400);
  const isHttp10 = minor === "0";
  const fields = parseFields(lines, 1);
  checkHost(fields.all, isHttp10);
  const connection = tokensOf(fields.all, "connection");
  const bodyLength = bodyLengthOf(fields.all, isHttp10);
  return {
    method,
    target,
    headers: fields.headers,
    isHttp10,
    keepsAlive: isHttp10 ? connection.includes("keep-alive") : !connection.includes("close"),
    expectsContinue: expectsContinue(fields.headers) && !isHttp10 && bodyLength !== 0,
    bodyLength,
  };
}

/** @param text the fields behind a chunked body. @throws {ProtocolError} */
export function parseTrailers(text: string): Headers {
  return parseFields(toLines(text), 0).headers;
}

interface Fields {
  /** The first value of each: the others do not count (`docs/contract/runtime-api.md` 1.12). */
  readonly headers: Headers;
  /** Names in lower case, for the headers whose repetition means something. */
  readonly all: readonly (readonly [name: string, value: string])[];
}

function toLines(text: string): string[] {
  // A carriage return that ends no line would end one for others: what they and we read would differ.
  if (forbidden.test(text)) throw new ProtocolError(400);
  const lines = text.split("\n");
  for (const [at, line] of lines.entries()) if (line.endsWith("\r")) lines[at] = line.slice(0, -1);
  return lines;
}

function parseFields(lines: readonly string[], from: number): Fields {
  const all: [name: string, value: string][] = [];
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line === "") continue;
    if (line.startsWith(" ") || line.startsWith("\t")) {
      const last = all.at(-1);
      if (!last) throw new ProtocolError(400);
      last[1] = `${last[1]} ${trimmed(line)}`;
      continue;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    if (colon < 0 || !fieldName.test(name)) throw new ProtocolError(400, colon > 0 ? "invalid header name" : "");
    all.push([name.toLowerCase(), trimmed(line.slice(colon + 1))]);
  }
  const headers = new Headers();
  for (const [name, value] of all) if (!headers.has(name)) headers.set(name, value);
  return { headers, all };
}

/** Blanks and tabs only: `trim` would take a byte that is a part of UTF-8 for a blank. */
function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

function valuesOf(fields: Fields["all"], name: string): string[] {
  return fields.filter((field) => field[0] === name).map((field) => field[1]);
}

function tokensOf(fields: Fields["all"], name: string): string[] {
  return valuesOf(fields, name).flatMap((value) => value.toLowerCase().split(",").map(trimmed));
}

function checkHost(fields: Fields["all"], isHttp10: boolean): void {
  const hosts = valuesOf(fields, "host");
  if (hosts.length === 0 && !isHttp10) throw new ProtocolError(400, "missing required Host header");
  if (hosts.length > 1) throw new ProtocolError(400, "too many Host headers");
  if (!hostValue.test(hosts[0] ?? "")) throw new ProtocolError(400, "malformed Host header");
}

/** Whatever two readers could take for two different lengths is refused (RFC 9112, section 6.3). */
function bodyLengthOf(fields: Fields["all"], isHttp10: boolean): number | "chunked" {
  const lengths = new Set(valuesOf(fields, "content-length"));
  const encodings = valuesOf(fields, "transfer-encoding");
  const [encoding] = encodings;
  if (encoding !== undefined) {
    if (lengths.size > 0 || isHttp10) throw new ProtocolError(400);
    if (encodings.length > 1 || encoding.toLowerCase() !== "chunked") {
      throw new ProtocolError(501, "unsupported transfer encoding");
    }
    return "chunked";
  }
  const [length = "0"] = lengths;
  if (lengths.size > 1 || !/^\d{1,15}$/.test(length)) throw new ProtocolError(400);
  return Number(length);
}

function expectsContinue(headers: Headers): boolean {
  const expected = headers.get("expect") ?? "";
  if (expected !== "" && expected.toLowerCase() !== "100-continue") throw new ProtocolError(417);
  return expected !== "";
}
