import type { Clock } from "../clock.ts";

/**
 * A time limit that is set anew again and again. A timer of its own for every wait would be made and called off thousands
 * of times a minute; this one stays, and looks when it fires whether the limit has moved on meanwhile.
 */
export class Deadline {
  #passesAt = Number.POSITIVE_INFINITY;
  #firesAt = Number.POSITIVE_INFINITY;
  #callOff: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly onPassed: () => void,
  ) {}

  /** Passes `ms` milliseconds from now, in place of whenever it would have passed. */
  set(ms: number): void {
    this.#passesAt = this.clock.now() + ms;
    if (this.#passesAt < this.#firesAt) this.#arm(ms);
  }

  /** Nothing is waited for: it does not pass. The timer is left to run out. */
  clear(): void {
    this.#passesAt = Number.POSITIVE_INFINITY;
  }

  /** As `clear`, and leaves no timer behind. */
  end(): void {
    this.clear();
    this.#callOff?.();
    this.#callOff = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #arm(ms: number): void {
    this.#callOff?.();
    this.#firesAt = this.clock.now() + ms;
    this.#callOff = this.clock.after(ms, () => this.#fire());
  }

  #fire(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    this.#callOff = undefined;
    if (this.#passesAt === Number.POSITIVE_INFINITY) return;
    // Timers may be a fraction of a millisecond early.
    const left = this.#passesAt - this.clock.now();
    if (left >= 1) {
      this.#arm(left);
    } else {
      this.clear();
      this.onPassed();
    }
  }
}
