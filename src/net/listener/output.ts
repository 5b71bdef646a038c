/** Writing to a connection: in order, and as fast as the client reads. */

/** The part of a socket that is needed here. */
export interface Sink {
  /** @returns how many bytes were taken; -1 on a broken connection */
  write(bytes: string | Uint8Array): number;
  /** Closes it at once, whatever is under way. */
  terminate(): void;
}

export class Output {
  /** What the kernel has not taken yet. */
  #waiting: Uint8Array[] = [];
  #drained: PromiseWithResolvers<void> | undefined;
  #isClosed = false;
  /** Called once, when the connection is gone. */
  onClosed: () => void = () => {};

  constructor(private readonly socket: Sink) {}

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A text goes out as UTF-8. What cannot go at once is kept: wait for `drained` before writing much more. */
  write(data: string | Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#waiting.length > 0) {
      this.#waiting.push(toBytes(data));
      return;
    }
    const written = this.#send(data);
    if (written < 0) return;
    const size = typeof data === "string" ? Buffer.byteLength(data) : data.length;
    if (written >= size) return;
    this.#waiting.push(toBytes(data).subarray(written));
  }

  /** Resolves when all that was written is with the kernel, or the connection is closed; `undefined`: it is already. */
  get drained(): Promise<void> | undefined {
    if (this.#waiting.length === 0) return undefined;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** The kernel takes more. */
  drain(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (!first) break;
      const written = this.#send(first);
      if (written < 0) return;
      if (written < first.length) {
        this.#waiting[0] = first.subarray(written);
        return;
      }
      this.#waiting.shift();
    }
    this.#release();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#release();
    this.onClosed();
  }

  #send(data: string | Uint8Array): number {
    const written = this.socket.write(data);
    // Bun says no more of a connection it could not write to while that was paused: it would stay open for ever.
    if (written < 0) this.socket.terminate();
    return written;
  }

  #release(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}

function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? Buffer.from(data) : data;
}
