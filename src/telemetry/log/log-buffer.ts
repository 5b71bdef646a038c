/**
 * The text LocalStack stores as the function's log, kept as it goes over the wire: escaped for JSON while the function
 * runs, in pieces that need not be joined. One copy of a log is all there ever is.
 */

/** What a log came to. Between `{"logs":"` and `"}` its pieces are the body of a callback. */
export interface LogText {
  /** UTF-8, escaped as `JSON.stringify` does it, without the quotes around it. Cut anywhere. */
  readonly pieces: readonly Uint8Array[];
  /** Of all pieces. */
  readonly byteLength: number;
  /** The log itself. It is made anew for each call. */
  text(): string;
}

/** Bytes of one piece. */
const pieceBytes = 32 * 1024;

/** Bytes of a log (escaped) above which output is counted instead of kept: a function that logs for ever must not end init. */
export const maxLogBytes = 256 * 1024 * 1024;

export class LogBuffer {
  #full: Uint8Array[] = [];
  #fullBytes = 0;
  /** Written from `#start` to `#end` since the last `take`. Small logs share one. */
  #page = Buffer.allocUnsafeSlow(0);
  #start = 0;
  #end = 0;
  #isAtLineStart = true;
  /** The first half of a surrogate pair that a text ended with: the next one may begin with the other. */
  #half = "";
  #leftOutBytes = 0;

  /** @param maxBytes how much output is kept, in bytes of escaped text; lines of init's own are kept beyond it */
  constructor(private readonly maxBytes = maxLogBytes) {}

  /** Adds output as it came. @param bytes whole characters in valid UTF-8; not kept */
  appendBytes(bytes: Uint8Array): void {
    this.#endPair();
    this.#addBytes(bytes);
  }

  /** Adds output as it came. A text may end between the two halves of a character. */
  append(text: string): void {
    const whole = this.#half + text;
    this.#half = "";
    if (isHighSurrogate(whole.charCodeAt(whole.length - 1))) this.#half = whole.slice(-1);
    this.#addText(this.#half === "" ? whole : whole.slice(0, -1));
  }

  /** Adds a line of init's own (with its newline), on a line of its own whatever the function wrote last. */
  addLine(line: string): void {
    this.#endPair();
    this.#tellLeftOut();
    this.#put(escapedText(this.#isAtLineStart ? line : `\n${line}`));
    this.#isAtLineStart = true;
  }

  /** Everything since the last call. What had to be left out is told in its place. */
  take(): LogText {
    this.#endPair();
    this.#tellLeftOut();
    this.#closePiece();
    const log = new EscapedLog(this.#full, this.#fullBytes);
    this.#full = [];
    this.#fullBytes = 0;
    this.#isAtLineStart = true;
    return log;
  }

  #addBytes(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let from = 0; from < chunk.length; ) {
      const end = blockEnd(chunk, from);
      // A character's bytes pass through escaping one by one: each of them is a letter of Latin-1.
      this.#add(escaped(chunk.toString("latin1", from, end)), end - from, chunk[end - 1] === newline);
      from = end;
    }
  }

  #addText(text: string): void {
    if (text.isWellFormed()) this.#addBytes(Buffer.from(text));
    else this.#add(escapedText(text), Buffer.byteLength(text), text.endsWith("\n"));
  }

  /** A half that stays alone. */
  #endPair(): void {
    if (this.#half === "") return;
    const half = this.#half;
    this.#half = "";
    this.#addText(half);
  }

  /** Keeps it, if there is room and nothing before it was left out. @param bytes how many it stands for */
  #add(escaped: string, bytes: number, endsLine: boolean): void {
    const isFull = this.#fullBytes + this.#end - this.#start + escaped.length > this.maxBytes;
    if (isFull || this.#leftOutBytes > 0) {
      this.#leftOutBytes += bytes;
      return;
    }
    this.#put(escaped);
    this.#isAtLineStart = endsLine;
  }

  #tellLeftOut(): void {
    if (this.#leftOutBytes === 0) return;
    const bytes = this.#leftOutBytes;
    this.#leftOutBytes = 0;
    this.addLine(`${bytes} bytes of output were left out: a log keeps at most ${this.maxBytes}\n`);
  }

  /** @param escaped one character for each byte */
  #put(escaped: string): void {
    for (let from = 0; from < escaped.length; ) {
      if (this.#end === this.#page.length) this.#newPage();
      const count = Math.min(escaped.length - from, this.#page.length - this.#end);
      this.#page.write(count === escaped.length ? escaped : escaped.slice(from, from + count), this.#end, "latin1");
      this.#end += count;
      from += count;
    }
  }

  #newPage(): void {
    this.#closePiece();
    this.#page = Buffer.allocUnsafeSlow(pieceBytes);
    this.#start = 0;
    this.#end = 0;
  }

  #closePiece(): void {
    if (this.#end === this.#start) return;
    this.#full.push(this.#page.subarray(this.#start, this.#end));
    this.#fullBytes += this.#end - this.#start;
    this.#start = this.#end;
  }
}

class EscapedLog implements LogText {
  constructor(
    readonly pieces: readonly Uint8Array[],
    readonly byteLength: number,
  ) {}

  text(): string {
    return JSON.parse(`"${Buffer.concat(this.pieces)}"`) as string;
  }
}

const newline = 0x0a;

/** Where the block that begins here ends: never between the bytes of one character. */
function blockEnd(bytes: Uint8Array, from: number): number {
  let end = Math.min(from + pieceBytes, bytes.length);
  while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return end;
}

function escaped(text: string): string {
  // Twice as fast as the general way, and what most logs are.
  if (!needsMoreThanNewlines.test(text)) return text.replaceAll("\n", "\\n");
  return JSON.stringify(text).slice(1, -1);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped.
const needsMoreThanNewlines = /[\0-\x09\x0b-\x1f"\\]/;

/** One character for each byte of the escaped text. Lone surrogates have become escapes. */
function escapedText(text: string): string {
  return Buffer.from(JSON.stringify(text).slice(1, -1)).toString("latin1");
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
