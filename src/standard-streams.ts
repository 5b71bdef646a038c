/**
 * Init's own stdout and stderr. Not `process.stdout`: that costs 5 MB and 10 ms when it is first used, and ends the
 * process over a reader that is gone.
 */

/** The part of Bun's `FileSink` that is used. Both calls throw, or their promises reject, with what went wrong. */
export interface Sink {
  write(bytes: Uint8Array): number | Promise<number>;
  flush(): number | Promise<number>;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly isOwnLine: boolean;
  readonly done: ((error?: unknown) => void) | undefined;
}

/** Whether the last write, to either stream, ended its line: `docker logs` shows both streams as one. */
let isAtLineStart = true;

export class StandardStream {
  #sink: Sink | undefined;
  #waiting: Entry[] = [];
  #isWriting = false;

  constructor(private readonly open: () => Sink) {}

  /**
   * Writes a chunk behind those that still wait. Never throws.
   * @param done called when the kernel has it, or with what went wrong: `EPIPE` when the reader is gone, `ENOSPC`, …
   */
  write(bytes: Uint8Array, done?: (error?: unknown) => void): void {
    this.#add({ bytes, isOwnLine: false, done });
  }

  /** Writes a line (with its newline) that never continues another one. */
  writeLine(line: string, done?: (error?: unknown) => void): void {
    this.#add({ bytes: Buffer.from(line), isOwnLine: true, done });
  }

  /** Resolves when all that has been given so far was written or lost. */
  get flushed(): Promise<void> {
    if (!this.#isWriting) return Promise.resolve();
    return new Promise((resolve) => this.write(new Uint8Array(0), () => resolve()));
  }

  #add(entry: Entry): void {
    this.#waiting.push(entry);
    if (!this.#isWriting) this.#writeAll();
  }

  /** Writes all that waits, without leaving this turn of the event loop while the kernel takes everything at once. */
  #writeAll(): void {
    for (let entry = this.#waiting.shift(); entry; entry = this.#waiting.shift()) {
      const { done } = entry;
      let pending: Promise<unknown> | undefined;
      try {
        pending = this.#begin(entry);
      } catch (error) {
        done?.(error);
        continue;
      }
      if (!pending) {
        done?.();
        continue;
      }
      this.#isWriting = true;
      const goOn = (error?: unknown) => {
        this.#isWriting = false;
        done?.(error);
        if (!this.#isWriting) this.#writeAll();
      };
      pending.then(() => goOn(), goOn);
      return;
    }
  }

  /** @returns what to wait for, if anything */
  #begin({ bytes, isOwnLine }: Entry): Promise<unknown> | undefined {
    if (bytes.length === 0) return undefined;
    this.#sink ??= this.open();
    const text = isOwnLine && !isAtLineStart ? Buffer.concat([Buffer.from("\n"), bytes]) : bytes;
    const results = [this.#sink.write(text), this.#sink.flush()];
    isAtLineStart = bytes.at(-1) === 0x0a;
    return results.some((result) => result instanceof Promise) ? Promise.all(results) : undefined;
  }
}

export const stdout = new StandardStream(() => Bun.stdout.writer());
export const stderr = new StandardStream(() => Bun.stderr.writer());
