/** Reading the answer to a POST as it comes from a connection: RFC 9112, as much of it as a client must know. */

export interface HttpAnswer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  /** As much of the body as has come. */
  readonly body: Uint8Array;
  /** Bytes the whole answer takes; `undefined` while more of it is to come, or nothing says where it ends. */
  readonly length: number | undefined;
  /** The connection takes no further request. */
  readonly isLast: boolean;
}

/** Thrown when what came is not HTTP. */
export class NotHttpError extends Error {
  override name = "NotHttpError";
}

/**
 * Reads the first answer in `bytes`. It keeps no state: an answer in pieces is read anew with each piece, which costs
 * little where answers are short.
 * @returns `undefined` while its head is not complete
 * @throws {NotHttpError}
 */
export function readHttpAnswer(bytes: Buffer): HttpAnswer | undefined {
  let start = 0;
  for (;;) {
    const end = endOfHead(bytes, start);
    if (end === undefined) {
      if (bytes.length > 0 && !couldBeHttp(bytes, start)) throw new NotHttpError(beginningOf(bytes));
      return undefined;
    }
    const head = bytes.toString("latin1", start, end);
    const [, minor, digits] = /^HTTP\/1\.(\d) ([1-5]\d\d)[ \r\n]/.exec(head) ?? [];
    if (digits === undefined) throw new NotHttpError(beginningOf(bytes));
    const status = Number(digits);
    if (status === 101) throw new NotHttpError("it answered 101, which nobody asked for");
    // 100 Continue and the like precede the answer.
    if (status >= 200) return readBody(bytes, end, status, head, minor === "0");
    start = end;
  }
}

function readBody(bytes: Buffer, start: number, status: number, head: string, isOld: boolean): HttpAnswer {
  const connection = /^connection:(.*)$/im.exec(head)?.[1] ?? "";
  const isLast = /\bclose\b/i.test(connection) || (isOld && !/\bkeep-alive\b/i.test(connection));
  if (status === 204 || status === 304) return { status, head, body: nothing, length: start, isLast };

  const coding = /^transfer-encoding:(.*)$/im.exec(head)?.[1];
  if (coding !== undefined) {
    if (/(^|,)\s*chunked\s*$/i.test(coding)) return { status, head, ...readChunks(bytes, start), isLast };
    return untilClosed(bytes, start, status, head);
  }
  const size = /^content-length:[ \t]*(\d+)[ \t]*\r?$/im.exec(head)?.[1];
  if (size === undefined) return untilClosed(bytes, start, status, head);
  const end = start + Number(size);
  const body = size === "0" ? nothing : bytes.subarray(start, end);
  return { status, head, body, length: end <= bytes.length ? end : undefined, isLast };
}

/** A body that ends with the connection. So does one whose end cannot be made out. */
function untilClosed(bytes: Buffer, start: number, status: number, head: string): HttpAnswer {
  return { status, head, body: bytes.subarray(start), length: undefined, isLast: true };
}

function readChunks(bytes: Buffer, start: number): Pick<HttpAnswer, "body" | "length"> {
  const chunks: Uint8Array[] = [];
  const incomplete = () => ({ body: Buffer.concat(chunks), length: undefined });
  let at = start;
  for (;;) {
    const endOfLine = bytes.indexOf(lineFeed, at);
    if (endOfLine < 0) return incomplete();
    const size = /^([0-9a-f]{1,8})[ \t]*(;.*)?\r?$/i.exec(bytes.toString("latin1", at, endOfLine))?.[1];
    if (size === undefined) return incomplete();
    at = endOfLine + 1;
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
    // The line break behind the chunk.
    const next = bytes.indexOf(lineFeed, at);
    if (next < 0) return incomplete();
    at = next + 1;
  }
  const body = Buffer.concat(chunks);
  // Trailers, if any, then an empty line.
  if (bytes[at] === lineFeed) return { body, length: at + 1 };
  if (bytes[at] === carriageReturn && bytes[at + 1] === lineFeed) return { body, length: at + 2 };
  return { body, length: endOfHead(bytes, at) };
}

const lineFeed = 10;
const carriageReturn = 13;
const nothing = new Uint8Array(0);

/** Where the empty line behind the head ends. Lines may end without the carriage return. */
function endOfHead(bytes: Buffer, start: number): number | undefined {
  for (let at = bytes.indexOf(lineFeed, start); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    if (bytes[at + 1] === lineFeed) return at + 2;
    if (bytes[at + 1] === carriageReturn && bytes[at + 2] === lineFeed) return at + 3;
  }
  return undefined;
}

function couldBeHttp(bytes: Buffer, start: number): boolean {
  const seen = bytes.toString("latin1", start, start + 7);
  return "HTTP/1.".startsWith(seen);
}

function beginningOf(bytes: Buffer): string {
  return `what came is not HTTP: ${JSON.stringify(bytes.toString("latin1", 0, 40))}`;
}
