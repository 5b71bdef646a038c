/**
 * The text LocalStack stores as the function's log, kept as it goes over the wire: escaped for JSON while the function
 * runs, in pieces that need not be joined. One copy of a log is all there ever is.
 */

import { escapedText, escapeInto, longestEscape } from "./json-escape.ts";
import { endOfPiece } from "./whole-characters.ts";

/** What a log came to. Between `{"logs":"` and `"}` its pieces are the body of a callback. */
export interface LogText {
  /**
   * UTF-8, escaped as `JSON.stringify` does it, without the quotes around it. Cut anywhere; small logs share memory.
   */
  readonly pieces: readonly Uint8Array[];
  /** Of all pieces. */
  readonly byteLength: number;
  /** Whether what follows begins a new line. */
  readonly endsLine: boolean;
  /** The log itself. It is made anew for each call. */
  text(): string;
  /** To be called when the pieces were sent: large logs would pile up until they are collected. They are empty then. */
  release(): void;
}

/** Bytes of a piece: as many as the log has so far. Small logs have to be cheap, and large ones go out in few writes. */
const pieceBytes = { least: 32 * 1024, most: 512 * 1024 };

/** Bytes of output that are escaped, and kept or left out, together: what is made of them meanwhile stays small. */
const blockBytes = 64 * 1024;

/**
 * Escaping leaves garbage of the log's own size behind, and the engine, which sees the megabytes of the log alive, would let
 * it pile up. So it is collected, every so many bytes once a log has come so far. Each time takes some milliseconds: a log
 * below that has no need of it.
 */
const collects = { fromBytes: 8 * 1024 * 1024, everyBytes: 2 * 1024 * 1024 };

/** What a block is made into, before it is known whether there is room for it. Made for the first output. */
let scratch: Buffer<ArrayBuffer> | undefined;

/** Bytes of an escaped log above which output is only counted: a function that logs for ever must not end init. */
const maxLogBytes = 256 * 1024 * 1024;

/**
 * How much of a log to keep: LocalStack sets no limit, but a log must leave room for init and the function.
 * @param memoryBytes what the container may use
 */
export function logBound(memoryBytes: number): number {
  return Math.min(maxLogBytes, Math.floor(memoryBytes / 4));
}

export class LogBuffer {
  #full: Uint8Array[] = [];
  #fullBytes = 0;
  /** How far the log was when garbage was collected last. */
  #collectedBytes = 0;
  /** Written from `#start` to `#end` since the last `take`. Small logs share one. */
  #page = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #isAtLineStart = true;
  /** The first half of a surrogate pair that a text ended with: the next one may begin with the other. */
  #half = "";
  #leftOutBytes = 0;

  /** @param maxBytes bytes of escaped output that are kept, to the nearest block. Init's own lines always are */
  constructor(private readonly maxBytes = maxLogBytes) {}

  /** Adds output as it came. @param bytes whole characters in valid UTF-8; not kept */
  appendBytes(bytes: Uint8Array): void {
    this.#endPair();
    this.#addBytes(bytes);
  }

  /** Adds output as it came. A text may end between the two halves of a character. */
  append(text: string): void {
    const whole = this.#half + text;
    this.#half = isHighSurrogate(whole.charCodeAt(whole.length - 1)) ? whole.slice(-1) : "";
    this.#addText(this.#half === "" ? whole : whole.slice(0, -1));
  }

  /** Adds a line of init's own (with its newline), on a line of its own whatever the function wrote last. */
  addLine(line: string): void {
    this.#endPair();
    this.#tellLeftOut();
    this.#put(escapedText(this.#isAtLineStart ? line : `\n${line}`));
    this.#isAtLineStart = true;
  }

  /** Adds what another one kept. Its memory is shared, not copied. */
  addLog(log: LogText): void {
    if (log.byteLength === 0) return;
    this.#endPair();
    if (!this.#isAtLineStart) this.#put(escapedText("\n"));
    this.#closePiece();
    this.#full.push(...log.pieces);
    this.#fullBytes += log.byteLength;
    // What follows a log is a line of init's own: it must not continue one.
    this.#isAtLineStart = log.endsLine;
  }

  /** Everything since the last call. What had to be left out is told in its place. */
  take(): LogText {
    this.#endPair();
    this.#tellLeftOut();
    this.#closePiece();
    const log = new EscapedLog(this.#full, this.#fullBytes, this.#isAtLineStart);
    this.#full = [];
    this.#fullBytes = 0;
    this.#collectedBytes = 0;
    this.#isAtLineStart = true;
    return log;
  }

  #addText(text: string): void {
    if (text.isWellFormed()) this.#addBytes(Buffer.from(text));
    else this.#add(escapedText(text), Buffer.byteLength(text), text.endsWith("\n"));
  }

  #addBytes(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const end = endOfPiece(bytes, from, blockBytes);
      const block = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from);
      scratch ??= Buffer.from(new ArrayBuffer(blockBytes * longestEscape));
      const length = escapeInto(scratch, block);
      this.#add(scratch.subarray(0, length), block.length, block.at(-1) === newline);
      from = end;
    }
  }

  /**
   * Keeps it if there is room. Once something was left out nothing is kept, not even what would fit: a log has no holes.
   * @param escaped not kept itself
   * @param bytes how many of the output it stands for
   */
  #add(escaped: Uint8Array, bytes: number, endsLine: boolean): void {
    if (this.#leftOutBytes > 0 || this.#fullBytes + this.#end - this.#start + escaped.length > this.maxBytes) {
      this.#leftOutBytes += bytes;
      return;
    }
    this.#put(escaped);
    this.#isAtLineStart = endsLine;
  }

  /** Adds a half whose other half did not come. */
  #endPair(): void {
    if (this.#half === "") return;
    const half = this.#half;
    this.#half = "";
    this.#addText(half);
  }

  #tellLeftOut(): void {
    if (this.#leftOutBytes === 0) return;
    const bytes = this.#leftOutBytes;
    this.#leftOutBytes = 0;
    this.addLine(`${bytes} bytes of output were left out: a log keeps at most ${this.maxBytes}\n`);
  }

  #put(escaped: Uint8Array): void {
    for (let from = 0; from < escaped.length; ) {
      if (this.#end === this.#page.length) this.#newPage();
      const part = escaped.subarray(from, from + this.#page.length - this.#end);
      this.#page.set(part, this.#end);
      this.#end += part.length;
      from += part.length;
    }
  }

  #newPage(): void {
    this.#closePiece();
    if (this.#fullBytes >= collects.fromBytes && this.#fullBytes - this.#collectedBytes >= collects.everyBytes) {
      this.#collectedBytes = this.#fullBytes;
      Bun.gc(true);
    }
    this.#page = new Uint8Array(Math.min(Math.max(this.#fullBytes, pieceBytes.least), pieceBytes.most));
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
    readonly endsLine: boolean,
  ) {}

  text(): string {
    return JSON.parse(`"${Buffer.concat(this.pieces)}"`) as string;
  }

  release(): void {
    for (const { buffer, byteLength } of this.pieces) {
      // A page with room left may be shared with the next log.
      if (byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
    }
  }
}

const newline = 0x0a;

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
