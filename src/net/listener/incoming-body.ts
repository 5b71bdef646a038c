/** The body of a request, as it comes: kept until somebody reads it, within bounds. */

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
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #state: "coming" | "whole" | "broken" = "coming";
  #reader: "none" | "bytes" | "stream" | "nobody" = "none";
  #wake: () => void = () => {};
  readonly #trailers = Promise.withResolvers<Headers | undefined>();

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

  /** What stood behind a chunked body; without any, empty. `undefined`: the body broke off. Never rejects. */
  get trailers(): Promise<Headers | undefined> {
    return this.#trailers.promise;
  }

  /** A piece came. @returns whether there is room for more */
  push(piece: Uint8Array): boolean {
    if (this.#reader === "nobody") return true;
    this.#waiting.push(piece);
    this.#waitingBytes += piece.length;
    this.#wake();
    return this.#reader === "bytes" || this.#waitingBytes < maxWaitingBytes;
  }

  end(trailers: Headers): void {
    this.#state = "whole";
    this.#trailers.resolve(trailers);
    this.#wake();
  }

  /** The connection ended first. */
  break(): void {
    if (this.isOver) return;
    this.#state = "broken";
    this.#trailers.resolve(undefined);
    this.#wake();
  }

  /** Nobody will read what is left: it is thrown away as it comes. */
  discard(): void {
    this.#reader = "nobody";
    this.#clear();
    this.source.onRoom();
  }

  /** The whole body, in memory of its own. @throws {TruncatedBodyError} */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    this.#begin("bytes");
    const length = this.announcedBytes;
    const isReserved = length !== undefined && length <= maxReservedBytes;
    const pieces: Uint8Array[] = [];
    const whole = isReserved ? new Uint8Array(length) : undefined;
    let size = 0;
    for (;;) {
      for (const piece of this.#waiting) {
        if (whole) whole.set(piece, size);
        else pieces.push(piece);
        size += piece.length;
      }
      this.#clear();
      if (this.#state === "broken") throw new TruncatedBodyError();
      if (this.#state === "whole") return whole ?? joined(pieces, size);
      await this.#nextPiece();
    }
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
            // The bytes of a connection are its own: the next request may stand behind these.
            controller.enqueue(new Uint8Array(piece));
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

  #clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
