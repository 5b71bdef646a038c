/** A response on its way to a caller who takes it as it comes, held back when the caller reads slowly. */

/** Why a stream ended before its time. */
export interface StreamEnd {
  readonly errorType: string;
  /** What the runtime, or the environment, says of it: JSON as a rule. */
  readonly errorBody: string;
}

/** Bytes that may wait for the caller before the runtime is held back. */
const maxWaitingBytes = 256 * 1024;

export class AnswerStream {
  readonly #ended = Promise.withResolvers<StreamEnd | undefined>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #onRoom: (() => void) | undefined;
  #bytes = 0;
  #end: StreamEnd | "well" | undefined;

  readonly body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#onRoom?.(),
      // A caller who leaves does not stop the function, as on AWS: the rest goes nowhere.
      cancel: () => {
        this.#controller = undefined;
        this.#onRoom?.();
      },
    },
    { highWaterMark: maxWaitingBytes, size: (chunk) => chunk?.byteLength ?? 0 },
  );

  /** Resolves when the body has ended: with nothing when it ended well. Never rejects. */
  get ended(): Promise<StreamEnd | undefined> {
    return this.#ended.promise;
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What broke it off; `undefined` while it goes on, or when it ended well. */
  get brokenBy(): StreamEnd | undefined {
    return this.#end === "well" ? undefined : this.#end;
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Resolves when there is room for more, or when nobody is there to read it. */
  async write(chunk: Uint8Array): Promise<void> {
    if (!this.isOpen) return;
    this.#bytes += chunk.byteLength;
    this.#controller?.enqueue(chunk);
    while (this.isOpen && this.#controller && (this.#controller.desiredSize ?? 0) <= 0) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
  }

  /** Ends it, once: the first reason stands. */
  close(brokenBy?: StreamEnd): void {
    if (!this.isOpen) return;
    this.#end = brokenBy ?? "well";
    this.#controller?.close();
    this.#controller = undefined;
    this.#ended.resolve(brokenBy);
    this.#onRoom?.();
  }
}
