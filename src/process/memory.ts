/** How much memory the function's processes have used at their peak. */
import fs from "node:fs";
import type { Clock } from "../clock.ts";

/** Milliseconds between walks of the tree. A walk opens a file per thread: too much for each fast invocation. */
const treeWalkEveryMs = 100;

/**
 * A look costs the kernel some 30 µs for each process. Looks that follow each other faster than this give the figure of
 * the last one: what a process takes in so short a time shows in the next.
 */
const lookEveryMs = 10;

/** Measures what REPORT calls Max Memory Used: the peak so far, which never goes down. */
export class MemoryMeter {
  #peakMb = 0;
  /** The status files of the processes, kept open: opening one costs five times as much as reading it. */
  #statusFiles = new Map<number, number>();
  #walkedAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    /** The processes to measure, as they are now. */
    private readonly members: () => number[],
  ) {}

  /**
   * Looks at the processes now living: the sum of each one's own peak. Processes that start and end between two looks
   * go unseen, so a long invocation is to be looked at while it runs.
   * @returns the peak of all looks so far, in whole MB, at least 1 once a process was seen
   */
  sample(): number {
    const now = this.clock.now();
    if (now - this.#lookedAt < lookEveryMs) return this.#peakMb;
    this.#lookedAt = now;
    if (now - this.#walkedAt >= treeWalkEveryMs) {
      this.#walkedAt = now;
      this.#follow(this.members());
    }
    let sum = 0;
    for (const [pid, file] of this.#statusFiles) {
      const peakKb = peakKbIn(file);
      if (peakKb === undefined) this.forget(pid);
      else sum += peakKb;
    }
    this.#peakMb = Math.max(this.#peakMb, Math.ceil(sum / 1024));
    return this.#peakMb;
  }

  /** Takes up a process just started, so that the first look needs no walk. */
  watch(pid: number): void {
    this.#follow([...this.#statusFiles.keys(), pid]);
    this.#walkedAt = this.clock.now();
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** To be called when a process has ended. */
  forget(pid: number): void {
    const file = this.#statusFiles.get(pid);
    if (file !== undefined) fs.closeSync(file);
    this.#statusFiles.delete(pid);
  }

  /** Follows nobody any more. */
  close(): void {
    this.#follow([]);
  }

  #follow(pids: number[]): void {
    const before = this.#statusFiles;
    this.#statusFiles = new Map<number, number>();
    for (const pid of new Set(pids)) {
      const file = before.get(pid) ?? openStatus(pid);
      before.delete(pid);
      if (file !== undefined) this.#statusFiles.set(pid, file);
    }
    for (const file of before.values()) fs.closeSync(file);
  }
}

function openStatus(pid: number): number | undefined {
  try {
    return fs.openSync(`/proc/${pid}/status`, "r");
  } catch {
    return undefined; // Ended since the tree was walked.
  }
}

const buffer = Buffer.alloc(4096);

/** The peak of one process, kB; `undefined` once it was reaped. */
function peakKbIn(statusFile: number): number | undefined {
  try {
    const text = buffer.toString("latin1", 0, fs.readSync(statusFile, buffer, 0, buffer.length, 0));
    const at = text.indexOf("VmHWM:");
    return at < 0 ? 0 : Number.parseInt(text.slice(at + 6, at + 24), 10);
  } catch {
    return undefined;
  }
}
