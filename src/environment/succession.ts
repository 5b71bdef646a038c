/** The generations of processes of one environment, one after the other: never two at a time. */
import { type Clock, settlesWithin } from "../clock.ts";
import type { Fault } from "../errors.ts";
import { log } from "../log.ts";
import type { Launch } from "../process/launch.ts";
import type { EnvironmentEvents, InitPhase } from "../telemetry/events.ts";
import type { ShutdownReason } from "./extensions/extension.ts";
import { Generation } from "./generation.ts";
import type { ToBlame } from "./last-words.ts";
import { shutdownMs } from "./limits.ts";
import type { Policy } from "./policy.ts";
import type { ProcessPlan } from "./processes.ts";

export interface SuccessionOptions {
  readonly plan: ProcessPlan;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly launch: Launch;
  /** Ends every process of this environment, also what left its group; resolves within the budget, milliseconds. */
  readonly endAll: (budgetMs: number) => Promise<unknown>;
  /** The peak memory so far, MB. */
  readonly memory: { sample(): number; watch(pid: number): void };
  readonly events: EnvironmentEvents;
}

export class Succession {
  #present: Generation;
  #ended: Promise<void> = Promise.resolve();

  /** @param onFault processes of the present generation broke after their init */
  constructor(
    private readonly options: SuccessionOptions,
    private readonly onFault: (fault: Fault, by: ToBlame) => void,
  ) {
    this.#present = this.#newGeneration();
  }

  /** The processes of now; once they have ended, and until others are started, those that were. */
  get present(): Generation {
    return this.#present;
  }

  /** Resolves when the processes that are being ended are gone. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Starts new processes. @param limitMs how long their init may take; `undefined`: others have the limit */
  start(phase: InitPhase, limitMs?: number): void {
    if (this.#present.isStarted) this.#present = this.#newGeneration();
    this.#present.start(phase, limitMs);
  }

  /** Ends the present processes; `/tmp` stays as it is. @param onEnded called when they are gone */
  end(reason: ShutdownReason, onEnded: () => void): void {
    const generation = this.#present;
    generation.beginEnd(reason);
    this.#ended = Promise.resolve()
      .then(() => this.#end(generation, reason))
      .catch((error) => log.error("reset failed:", error))
      .then(onEnded);
  }

  async #end(generation: Generation, reason: ShutdownReason): Promise<void> {
    const { clock, endAll, events } = this.options;
    try {
      await generation.end(reason).catch((error) => log.error("processes were not ended in their order:", error));
      await endAll(shutdownMs);
      if (!(await settlesWithin(clock, shutdownMs, generation.exited))) {
        log.warn("the exit of a process was not noticed within the budget of a reset; going on without it");
      }
      await generation.drain();
    } finally {
      generation.dispose();
      events.processesEnded();
    }
  }

  #newGeneration(): Generation {
    const { plan, policy, clock, launch, events, memory } = this.options;
    const generation: Generation = new Generation({
      plan,
      policy,
      clock,
      launch,
      events,
      onLaunch: (pid) => memory.watch(pid),
      onFault: (fault, by) => {
        if (generation === this.#present) this.onFault(fault, by);
      },
    });
    return generation;
  }
}
