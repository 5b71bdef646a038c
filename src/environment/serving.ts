/** The story of one invocation, from its turn to its REPORT. */
import type { Clock } from "../clock.ts";
import { type Fault, messageOf, restoreTimeoutFault, timeoutFault } from "../errors.ts";
import { log } from "../log.ts";
import type { EnvironmentEvents } from "../telemetry/events.ts";
import type { ShutdownReason } from "./extensions/extension.ts";
import type { Generation } from "./generation.ts";
import type { InitOutcome } from "./init-outcome.ts";
import type { Invocation, Settlement } from "./invocation.ts";
import type { Event, State } from "./lifecycle-table.ts";
import { memorySampleEveryMs, restoreMs } from "./limits.ts";
import type { Policy } from "./policy.ts";
import { reportOn } from "./report.ts";
import type { Running } from "./running.ts";

/** The environment, as an invocation meets it. */
export interface Stage {
  readonly state: State;
  /** The processes of now. */
  readonly generation: Generation;
  /** Why the next invocation fails. */
  readonly failure: InitOutcome | undefined;
  /** Resolves when the present boot, or the last one, has ended and all it means has been done. */
  readonly booted: Promise<unknown>;
  /** Resolves when the processes that are being ended are gone. */
  readonly reset: Promise<void>;
  readonly isStopping: boolean;
  move(event: Event): boolean;
  /** Starts new processes inside the invocation. */
  startInside(): void;
  /** Nothing starts any more. */
  refuse(running: Running): void;
  /** Looks at the memory of a runtime that nobody has looked at since its init: it may die in its first invocation. */
  measure(): void;
  /** Milliseconds the first init took: given once. */
  takeInitDuration(): number | undefined;
  /** It is off the stage: the last thing that is done before it is settled. */
  leave(running: Running, settlement: Settlement): void;
  /** It is settled, and its processes can take another. */
  onSettled(invocation: Invocation, areExtensionsBusy: boolean): void;
  /** It is settled, and its processes are of no use any more. */
  onBroken(reason: ShutdownReason): void;
}

export interface ServingOptions {
  readonly clock: Clock;
  readonly policy: Policy;
  readonly timeoutSeconds: number;
  readonly memory: { sample(): number };
  readonly events: EnvironmentEvents;
}

/** Whatever fails inside init, the invocation is settled and the next one has its turn. Never rejects. */
export async function serve(running: Running, stage: Stage, options: ServingOptions): Promise<void> {
  const serving = new Serving(running, stage, options);
  const settlement = await serving.toItsEnd();
  try {
    await serving.settle(settlement);
  } catch (error) {
    failureInside("settling an invocation", error);
    stage.leave(running, settlement);
    running.invocation.settle({ ...settlement, isRuntimeReady: false });
    stage.generation.beginEnd("failure");
    stage.onBroken("failure");
  }
}

class Serving {
  constructor(
    private readonly running: Running,
    private readonly stage: Stage,
    private readonly options: ServingOptions,
  ) {}

