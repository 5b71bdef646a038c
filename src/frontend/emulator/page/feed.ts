/** What the page does not know yet: the difference between the history and what it has seen. */
import type { Clock } from "../../../clock.ts";
import type { Load } from "../capacity.ts";
import type { History } from "../history.ts";
import { type Summary, summaryOf } from "./summary.ts";

/** All that happened since a moment. */
export interface Changes {
  /** The page has to forget what it shows: this is all there is. */
  readonly isAll: boolean;
  readonly entries: readonly Summary[];
  /** The number of the oldest entry that is kept; `null`: none is. */
  readonly oldest: number | null;
  readonly load: Load;
}

/** Milliseconds within which changes are told together: thousands of calls in a second must not become as many messages. */
const togetherMs = 50;

export class Feed {
  /** Tells this run of the emulator from those before, whose numbers began at 1 too. */
  readonly #run = crypto.randomUUID().slice(0, 8);
  readonly #changedAt = new Map<number, number>();
  readonly #listeners = new Set<() => void>();
  #moment = 1;
  #isDue = false;

  constructor(
    private readonly history: History,
    private readonly load: () => Load,
    private readonly clock: Clock,
  ) {
    for (const { number } of history.entries) this.#changedAt.set(number, this.#moment);
    // For as long as the program runs, like the page itself.
    history.subscribe((event) => {
      this.#moment++;
      if (event.type === "entry") this.#changedAt.set(event.entry.number, this.#moment);
      if (event.type === "dropped") this.#changedAt.delete(event.number);
      if (event.type === "cleared") this.#changedAt.clear();
      this.#tellSoon();
    });
  }

  /** The name of the present moment, to be given back to `changesSince`. */
  get moment(): string {
    return `${this.#run}-${this.#moment}`;
  }

  /** @param moment one of ours; any other text: nothing was seen */
  changesSince(moment: string): Changes {
    const [run, text] = moment.split("-");
    const seen = run === this.#run && /^\d{1,15}$/.test(text ?? "") ? Number(text) : 0;
    const { entries } = this.history;
    return {
      isAll: seen === 0,
      entries: entries.filter(({ number }) => (this.#changedAt.get(number) ?? 0) > seen).map(summaryOf),
      oldest: entries[0]?.number ?? null,
      load: this.load(),
    };
  }

  /** Calls the listener when there is something new. @returns ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tellSoon(): void {
    if (this.#isDue || this.#listeners.size === 0) return;
    this.#isDue = true;
    this.clock.after(togetherMs, () => {
      this.#isDue = false;
      for (const listener of this.#listeners) listener();
    });
  }
}
