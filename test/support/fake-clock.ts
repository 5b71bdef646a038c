import type { Clock } from "../../src/clock.ts";

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; action: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  epoch(): number {
    return 1_700_000_000_000 + Math.floor(this.#now);
  }

  after(ms: number, action: () => void): () => void {
    const timer = { at: this.#now + ms, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How many timers run. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Time passes while nothing else can happen, as on a machine that is busy: timers that became due fire afterwards. */
  stall(ms: number): void {
    this.#now += ms;
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await flush();
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.action();
      await flush();
    }
    this.#now = until;
    await flush();
  }
}

async function flush(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}
