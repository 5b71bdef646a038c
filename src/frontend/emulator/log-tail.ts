/** The end of an invocation's log: `X-Amz-Log-Result` and `LogResult` (docs/contract/emulator.md 2.1). */

import type { LogText } from "./capacity.ts";
import type { Excerpt } from "./history.ts";

/** Bytes of a tail. */
const tailBytes = 4096;

/** The longest that one byte of a log can be in its escaped form: `\u0000`. */
const longestEscape = 6;

/** The last 4 KB of the logs, in base64. @param logs in the order they were taken */
export function logTail(logs: readonly LogText[]): string {
  const ends = logs.map((log) => Buffer.from(endOf(log, tailBytes)));
  return Buffer.concat(ends).subarray(-tailBytes).toString("base64");
}

/** The logs for somebody to read: at most about so many bytes, of their end. @param logs in the order they were taken */
export function readableLog(logs: readonly LogText[], bytes: number): Excerpt {
  const text = logs.map((log) => endOf(log, bytes)).join("");
  const size = logs.reduce((sum, log) => sum + log.byteLength, 0);
  const isCut = logs.some((log) => log.byteLength > bytes * longestEscape);
  return { text, totalBytes: isCut ? size : Buffer.byteLength(text), isCut, isBase64: false };
}

/**
 * At least the last `bytes` bytes of a log, or all of it. A log may have hundreds of megabytes: only its end is decoded.
 */
export function endOf(log: LogText, bytes: number): string {
  const wanted = bytes * longestEscape;
  if (log.byteLength <= wanted) return log.text();
  const pieces: Uint8Array[] = [];
  for (let at = log.pieces.length - 1, size = 0; at >= 0 && size < wanted; at--) {
    const piece = log.pieces[at] as Uint8Array;
    pieces.unshift(piece);
    size += piece.length;
  }
  const escaped = Buffer.concat(pieces);
  const start = characterStart(escaped, escaped.length - wanted);
  return start === undefined ? log.text() : (JSON.parse(`"${escaped.subarray(start)}"`) as string);
}

/** The first place from `from` on that is in no escape and at the beginning of a character. */
function characterStart(escaped: Buffer, from: number): number | undefined {
  let sinceBackslash = 0;
  for (let at = Math.max(0, from - longestEscape); at < escaped.length; at++) {
    const byte = escaped[at] as number;
    const isContinuation = (byte & 0xc0) === 0x80;
    if (at >= from && sinceBackslash >= longestEscape && !isContinuation) return at;
    sinceBackslash = byte === backslash ? 0 : sinceBackslash + 1;
  }
  return undefined;
}

const backslash = 0x5c;
