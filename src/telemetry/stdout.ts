/** The function's output on init's own stdout, where `docker logs` shows it. */
import { type Clock, settlesWithin } from "../clock.ts";
import { log } from "../log.ts";
import { release } from "../net/buffers.ts";
import { type StandardStream, stdout } from "../standard-streams.ts";
import { endOfPiece } from "./log/whole-characters.ts";

/** Bytes that may wait for whoever reads our stdout before the function is held up, as it is by a reader of its own. */
const patientBytes = 2 * 1024 * 1024;

/**
 * Milliseconds without a byte taken after which nobody reads any more: output is then left out, for as long as that
 * lasts.
 */
const stalledMs = 1000;

/** Milliseconds to wait at the end for what still waits. */
const flushBudgetMs = 1000;

export class StdoutForwarder {
  #waitingBytes = 0;
  #leftOutBytes = 0;
  #isStalled = false;
  #room: PromiseWithResolvers<void> | undefined;
  #stopPatience: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly stream: StandardStream = stdout,
    /**
     * The most one write may have: up to 4096 bytes a pipe takes whole or not at all, so that none ends in a character.
     */
    private readonly maxWriteBytes = Number.POSITIVE_INFINITY,
  ) {}

  /**
   * Takes a chunk over: its memory is given up once it was written.
   * @returns what to wait for before more is read from the function; `undefined`: nothing. Never rejects
   */
  forward(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#isStalled && this.#waitingBytes > patientBytes) {
      this.#leaveOut(chunk.length);
      return undefined;
    }
    const { length } = chunk;
    this.#waitingBytes += length;
    for (let from = 0; from < length; ) {
      const end = endOfPiece(chunk, from, this.maxWriteBytes);
      const piece = chunk.subarray(from, end);
      this.stream.write(piece, (error) => {
        this.#taken(piece.length, error);
        // Chunks pile up by the hundred until they are collected: a log would take its size once more.
        if (end === length && length === chunk.buffer.byteLength) release(chunk);
      });
      from = end;
    }
    return this.#waitingBytes > patientBytes ? this.#patience() : undefined;
  }

  /** Adds lines of init's own (with their newlines), in one, on lines of their own whatever the function wrote last. */
  forwardLine(text: string): void {
    const { length } = text;
    this.#waitingBytes += length;
    this.stream.writeLine(text, (error) => this.#taken(length, error));
  }

  /** Waits a bounded time until all was written. To be called before the process exits. */
  async flush(): Promise<void> {
    if (this.#waitingBytes > 0) await settlesWithin(this.clock, flushBudgetMs, this.stream.flushed);
    if (this.#leftOutBytes > 0) log.warn(`${this.#leftOutBytes} bytes of output are missing on init's stdout`);
  }

  #patience(): Promise<void> | undefined {
    if (this.#isStalled) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    this.#stopPatience ??= this.clock.after(stalledMs, () => {
      this.#isStalled = true;
      this.#goOn();
    });
    return this.#room.promise;
  }

  #taken(bytes: number, error: unknown): void {
    this.#waitingBytes -= bytes;
    if (error !== undefined) this.#leaveOut(bytes, error);
    this.#isStalled = false;
    this.#stopPatience?.();
    this.#stopPatience = undefined;
    if (this.#waitingBytes <= patientBytes) this.#goOn();
    else if (this.#room) this.#patience();
  }

  #goOn(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Told once: whoever ended the reader or filled the disk knows, and invocations are as good as before. */
  #leaveOut(bytes: number, error?: unknown): void {
    if (this.#leftOutBytes === 0) {
      const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "its reader does not read";
      log.warn(`init's stdout takes no more output (${code}): it is missing there, the logs of invocations have it`);
    }
    this.#leftOutBytes += bytes;
  }
}
