/** Text as `JSON.stringify` writes it between its quotes, from bytes to bytes: a large log leaves no garbage behind. */

/** Bytes that one byte can become. */
export const longestEscape = 6;

/**
 * Escapes `bytes[from]` to before `bytes[to]` into `target`, which has to have room for the worst case.
 * @param bytes UTF-8; a character may be cut, for only ASCII needs escaping
 * @returns where in `target` it ended
 */
export function escapeInto(target: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  let end = at;
  for (let index = from; index < to; index++) {
    const byte = bytes[index] as number;
    // Most bytes need no escape: nearly all the time a large log takes is spent in this line.
    if (byte >= 0x20 && byte !== quote && byte !== backslash) target[end++] = byte;
    else end = escapeOne(target, end, byte);
  }
  return end;
}

function escapeOne(target: Uint8Array, at: number, byte: number): number {
  escapes[byte] ??= Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1));
  const text = escapes[byte];
  target.set(text, at);
  return at + text.length;
}

const quote = 0x22;
const backslash = 0x5c;

/** By byte, each made when it is first needed. */
const escapes: Uint8Array[] = [];
