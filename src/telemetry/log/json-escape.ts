/**
 * Text as `JSON.stringify` writes it between its quotes. The engine's own functions do the work: init runs without the
 * engine's best compiler, and a loop over all bytes takes four times as long.
 */

/** Bytes that one byte can become. */
export const longestEscape = 6;

/**
 * Escapes UTF-8.
 * @param target with room for the worst case
 * @param bytes may begin and end within a character
 * @returns how many bytes were written to the beginning of `target`
 */
export function escapeInto(target: Buffer, bytes: Buffer): number {
  // Each byte of a character is a letter of Latin-1 here, and none of those needs escaping.
  const text = bytes.toString("latin1");
  if (needsMoreThanNewlines.test(text)) return target.write(JSON.stringify(text).slice(1, -1), "latin1");
  let end = 0;
  let from = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
    end += bytes.copy(target, end, from, at);
    target[end++] = backslash;
    target[end++] = letterOfNewline;
    from = at + 1;
  }
  return end + bytes.copy(target, end, from);
}

/** The same of any text: the halves of characters, which UTF-8 does not know, become escapes. */
export function escapedText(text: string): Buffer {
  return Buffer.from(JSON.stringify(text).slice(1, -1));
}

/** Most logs need no more. It costs them half, and leaves no second copy of a log behind to be collected. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped.
const needsMoreThanNewlines = /[\0-\x09\x0b-\x1f"\\]/;

const backslash = 0x5c;
const letterOfNewline = 0x6e;
