/** Many changes, one call: a save touches several files, a checkout thousands. */
import type { Clock } from "../clock.ts";

/** Milliseconds without a change after which the code counts as complete. See `docs/contract/lifecycle.md 6`. */
const quietMs = 500;

/**
 * Milliseconds after the first change at which the call comes anyway, so that something that never stops writing is
 * seen.
 */
const longestMs = 2000;

export class Debounce {
  #firstAt: number | undefined;
  #lastAt = 0;
  #callOff: () => void = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly action: () => void,
  ) {}

  /** Whether a change was told that no call has followed yet. */
  get isPending(): boolean {
    return this.#firstAt !== undefined;
  }

  /** To be called at every change: costs no timer of its own, so that a burst of thousands is cheap. */
  changed(): void {
    this.#lastAt = this.clock.now();
    if (this.#firstAt !== undefined) return;
    this.#firstAt = this.#lastAt;
    this.#wait(this.#firstAt, quietMs);
  }

  /** Forgets what is pending. */
  stop(): void {
    this.#firstAt = undefined;
    this.#callOff();
  }

  #wait(firstAt: number, ms: number): void {
    this.#callOff = this.clock.after(ms, () => {
      const left = Math.min(this.#lastAt + quietMs, firstAt + longestMs) - this.clock.now();
      if (left > 0) return this.#wait(firstAt, left);
      this.#firstAt = undefined;
      this.action();
    });
  }
}
