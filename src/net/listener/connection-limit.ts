/**
 * How many connections may be open. Each takes a file descriptor of init; a function that opens them without end would
 * take them all, and Bun's accept loop spins on a connection it has no descriptor for.
 */
import fs from "node:fs";
import { log } from "../../log.ts";

/** Fewer than these are let in without a look at the limit. */
const alwaysAllowed = 64;

/** The share of init's descriptors that connections may have; the rest is for processes, pipes and files. */
const share = 0.75;

interface Limited {
  /** Whether nobody waits for an answer over it. */
  readonly isIdle: boolean;
  /** Closes it at once. */
  drop(): void;
}

export class ConnectionLimit {
  readonly #open = new Set<Limited>();
  #max: number | undefined;
  #hasWarned = false;

  /** @param readLimit tells how many descriptors the process may have */
  constructor(private readonly readLimit: () => number = openFilesLimit) {}

  /** @returns whether there is room for it, perhaps in the place of the one that was idle the longest */
  admit(connection: Limited): boolean {
    if (this.#open.size >= alwaysAllowed && this.#open.size >= this.#maxOpen && !this.#makeRoom()) return false;
    this.#open.add(connection);
    return true;
  }

  release(connection: Limited): void {
    this.#open.delete(connection);
  }

  get #maxOpen(): number {
    this.#max ??= Math.max(alwaysAllowed, Math.floor(this.readLimit() * share));
    return this.#max;
  }

  #makeRoom(): boolean {
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      log.warn(
        `${this.#open.size} connections to init are open, as many as its limit of open files allows: ` +
          "each new one takes the place of an idle one. Does the function close those it opens?",
      );
    }
    for (const connection of this.#open) {
      if (!connection.isIdle) continue;
      this.#open.delete(connection);
      connection.drop();
      return true;
    }
    return false;
  }
}

/** The soft limit of open files of this process; where it cannot be read, what Linux gives by default. */
function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(fs.readFileSync("/proc/self/limits", "utf8")) ?? [];
    return Number(soft ?? 1024);
  } catch {
    return 1024;
  }
}
