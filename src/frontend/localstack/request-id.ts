/** Sets the request id in an error body of the runtime's, which otherwise stays as it was written, byte for byte. */
import nodeBuffer from "node:buffer";

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const opening = new Set([0x7b, 0x5b]);
const closing = new Set([0x7d, 0x5d]);
const blanks = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * The runtime's own init error with `requestId` set. Numbers that JavaScript cannot hold, the order of keys, blanks:
 * all of it is the runtime's and stays, so the body is scanned and not written anew. What is no JSON object stays as it
 * is.
 * @param requestId the running invocation's; empty before any
 */
export function withRequestId(body: Uint8Array, requestId: string): Uint8Array {
  if (!isJsonObject(body)) return body;
  const bytes = asBuffer(body);
  const id = JSON.stringify(requestId);
  const { values, end, isEmpty } = findMember(bytes, "requestId");
  if (values.length === 0) {
    return Buffer.concat([
      bytes.subarray(0, end),
      encoder.encode(`${isEmpty ? "" : ","}"requestId":${id}`),
      bytes.subarray(end),
    ]);
  }
  const pieces: Uint8Array[] = [];
  let kept = 0;
  for (const { from, to } of values) {
    pieces.push(bytes.subarray(kept, from), encoder.encode(id));
    kept = to;
  }
  return Buffer.concat([...pieces, bytes.subarray(kept)]);
}

/** Not by `Buffer.from` unless it must: its first call takes 0.1 ms, at which LocalStack waits for the error. */
function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const encoder = new TextEncoder();

function isJsonObject(body: Uint8Array): boolean {
  if (!nodeBuffer.isUtf8(body)) return false;
  try {
    const value: unknown = JSON.parse(asBuffer(body).toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

interface Member {
  /** Where its values stand: a key may occur more than once. */
  readonly values: { from: number; to: number }[];
  /** Where the object's closing brace stands. */
  readonly end: number;
  readonly isEmpty: boolean;
}

/** Looks at the outermost object only, however deep the values are. @param bytes a JSON object */
function findMember(bytes: Buffer, name: string): Member {
  const values: Member["values"] = [];
  let depth = 0;
  let isKey = true;
  let key = "";
  let isEmpty = true;
  /** Of the value that is being passed, if it is one of those looked for. */
  let from: number | undefined;
  const finishValue = (at: number) => {
    if (from !== undefined) values.push({ from, to: trimmedEnd(bytes, at) });
    from = undefined;
  };
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === quote) {
      const end = endOfString(bytes, at);
      if (depth === 1 && isKey) {
        key = JSON.parse(bytes.toString("utf8", at, end));
        isEmpty = false;
      }
      at = end - 1;
    } else if (opening.has(byte)) {
      depth++;
    } else if (closing.has(byte)) {
      depth--;
      if (depth > 0) continue;
      finishValue(at);
      return { values, end: at, isEmpty };
    } else if (depth === 1 && byte === colon) {
      isKey = false;
      if (key === name) from = trimmedStart(bytes, at + 1);
    } else if (depth === 1 && byte === comma) {
      finishValue(at);
      isKey = true;
    }
  }
  throw new Error("a JSON object without an end: it was to be checked before");
}

/** Behind the closing quote. */
function endOfString(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(quote, start + 1); ; at = bytes.indexOf(quote, at + 1)) {
    let backslashes = 0;
    while (bytes[at - 1 - backslashes] === backslash) backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
}

function trimmedStart(bytes: Buffer, start: number): number {
  let at = start;
  while (blanks.has(bytes[at] as number)) at++;
  return at;
}

function trimmedEnd(bytes: Buffer, end: number): number {
  let at = end;
  while (blanks.has(bytes[at - 1] as number)) at--;
  return at;
}
