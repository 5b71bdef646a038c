/** The function's output on init's own stdout, where `docker logs` shows it. */
import { type Clock, settlesWithin } from "../clock.ts";
import { log } from "../log.ts";

/** Bytes that may wait for whoever reads our stdout. A reader that stopped must not fill the memory. */
const maxWaitingBytes = 64 * 1024 * 1024;

/** Milliseconds to wait at the end for what still waits. */
const flushBudgetMs = 1000;

export class StdoutForwarder {
  #waitingBytes = 0;
  #droppedBytes = 0;
  #written: Promise<void> = Promise.resolve();

  constructor(private readonly write: (chunk: Uint8Array, done: () => void) => void = writeToStdout) {}

  forward(chunk: Uint8Array): void {
    if (this.#waitingBytes > maxWaitingBytes) {
      if (this.#droppedBytes === 0) log.warn("nobody reads init's stdout: output of the function is not shown there");
      this.#droppedBytes += chunk.length;
      return;
    }
    this.#waitingBytes += chunk.length;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#written = promise;
    this.write(chunk, () => {
      this.#waitingBytes -= chunk.length;
      resolve();
    });
  }

  /** Waits a bounded time until all was written. To be called before the process exits. */
  async flush(clock: Clock): Promise<void> {
    if (this.#waitingBytes > 0) await settlesWithin(clock, flushBudgetMs, this.#written);
    if (this.#droppedBytes > 0)
      log.warn(`${this.#droppedBytes} bytes of the function's output were not shown on stdout`);
  }
}

function writeToStdout(chunk: Uint8Array, done: () => void): void {
  process.stdout.write(chunk, done);
}
