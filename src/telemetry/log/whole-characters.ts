/** The bytes of one output, cut between characters only, however its chunks fall. */
import nodeBuffer from "node:buffer";

/** A byte order mark is output like any other character. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const nothing = new Uint8Array(0);

export class WholeCharacters {
  /** The beginning of a character whose end has not come yet: at most three bytes. */
  #held = nothing;

  /**
   * Takes the next chunk.
   * @returns what can be handed on: the chunk itself where it begins and ends with a character
   */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = endOfWholeCharacters(bytes);
    // A copy: three bytes must not keep a chunk alive.
    this.#held = end === bytes.length ? nothing : bytes.slice(end);
    return end === bytes.length ? bytes : bytes.subarray(0, end);
  }

  /** What still waits for its end, which will not come. */
  end(): Uint8Array {
    const held = this.#held;
    this.#held = nothing;
    return held;
  }
}

/**
 * Whole characters as valid UTF-8, U+FFFD in place of what is none: over all chunks what one `TextDecoder` makes of
 * them.
 * @returns the same memory where there was nothing to mend
 */
export function mended(bytes: Uint8Array): Uint8Array {
  return nodeBuffer.isUtf8(bytes) ? bytes : Buffer.from(decoder.decode(bytes));
}

/** A first byte of a character always ends what stood before it, so a cut there changes nothing. */
function endOfWholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number;
    const isContinuation = (byte & 0xc0) === 0x80;
    if (!isContinuation) return lengthOfCharacter(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/**
 * Where a piece of at most `most` bytes ends that begins at `from`: between two characters, where there are any.
 * @param most more than a character has
 */
export function endOfPiece(bytes: Uint8Array, from: number, most: number): number {
  const last = from + most;
  if (last >= bytes.length) return bytes.length;
  for (let end = last; end > last - 4; end--) if (((bytes[end] as number) & 0xc0) !== 0x80) return end;
  // Four continuation bytes in a row belong to no character: they may be cut anywhere.
  return last;
}

/** How many bytes a character has by its first one. A byte that begins none stands for itself. */
function lengthOfCharacter(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}
