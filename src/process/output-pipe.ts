/**
 * The output of a function's process: a real pipe, so that `/dev/stdout` and `/proc/self/fd/1` can be opened again, and
 * one for stdout and stderr, so that the order of writing is kept (`docs/contract/decisions.md 28`).
 */
import fs from "node:fs";
import { log } from "../log.ts";
import { openPipe, unreadBytes } from "./libc.ts";

/**
 * Bytes a process may be ahead of us before it has to wait: more than it writes in a turn of the event loop. A pipe of 1 MiB
 * was slower to read (it leaves the CPU's cache), and 64 of them use up what the kernel grants to all pipes of a user, of all
 * containers together: the function's own pipes would then hold 8 KiB. https://man7.org/linux/man-pages/man7/pipe.7.html
 */
const capacity = 1 << 18;

/**
 * Takes what a process writes. A chunk is the receiver's from then on: its memory may be given up within the call.
 * Where it returns a promise, nothing more is read until that has resolved, which holds up the writer.
 */
export type OutputReceiver = (chunk: Uint8Array) => unknown;

/**
 * Bytes Bun's reader may hold while it is not asked for more: a chunk, and one that is being read, of a pipe that the function
 * has made as large as it may.
 */
const mostReadAhead = 2 << 20;

/** Somebody who waits until so many bytes, of all that were ever written, are delivered. */
interface Waiting {
  readonly until: number;
  readonly resolve: () => void;
}

export class OutputPipe {
  readonly #readEnd: number;
  #writeEnd: number | undefined;
  #reader: ReturnType<typeof readerOf> | undefined;
  #isOpen = true;
  #delivered = 0;
  #waiting: Waiting[] = [];
  /** After a receiver has held us up: Bun's reader may hold bytes that are neither in the pipe nor delivered. */
  #isBehind = false;

  constructor() {
    const { readEnd, writeEnd } = openPipe(capacity);
    this.#readEnd = readEnd;
    this.#writeEnd = writeEnd;
  }

  /** The end to hand to the process that is being started. */
  get writeEnd(): number {
    if (this.#writeEnd === undefined) throw new Error("the write end of this pipe was closed already");
    return this.#writeEnd;
  }

  /** To be called once the process has its copy: only then does the end of its writers end the pipe. */
  closeWriteEnd(): void {
    if (this.#writeEnd !== undefined) fs.closeSync(this.#writeEnd);
    this.#writeEnd = undefined;
  }

  /** Starts reading. @param onChunk gets every chunk in the order it was written */
  receive(onChunk: OutputReceiver): void {
    this.#reader = readerOf(this.#readEnd);
    void this.#pump(this.#reader, onChunk);
  }

  /**
   * Resolves when everything that stands in the pipe now has been delivered; later output is not waited for, so a
   * process that writes without end cannot hold anybody up. `undefined` when there is nothing to wait for.
   *
   * There is one reader (Bun's), and while it is asked for more it keeps nothing back between two turns of the event
   * loop: counting the bytes the kernel still holds is therefore exact, and costs no turn in the common case of an
   * empty pipe. While a receiver holds us up it is not asked, and reads ahead. How much is known once it has nothing
   * ready any more; until then the most it can hold is added.
   */
  drain(): Promise<void> | undefined {
    if (!this.#isOpen || !this.#reader) return undefined;
    const unread = unreadBytes(this.#readEnd);
    if (unread === 0 && !this.#isBehind) return undefined;
    const until = this.#delivered + unread + (this.#isBehind ? mostReadAhead : 0);
    return new Promise((resolve) => this.#waiting.push({ until, resolve }));
  }

  /** Stops reading although writers may be left. */
  close(): void {
    this.closeWriteEnd();
    if (!this.#isOpen) return;
    // The pump closes the read end when it notices.
    if (this.#reader) this.#reader.cancel().catch(() => {});
    else this.#end();
  }

  async #pump(reader: ReturnType<typeof readerOf>, onChunk: OutputReceiver): Promise<void> {
    try {
      for (;;) {
        let hasChunk = false;
        const reading = reader.read();
        if (this.#isBehind) setImmediate(() => !hasChunk && this.#caughtUp());
        const { done, value } = await reading;
        hasChunk = true;
        if (done) break;
        const { length } = value;
        const goOn = onChunk(value);
        this.#delivered += length;
        if (this.#waiting.length > 0) this.#wakeUp();
        if (goOn instanceof Promise) {
          this.#isBehind = true;
          await goOn;
        }
      }
    } catch (error) {
      log.warn("reading a process's output failed, the rest of it is lost:", error);
    }
    this.#end();
  }

  /** A turn has passed in which the reader had nothing for us: what is not delivered stands in the pipe. */
  #caughtUp(): void {
    if (!this.#isOpen) return;
    this.#isBehind = false;
    const all = this.#delivered + unreadBytes(this.#readEnd);
    this.#waiting = this.#waiting.map(({ until, resolve }) => ({ until: Math.min(until, all), resolve }));
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#waiting = this.#waiting.filter(({ until, resolve }) => {
      if (this.#delivered >= until) resolve();
      return this.#delivered < until;
    });
  }

  #end(): void {
    this.#isOpen = false;
    fs.closeSync(this.#readEnd);
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting = [];
  }
}

function readerOf(fd: number) {
  return Bun.file(fd).stream().getReader();
}
