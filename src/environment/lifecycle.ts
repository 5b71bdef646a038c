/**
 * The life of an environment: init, then invocations, resets between them where processes failed, and the shutdown.
 * What may happen when stands in `lifecycle-table.ts`; how an invocation goes on, in `serving.ts`.
 */
import type { Fault } from "../errors.ts";
import { log } from "../log.ts";
import { awaitExtensions } from "./extension-time.ts";
import type { ShutdownReason } from "./extensions/extension.ts";
import type { Generation } from "./generation.ts";
import type { InitOutcome } from "./init-outcome.ts";
import type { Invocation, Settlement } from "./invocation.ts";
import type { ToBlame } from "./last-words.ts";
import { type Event, next, type State, takesInvocations } from "./lifecycle-table.ts";
import { aftermathMs } from "./limits.ts";
import { Running } from "./running.ts";
import { type Stage, serve } from "./serving.ts";
import { Succession, type SuccessionOptions } from "./succession.ts";
import { Turns } from "./turns.ts";

export interface LifecycleOptions extends SuccessionOptions {
  readonly timeoutSeconds: number;
  /** The runtime ended between two invocations. */
  readonly onIdleFault: (fault: Fault) => void;
  /** The environment has ended by itself, as managed instances do when their processes break. */
  readonly onEnd?: () => void;
}