  /** @returns how it ended; its timers are called off */
  async toItsEnd(): Promise<Settlement> {
    const { clock, memory } = this.options;
    const { invocation } = this.running;
    if (!this.#isRestoreDue) this.#startTime();
    const stopSampling = every(clock, memorySampleEveryMs, () => memory.sample());
    this.#bringToTheRuntime().catch((error) => invocation.fail(failureInside("serving an invocation", error)));
    const settlement = await invocation.over;
    this.running.stopTimer();
    stopSampling();
    return settlement;
  }

  /** Brings it to processes that poll, or ends it with what prevented that. */
  async #bringToTheRuntime(): Promise<void> {
    const { running, stage } = this;
    const { invocation } = running;
    const { events, policy } = this.options;
    if (stage.state === "booting") await stage.booted;
    // What was written before is not this invocation's. The processes may end while it is being received.
    if (stage.state === "ready") await stage.generation.drain();
    while (stage.state === "resetting") await stage.reset;
    if (stage.isStopping) return stage.refuse(running);
    if (!invocation.isWaiting) return;
    stage.move("invoke");
    // It stands until the reset that follows: several may have waited for the same init.
    if (stage.failure) return running.endWithInit(stage.failure);
    if (!running.isTimed && !this.#isRestoreDue) this.#startTime();
    if (stage.state === "starting") {
      if (!policy.hasInitReports) running.announce();
      stage.startInside();
      const outcome = await stage.generation.initialized;
      if (outcome.kind !== "ready") return running.endWithInit(outcome);
      if (!invocation.isWaiting) return;
      stage.move("initialized");
    }
    if (stage.generation.isRestoreDue && !(await this.#restore())) return;
    if (!invocation.isWaiting) return;
    // Where several run, this one may come after the processes have ended and before the others are settled.
    if (stage.generation.fault) return invocation.fail(stage.generation.fault);
    if (stage.generation.isEnding) return stage.refuse(running);
    stage.measure();
    running.announce();
    running.isDispatched = true;
    events.invocationDispatched(invocation.request);
    stage.generation.dispatch(invocation);
  }

  /** Sees all that belongs to it, and settles it. */
  async settle(settlement: Settlement): Promise<void> {
    const { running, stage } = this;
    const { invocation } = running;
    const { events, memory, policy, clock } = this.options;
    running.announce();
    if (!running.isDispatched) events.invocationDispatched(invocation.request);
    // Before the processes are killed: one that has ended has no memory to measure.
    const maxMemoryMb = memory.sample();
    const durationMs = running.durationMs();
    if (this.#isOutlived) stage.generation.exchanges.forget(invocation);
    const reason = running.hasTimedOut ? "timeout" : stage.isStopping ? "spindown" : "failure";
    if (!settlement.isRuntimeReady && !this.#isOutlived) stage.generation.beginEnd(reason);
    await stage.generation.drain();
    const settled = running.faultAfterwards
      ? { ...settlement, faultAfterAnswer: running.faultAfterwards, isRuntimeReady: false }
      : settlement;
    const areExtensionsBusy = settled.isRuntimeReady && stage.generation.isBusy;
    const initDurationMs = stage.takeInitDuration();
    // A restore stands in the place of init, as on AWS.
    const isInitDurationWanted =
      policy.reportsInitDuration && !invocation.request.isInitRetry && running.restoreDurationMs === undefined;
    events.invocationEnded(
      reportOn(invocation, settled, {
        clock,
        durationMs,
        maxMemoryMb,
        initDurationMs: isInitDurationWanted ? initDurationMs : undefined,
        restoreDurationMs: running.restoreDurationMs,
        isInitFailure: running.hasInitFailed,
        areExtensionsBusy,
      }),
    );
    stage.leave(running, settled);
    invocation.settle(settled);
    if (settled.isRuntimeReady || this.#isOutlived) stage.onSettled(invocation, areExtensionsBusy);
    else stage.onBroken(reason);
  }

  /** Whether the processes take others although the time of this one is over. */
  get #isOutlived(): boolean {
    const { hasTimedOut } = this.running;
    return hasTimedOut && this.options.policy.afterTimeout === "late answer" && this.stage.generation.canServe;
  }

  /** Whether it has to wait for the restore of a snapshot, which has a time of its own. */
  get #isRestoreDue(): boolean {
    const { state, generation } = this.stage;
    return generation.isRestoreDue && (state === "ready" || state === "serving");
  }

  /** @returns whether the runtime polls after its restore; if not, the invocation has ended with the reason */
  async #restore(): Promise<boolean> {
    const { running, stage } = this;
    const startedAt = this.options.clock.now();
    const outcome = await stage.generation.restore(restoreMs);
    running.restoreDurationMs = this.options.clock.now() - startedAt;
    if (!running.isTimed) this.#startTime();
    if (outcome.kind === "overdue") running.invocation.fail(restoreTimeoutFault(restoreMs));
    else if (outcome.kind !== "ready") running.endWithInit(outcome);
    return outcome.kind === "ready";
  }

  #startTime(): void {
    const { running, stage } = this;
    const { timeoutSeconds } = this.options;
    running.startTime(timeoutSeconds * 1000, () => {
      const waitsFor = running.isDispatched ? undefined : stage.generation.waitsFor;
      const fault = timeoutFault(timeoutSeconds, waitsFor);
      running.invocation.end({ kind: "timeout", fault });
      // The first init is told of, whatever becomes of the invocation that waited for it.
      if (stage.state === "booting") stage.generation.giveUp(fault);
    });
  }
}

function failureInside(what: string, error: unknown): Fault {
  log.error(`${what} failed inside init, please report this:`, error);
  return { type: "Sandbox.Failure", reason: messageOf(error) };
}

/** Calls `action` every `ms` milliseconds until the returned function is called. */
function every(clock: Clock, ms: number, action: () => void): () => void {
  let callOff = clock.after(ms, function again() {
    action();
    callOff = clock.after(ms, again);
  });
  return () => callOff();
}
