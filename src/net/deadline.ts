import type { Clock } from "../clock.ts";

/**
 * A time limit that is moved thousands of times a minute. Instead of a new timer for each move, one timer stays: when
 * it fires, it looks whether the limit has moved meanwhile.
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

  /** Takes the limit away. The timer is left to run out. */
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
