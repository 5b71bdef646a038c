/** Requests out of the bytes of a connection, however they are cut into pieces. */

import type { Fields } from "./fields.ts";
import { HeldBytes } from "./held-bytes.ts";
import { ProtocolError, parseHead, parseTrailers, type RequestHead } from "./request-head.ts";

/** Takes what the parser finds, in this order, once for each request: one head, any number of pieces, one end. */
export interface RequestSink {
  onHead(head: RequestHead): void;
  /**
   * A piece of the body: what stands in `bytes` between `from` and `to`. No view of it is made, for that costs 8 µs.
   */
  onBody(bytes: Buffer, from: number, to: number): void;
  onEnd(trailers: Fields | undefined): void;
}

/** Bytes a head or a block of trailers may have: X-Ray causes of up to 1 MiB come in a header. */
export const maxHeadBytes = 4 * 1024 * 1024;

/** Bytes a line with the size of a chunk may have, with its extensions. */
const maxChunkLineBytes = 4096;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * What comes next, and what follows it:
 *
 * | step      | takes                       | then                                                  |
 * |-----------|-----------------------------|-------------------------------------------------------|
 * | head      | up to a blank line          | body, chunkSize, or the end of the request            |
 * | body      | as many bytes as announced  | the end of the request                                |
 * | chunkSize | a line                      | chunk; trailers behind the size 0                     |
 * | chunk     | as many bytes as its size   | chunkEnd                                              |
 * | chunkEnd  | a line break                | chunkSize                                             |
 * | trailers  | up to a blank line          | the end of the request                                |
 *
 * The end of a request leads to the head of the next one.
 */
type Step = "head" | "body" | "chunkSize" | "chunk" | "chunkEnd" | "trailers";

export class RequestParser {
  #step: Step = "head";
  /** Bytes that are still to come of the body or of the chunk. */
  #left = 0;
  /** The beginning of a head, a line or a block of trailers whose end has not come yet. */
  readonly #held = new HeldBytes();

  constructor(private readonly sink: RequestSink) {}

  /** Whether nothing of a request has come yet. */
  get isBetweenRequests(): boolean {
    return this.#step === "head" && this.#held.length === 0;
  }

  /**
   * Reads on, to the end of a request at most: what stands behind it is left for the next call.
   * @returns where in `bytes` it stopped
   * @throws {ProtocolError} once; the parser is of no use afterwards
   */
  parse(bytes: Buffer, from: number): number {
    let at = from;
    do {
      at = this.#steps[this.#step](bytes, at);
    } while (at < bytes.length && !this.isBetweenRequests);
    return at;
  }

  readonly #steps: Readonly<Record<Step, (bytes: Buffer, at: number) => number>> = {
    head: (bytes, at) => {
      let start = at;
      if (this.#held.length === 0) {
        // Old clients send a line break behind the body of a POST (RFC 9112, section 2.2).
        while (bytes[start] === carriageReturn || bytes[start] === lineFeed) start++;
        if (start === bytes.length) return start;
      }
      const end = this.#take(bytes, start, endOfBlock, maxHeadBytes, 431);
      if (end === undefined) return bytes.length;
      const head = parseHead(this.#taken);
      this.sink.onHead(head);
      if (head.bodyLength === "chunked") this.#step = "chunkSize";
      else if (head.bodyLength > 0) this.#expect("body", head.bodyLength);
      else this.sink.onEnd(undefined);
      return end;
    },

    body: (bytes, at) => {
      const end = this.#passOn(bytes, at);
      if (this.#left === 0) this.#endRequest(undefined);
      return end;
    },

    chunkSize: (bytes, at) => {
      const end = this.#take(bytes, at, endOfLine, maxChunkLineBytes, 400);
      if (end === undefined) return bytes.length;
      const size = /^([0-9A-Fa-f]{1,13})[ \t]*(;[^\r]*)?\r\n$/.exec(this.#taken)?.[1];
      if (size === undefined) throw new ProtocolError(400, "malformed chunked encoding");
      if (Number.parseInt(size, 16) > 0) {
        this.#expect("chunk", Number.parseInt(size, 16));
      } else {
        this.#step = "trailers";
        // The end of this line is the first half of a blank line: where there are no trailers, the block is empty.
        this.#held.append(Buffer.of(lineFeed));
      }
      return end;
    },

    chunk: (bytes, at) => {
      const end = this.#passOn(bytes, at);
      if (this.#left === 0) this.#step = "chunkEnd";
      return end;
    },

    chunkEnd: (bytes, at) => {
      const end = this.#take(bytes, at, endOfLine, 2, 400);
      if (end === undefined) return bytes.length;
      if (this.#taken !== "\r\n") throw new ProtocolError(400, "malformed chunked encoding");
      this.#step = "chunkSize";
      return end;
    },

    trailers: (bytes, at) => {
      const end = this.#take(bytes, at, endOfBlock, maxHeadBytes, 431);
      if (end === undefined) return bytes.length;
      // Without the line break that was put before them.
      this.#endRequest(parseTrailers(this.#taken.slice(1)));
      return end;
    },
  };

  #expect(step: "body" | "chunk", bytes: number): void {
    this.#step = step;
    this.#left = bytes;
  }

  #endRequest(trailers: Fields | undefined): void {
    this.#step = "head";
    this.sink.onEnd(trailers);
  }

  #passOn(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (end > at) this.sink.onBody(bytes, at, end);
    return end;
  }

  /** What `#take` found last, with its end. */
  #taken = "";

  /**
   * Looks for the end of a text, which may have begun in earlier pieces.
   * @returns where it ends in `bytes`; `undefined` when it goes on in the next piece
   */
  #take(bytes: Buffer, at: number, endOf: EndFinder, limit: number, statusAbove: 400 | 431): number | undefined {
    const held = this.#held.length;
    let end: number;
    if (held === 0) {
      end = endOf(bytes, at, bytes.length);
      if (end >= 0) this.#taken = bytes.toString("latin1", at, end);
      else this.#held.append(bytes.subarray(at));
    } else {
      this.#held.append(bytes.subarray(at));
      // The end has three bytes at most; two of them may have been there.
      const endInHeld = endOf(this.#held.bytes, Math.max(0, held - 2), this.#held.length);
      end = endInHeld < 0 ? -1 : endInHeld - held + at;
      if (endInHeld >= 0) {
        this.#taken = this.#held.bytes.toString("latin1", 0, endInHeld);
        this.#held.clear();
      }
    }
    if ((end < 0 ? this.#held.length : this.#taken.length) > limit) throw new ProtocolError(statusAbove);
    return end < 0 ? undefined : end;
  }
}

/** Where a text ends, the end included; -1: not in the bytes between `from` and `to`. */
type EndFinder = (bytes: Buffer, from: number, to: number) => number;

const endOfLine: EndFinder = (bytes, from, to) => {
  const at = bytes.indexOf(lineFeed, from);
  return at < 0 || at >= to ? -1 : at + 1;
};

/** The end of the first blank line. A line may be ended by LF alone: `bash` over `/dev/tcp` does so. */
const endOfBlock: EndFinder = (bytes, from, to) => {
  const usual = bytes.indexOf("\n\r\n", from, "latin1");
  const isFound = usual >= 0 && usual + 3 <= to;
  const other = bytes.subarray(from, isFound ? usual : to).indexOf("\n\n", 0, "latin1");
  if (other >= 0) return from + other + 2;
  return isFound ? usual + 3 : -1;
};
