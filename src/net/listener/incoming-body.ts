/** The body of a request, as it comes: kept until somebody reads it, within bounds. */

import { release } from "../buffers.ts";
import type { Fields } from "./fields.ts";

/** Thrown to the reader of a body whose connection ended before the body did. */
export class TruncatedBodyError extends Error {
  override name = "TruncatedBodyError";
  override message = "the connection ended before the body of the request did";
}

/** Bytes that may wait for a reader before the client has to. */
const maxWaitingBytes = 256 * 1024;

/** An announced length up to which memory is taken at once for the whole body. */
const maxReservedBytes = 16 * 1024 * 1024;

/** What the body asks of its connection. */
export interface BodySource {
  /** Somebody began to read: a client that waits for `100 Continue` may send. */
  onWanted(): void;
  /** There is room again, after `push` had said that there was none. */
  onRoom(): void;
}

export class IncomingBody {
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waitingBytes = 0;
  #state: "coming" | "whole" | "broken" = "coming";
  #reader: "none" | "bytes" | "stream" | "nobody" = "none";
  /** Memory for the whole body, where its length is known and somebody wants it whole. */
  #reserved: Buffer<ArrayBuffer> | undefined;
  #reservedBytes = 0;
  #wake: () => void = () => {};
  #trailers: Fields | undefined;

  /** @param announcedBytes its length, where that is known */
  constructor(
    private readonly source: BodySource,
    private readonly announcedBytes: number | undefined,
  ) {}

  /** Whether it has come to its end, or never will. */
  get isOver(): boolean {
    return this.#state !== "coming";
  }

  get isRead(): boolean {
    return this.#reader !== "none";
  }

  /** What stood behind a chunked body, once that has come whole. */
  get trailers(): Fields | undefined {
    return this.#trailers;
  }

  /**
   * A piece came: what stands in `bytes` between `from` and `to`.
   * @returns whether there is room for more
   */
  push(bytes: Buffer, from: number, to: number): boolean {
    if (this.#reader === "nobody") return true;
    if (this.#reserved) {
      this.#reservedBytes += bytes.copy(this.#reserved, this.#reservedBytes, from, to);
      if (from === 0 && to === bytes.length) release(bytes);
      return true;
    }
    this.#waiting.push(ownPiece(bytes, from, to));
    this.#waitingBytes += to - from;
    this.#wake();
    return this.#reader === "bytes" || this.#waitingBytes < maxWaitingBytes;
  }

  end(trailers: Fields | undefined): void {
    this.#state = "whole";
    this.#trailers = trailers;
    this.#wake();
  }

  /** The connection ended first. */
  break(): void {
    if (this.isOver) return;
    this.#state = "broken";
    this.#wake();
  }

  /** Nobody will read what is left: it is thrown away as it comes. */
  discard(): void {
    this.#reader = "nobody";
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.source.onRoom();
  }

  /** The whole body, in memory of its own. @throws {TruncatedBodyError} */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    this.#begin("bytes");
    const length = this.announcedBytes;
    if (length !== undefined && length <= maxReservedBytes) {
      const reserved = Buffer.allocUnsafeSlow(length);
      for (const piece of this.#waiting) {
        reserved.set(piece, this.#reservedBytes);
        this.#reservedBytes += piece.length;
      }
      this.#waiting = [];
      this.#reserved = reserved;
    }
    while (this.#state === "coming") await this.#nextPiece();
    if (this.#state === "broken") throw new TruncatedBodyError();
    return this.#reserved ?? Buffer.concat(this.#waiting.splice(0));
  }

  /** The body piece by piece; the client is slowed down to the pace of the reader. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#begin("stream");
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: async (controller) => {
          while (this.#waiting.length === 0 && this.#state === "coming") await this.#nextPiece();
          const piece = this.#waiting.shift();
          if (piece) {
            this.#waitingBytes -= piece.length;
            controller.enqueue(piece);
            if (this.#waitingBytes < maxWaitingBytes) this.source.onRoom();
          } else if (this.#state === "whole") {
            controller.close();
          } else {
            controller.error(new TruncatedBodyError());
          }
        },
        cancel: () => this.discard(),
      },
      { highWaterMark: 0 },
    );
  }

  #begin(reader: "bytes" | "stream"): void {
    if (this.isRead) throw new TypeError("the body of this request was read already");
    this.#reader = reader;
    this.source.onWanted();
    if (reader === "bytes") this.source.onRoom();
  }

  #nextPiece(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** Bytes that are nobody else's: whoever gets them may give their memory away. */
function ownPiece(bytes: Buffer, from: number, to: number): Uint8Array<ArrayBuffer> {
  if (from === 0 && to === bytes.length) return bytes as Buffer<ArrayBuffer>;
  return Uint8Array.prototype.slice.call(bytes, from, to) as Uint8Array<ArrayBuffer>;
}
