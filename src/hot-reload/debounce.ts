/** Many changes, one reload. */
import type { Clock } from "../clock.ts";

/** Milliseconds without a change after which it is time. */
export const quietMs = 500;

/** Milliseconds after the first change at which it is time even if changes go on. */
export const patienceMs = 2000;

export class Debounce {
  #firstAt: number | undefined;
  #lastAt = 0;
  #callOff: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly action: () => void,
  ) {}

  /** Something changed. Cheap: a checkout of thousands of files comes as thousands of changes. */
  changed(): void {
    this.#lastAt = this.clock.now();
    if (this.#firstAt !== undefined) return;
    this.#firstAt = this.#lastAt;
    this.#wait(quietMs);
  }

  /** Forgets what was announced. */
  stop(): void {
    this.#callOff?.();
    this.#firstAt = undefined;
  }

  #wait(ms: number): void {
    this.#callOff = this.clock.after(ms, () => {
      const now = this.clock.now();
      const dueAt = Math.min(this.#lastAt + quietMs, (this.#firstAt as number) + patienceMs);
      if (now < dueAt) return this.#wait(dueAt - now);
      this.#firstAt = undefined;
      this.action();
    });
  }
}
