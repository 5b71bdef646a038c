/** How much memory the function's processes have used at their peak. */
import { readFileSync } from "node:fs";
import type { Clock } from "../clock.ts";
import { descendantsOf } from "./tree.ts";

/** Walking the tree opens a file per thread: not for every invocation of a function that answers in half a millisecond. */
const treeWalkEveryMs = 100;

/** Measures what REPORT calls Max Memory Used: the peak so far, which never goes down. */
export class MemoryMeter {
  #peakKb = 0;
  #pids: number[] = [];
  #walkedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly root: number = process.pid,
  ) {}

  /**
   * Looks at the processes now living: the sum of each one's own peak. Processes that start and end between two looks
   * go unseen, so a long invocation is to be looked at while it runs.
   * @returns the peak of all looks so far, in whole MB, at least 1 once a process was seen
   */
  sample(): number {
    const now = this.clock.now();
    if (now - this.#walkedAt >= treeWalkEveryMs) {
      this.#pids = descendantsOf(this.root);
      this.#walkedAt = now;
    }
    let sum = 0;
    for (const pid of this.#pids) sum += peakKbOf(pid);
    this.#peakKb = Math.max(this.#peakKb, sum);
    return Math.ceil(this.#peakKb / 1024);
  }

  /** The next look walks the tree again: processes were started or ended. */
  forgetProcesses(): void {
    this.#walkedAt = Number.NEGATIVE_INFINITY;
  }
}

function peakKbOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const at = status.indexOf("VmHWM:");
    return at < 0 ? 0 : Number.parseInt(status.slice(at + 6), 10);
  } catch {
    return 0; // Ended since the tree was walked.
  }
}
