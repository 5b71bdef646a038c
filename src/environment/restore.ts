/** The restore of a runtime that is held as if a snapshot had been taken: `docs/contract/lifecycle-2.md 3.2`. */
import type { Clock } from "../clock.ts";
import { restoreTimeoutFault } from "../errors.ts";
import type { EnvironmentEvents } from "../telemetry/events.ts";
import type { Exchanges } from "./exchanges.ts";
import { type InitOutcome, statusOf } from "./init-outcome.ts";

export interface RestoreOptions {
  readonly clock: Clock;
  readonly events: EnvironmentEvents;
  readonly exchanges: Exchanges;
}

export class Restore {
  /** From its beginning until it has ended well. */
  #open: PromiseWithResolvers<InitOutcome> | undefined;
  /** What all who wait for it wait for. */
  #outcome: Promise<InitOutcome> | undefined;
  #failure: InitOutcome | undefined;

  constructor(private readonly options: RestoreOptions) {}

  /** Whether an invocation must wait for it: it is to begin, is under way, or has failed. */
  get isDue(): boolean {
    return this.#outcome !== undefined || this.options.exchanges.isSnapshot;
  }

  /** Whether it is under way, or has failed. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** `undefined`: it did not fail, or nobody is to blame. */
  get failure(): InitOutcome | undefined {
    return this.#failure;
  }

  /**
   * Lets the runtime go on. Whoever asks meanwhile waits for the same restore, and shares its end.
   * @returns how that ended: it polls, it reported an error, or it took too long
   */
  run(limitMs: number): Promise<InitOutcome> {
    this.#outcome ??= this.#run(limitMs);
    return this.#outcome;
  }

  /** What the runtime did, or what became of it; without meaning unless it is under way. */
  end(outcome: InitOutcome): void {
    this.#open?.resolve(outcome);
  }

  async #run(limitMs: number): Promise<InitOutcome> {
    const { clock, events, exchanges } = this.options;
    const startedAt = clock.now();
    const open = Promise.withResolvers<InitOutcome>();
    this.#open = open;
    events.restoreStarted();
    exchanges.restore();
    const callOff = clock.after(limitMs, () => open.resolve({ kind: "overdue", limitMs }));
    const outcome = await open.promise;
    callOff();
    // After one that failed there is nothing more to tell: these processes are given up.
    if (outcome.kind === "ready") this.#open = this.#outcome = undefined;
    else this.#failure = blamed(outcome);
    events.restoreEnded({ ...statusOf(outcome), durationMs: clock.now() - startedAt });
    return outcome;
  }
}

function blamed(outcome: InitOutcome): InitOutcome | undefined {
  if (outcome.kind === "cancelled") return undefined;
  return outcome.kind === "overdue" ? { kind: "fault", fault: restoreTimeoutFault(outcome.limitMs) } : outcome;
}
