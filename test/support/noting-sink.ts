/** A descriptor in place of stdout or stderr. */
import type { Sink } from "../../src/standard-streams.ts";

export class NotingSink implements Sink {
  /** What was written, write by write. */
  readonly written: string[] = [];
  /** What the kernel does with the next write: takes it at once, later, or not. */
  next: "takes it" | "is full" | NodeJS.ErrnoException = "takes it";
  #room: PromiseWithResolvers<number> | undefined;

  write(bytes: Uint8Array): number | Promise<number> {
    if (this.next instanceof Error) throw this.next;
    this.written.push(new TextDecoder().decode(bytes));
    if (this.next === "takes it") return bytes.length;
    this.#room = Promise.withResolvers();
    return this.#room.promise;
  }

  flush(): number {
    return 0;
  }

  /** The write under way ends, and those behind it begin. */
  async makeRoom(error?: Error): Promise<void> {
    const room = this.#room;
    this.#room = undefined;
    if (error) room?.reject(error);
    else room?.resolve(0);
    // The stream goes on in turns of its own.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
}

/** An error as the kernel gives it. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: write`), { code });
}