export class Lifecycle implements Stage {
  readonly turns = new Turns();
  #state: State = "cold";
  readonly #generations: Succession;
  /** Why the next invocation fails: how init ended, or what the idle runtime ended with. */
  #failure: InitOutcome | undefined;
  #booted: Promise<unknown> = Promise.resolve();
  /** The code changed while processes were busy with the old one. */
  #isReloadDue = false;
  /** Calls off the look at the memory of a runtime that nobody has looked at since its init. */
  #callOffMeasuring: (() => void) | undefined;
  #initDurationMs: number | undefined;
  #isEndingByItself = false;
  /** On the clock's `now`: until then an end of the runtime belongs to the invocation that failed last. */
  #aftermathUntil = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: LifecycleOptions) {
    this.#generations = new Succession(options, (fault, by) => this.#onFault(fault, by));
  }

  get state(): State {
    return this.#state;
  }

  get generation(): Generation {
    return this.#generations.present;
  }

  get failure(): InitOutcome | undefined {
    return this.#failure;
  }

  get booted(): Promise<unknown> {
    return this.#booted;
  }

  get reset(): Promise<void> {
    return this.#generations.ended;
  }

  get isStopping(): boolean {
    return this.#state === "stopping" || this.#state === "stopped";
  }

  async init(): Promise<InitOutcome> {
    if (next(this.#state, "boot", this.options.policy) === undefined) return { kind: "cancelled" };
    const startedAt = this.options.clock.now();
    const outcome = await this.#boot();
    if (outcome.kind === "ready") this.#initDurationMs = this.options.clock.now() - startedAt;
    else if (this.options.policy.afterFailedInit === "resetting") await this.reset;
    return outcome;
  }

  take(invocation: Invocation): void {
    this.turns.add(invocation);
    this.#takeNext();
  }

  reload(): void {
    if (this.#state === "cold") return;
    this.#isReloadDue = true;
    this.#reloadIfDue();
  }

  async stop(): Promise<void> {
    this.#stopMeasuring();
    this.move("stop", this.#state === "failed" ? "failure" : "spindown");
    this.turns.stopRunning();
    await this.reset;
  }

  /** Moves on, with all that belongs to it. @returns whether the event means anything in the present state */
  move(event: Event, reason: ShutdownReason = "failure"): boolean {
    const before = this.#state;
    const after = next(before, event, this.options.policy);
    if (after === undefined) return false;
    this.#state = after;
    const isEnding = after === "resetting" || after === "stopping";
    if (isEnding && before !== "resetting") this.#startReset(reason);
    if (after === "stopping") this.#isEndingByItself = event !== "stop";
    if (after === "stopped" && this.#isEndingByItself) this.options.onEnd?.();
    this.#reloadIfDue();
    this.#takeNext();
    return true;
  }

  startInside(): void {
    this.#startFresh("invoke");
  }

  /** An environment that ends by itself says why. */
  refuse(running: Running): void {
    const { fault, failure } = this.generation;
    if (this.#isEndingByItself && fault) running.invocation.fail(fault);
    else if (this.#isEndingByItself && failure) running.endWithInit(failure);
    else running.invocation.end({ kind: "stopped" });
  }

  measure(): void {
    if (!this.#callOffMeasuring) return;
    this.#stopMeasuring();
    this.options.memory.sample();
  }

  #stopMeasuring(): void {
    this.#callOffMeasuring?.();
    this.#callOffMeasuring = undefined;
  }

  takeInitDuration(): number | undefined {
    const duration = this.#initDurationMs;
    this.#initDurationMs = undefined;
    return duration;
  }

  leave(running: Running, { outcome }: Settlement): void {
    this.turns.leave(running);
    const { kind } = running.invocation.streamBrokenBy ?? outcome;
    if (kind === "error") this.#aftermathUntil = this.options.clock.now() + aftermathMs;
  }

  /** Extensions may still work on it, in its time and not the next one's. */
  onSettled(invocation: Invocation, areExtensionsBusy: boolean): void {
    if (this.turns.running > 0) {
      this.#takeNext();
      return;
    }
    this.move("settled");
    if (areExtensionsBusy) this.#awaitExtensions(invocation);
    else this.#goOnAfter("extensions done");
  }

  onBroken(reason: ShutdownReason): void {
    this.#goOnAfter("broke", reason);
  }

  #awaitExtensions(invocation: Invocation): void {
    const { clock, events } = this.options;
    const { generation } = this;
    const moveWith = (event: Event, reason?: ShutdownReason) => {
      if (generation === this.generation) this.move(event, reason);
    };
    void awaitExtensions(generation, invocation, {
      clock,
      events,
      onOverdue: () => moveWith("extensions overdue", "timeout"),
      onDone: () => moveWith("extensions done"),
    });
  }

  /**
   * Moves on. Where the event means nothing any more, there may be room for the next invocation all the same, or a
   * reload due.
   */
  #goOnAfter(event: Event, reason?: ShutdownReason): void {
    if (this.move(event, reason)) return;
    this.#reloadIfDue();
    this.#takeNext();
  }

  /** Processes of the present generation broke. */
  #onFault(fault: Fault, by: ToBlame): void {
    const { clock, policy } = this.options;
    if (this.#state === "booting") {
      // Init has ended well, which `#boot` has yet to notice: the fault comes after that.
      void this.#booted.then(() => this.#onFault(fault, by));
      return;
    }
    if (this.turns.failDispatched(fault)) return;
    if (this.#state === "serving" || this.#state === "starting") {
      this.turns.failRunning(fault);
    } else if (by === "extension" || clock.now() < this.#aftermathUntil) {
      this.move("processes useless", "failure");
    } else if (next(this.#state, "runtime crashed", policy)) {
      this.options.onIdleFault(fault);
      // Where the policy replaces the processes at once, the reset clears it again.
      this.#failure = { kind: "fault", fault };
      this.move("runtime crashed");
    } else {
      log.info(`more processes ended while nobody was served: ${fault.reason}`);
    }
  }

  #takeNext(): void {
    const { policy, clock, events } = this.options;
    while (this.turns.running < policy.concurrency && takesInvocations(this.#state, policy)) {
      const invocation = this.turns.next();
      if (!invocation) return;
      const running = new Running(invocation, clock, events);
      this.turns.begin(running);
      void serve(running, this, this.options);
    }
  }

  #reloadIfDue(): void {
    if (!this.#isReloadDue || this.turns.running > 0) return;
    if (this.#state === "cold") {
      log.info("the function's code changed: its processes are replaced");
      void this.#boot();
    } else {
      this.move("code changed", "spindown");
    }
  }

  /** Starts the processes, outside of any invocation. */
  async #boot(): Promise<InitOutcome> {
    this.#startFresh("init", this.options.policy.initLimitMs);
    const booted = this.generation.initialized.then((outcome) => this.#onBooted(outcome));
    this.#booted = booted;
    this.move("boot");
    return await booted;
  }

  #onBooted(outcome: InitOutcome): InitOutcome {
    if (outcome.kind === "ready") {
      // Whoever waits for init comes first.
      this.#callOffMeasuring = this.options.clock.after(0, () => this.measure());
      this.move("initialized");
    } else if (outcome.kind !== "cancelled") {
      this.#failure = outcome;
      if (outcome.kind === "overdue") this.move("init overdue", "timeout");
      else this.move("init failed", "failure");
    }
    return outcome;
  }

  #startFresh(phase: "init" | "invoke", limitMs?: number): void {
    // They have the code that is there now.
    this.#isReloadDue = false;
    this.#generations.start(phase, limitMs);
  }

  /** Ends the present processes; the next invocation starts new ones. */
  #startReset(reason: ShutdownReason): void {
    this.#failure = undefined;
    this.#generations.end(reason, () => void this.move("ended"));
    // Nobody is left to answer those that were handed over: without this they would wait for their timeout.
    this.turns.stopDispatched();
  }
}
