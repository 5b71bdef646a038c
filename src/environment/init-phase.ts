/** Init of one generation of processes: its steps one after the other, to the first thing that ends it. */
import type { Clock } from "../clock.ts";
import type { Exit, Fault } from "../errors.ts";
import { log } from "../log.ts";
import type { EnvironmentEvents, InitPhase as Phase } from "../telemetry/events.ts";
import type { Exchanges } from "./exchanges.ts";
import type { Extension, ShutdownReason } from "./extensions/extension.ts";
import { type Extensions, maxExtensions } from "./extensions/extensions.ts";
import { type InitOutcome, statusOf } from "./init-outcome.ts";
import { type InitFacts, initSteps } from "./init-steps.ts";
import { patienceMs } from "./limits.ts";
import { type ExtensionFile, type Processes, type ProcessPlan, workingDirFault } from "./processes.ts";

export interface InitPhaseOptions {
  readonly clock: Clock;
  readonly events: EnvironmentEvents;
  readonly plan: ProcessPlan;
  readonly processes: Processes;
  readonly extensions: Extensions;
  readonly exchanges: Exchanges;
  readonly onRuntimeExit: (exit: Exit) => void;
  readonly onExtensionExit: (extension: Extension, exit: Exit) => void;
}

export class InitPhase {
  readonly #outcome = Promise.withResolvers<InitOutcome>();
  /** Index into the steps; their number: all are complete. `undefined`: it failed. */
  #step: number | undefined = 0;
  #hasRuntimeAsked = false;
  #phase: Phase = "init";
  /** On the clock's `now`; `undefined`: not started. */
  #startedAt: number | undefined;
  #isRuntimeTried = false;
  readonly #callOffTimers: (() => void)[] = [];
  #hasEnded = false;
  #failure: InitOutcome | undefined;

  constructor(private readonly options: InitPhaseOptions) {}

  /** How it ended; never rejects. */
  get outcome(): Promise<InitOutcome> {
    return this.#outcome.promise;
  }

  get isStarted(): boolean {
    return this.#startedAt !== undefined;
  }

  /** Whether it has ended well. */
  get isComplete(): boolean {
    return this.#step === initSteps.length;
  }

  /** `undefined`: it did not fail, or nobody is to blame. */
  get failure(): InitOutcome | undefined {
    return this.#failure;
  }

  /** Which extensions hold it up, as the end of a sentence; `undefined`: none does. */
  get waitsFor(): string | undefined {
    return this.#step === undefined ? undefined : initSteps[this.#step]?.waitsFor(this.#facts);
  }

  /**
   * Starts the extensions, and the runtime once they have registered. What goes wrong is told by `outcome`.
   * @param limitMs how long all of it may take; `undefined`: the invocation it runs in, or LocalStack, has the limit
   */
  start(phase: Phase, limitMs?: number): void {
    const { clock, events, plan } = this.options;
    this.#phase = phase;
    this.#startedAt = clock.now();
    events.initStarted(phase);
    if (limitMs !== undefined) {
      this.#callOffTimers.push(clock.after(limitMs, () => this.finish({ kind: "overdue", limitMs })));
    }
    const files = plan.findExtensions();
    const fault = this.#launchExtensions(files);
    if (fault) {
      this.finish({ kind: "fault", fault });
      return;
    }
    if (files.length > 0) {
      const warn = () => log.warn(`init waits for ${this.waitsFor ?? "the runtime"}`);
      this.#callOffTimers.push(clock.after(patienceMs, warn));
    }
    this.advance();
  }

  /** The runtime asked for its first event, or for its restore. */
  runtimeAsked(): void {
    this.#hasRuntimeAsked = true;
    this.advance();
  }

  /** Takes the next steps as far as what they wait for is there. */
  advance(): void {
    if (!this.isStarted || this.#hasEnded) return;
    while (this.#step !== undefined && initSteps[this.#step]?.isComplete(this.#facts)) {
      this.#step++;
      if (initSteps[this.#step]?.name !== "runtime starts") continue;
      const fault = this.#launchRuntime();
      if (fault) this.finish({ kind: "fault", fault });
    }
    if (this.isComplete) this.finish({ kind: "ready" });
  }

  /**
   * Ends it, once: what comes first counts.
   * @param reason why its processes are being ended, if that ends it
   */
  finish(outcome: InitOutcome, reason?: ShutdownReason): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { clock, events } = this.options;
    const extensions = this.options.extensions.all.map((extension) => extension.toReport());
    this.#step = outcome.kind === "ready" ? initSteps.length : undefined;
    if (outcome.kind !== "ready" && outcome.kind !== "cancelled") this.#failure = outcome;
    for (const callOff of this.#callOffTimers.splice(0)) callOff();
    this.#outcome.resolve(outcome);
    // There is no report on an init that was never begun, or that a stop or a reload has cut off.
    if (this.#startedAt === undefined || (outcome.kind === "cancelled" && reason === "spindown")) return;
    events.initEnded({
      phase: this.#phase,
      ...statusOf(outcome),
      durationMs: clock.now() - this.#startedAt,
      isRuntimeTried: this.#isRuntimeTried,
      isRuntimeReady: this.#hasRuntimeAsked,
      extensions,
    });
  }

  get #facts(): InitFacts {
    return { extensions: this.options.extensions, hasRuntimeAsked: this.#hasRuntimeAsked };
  }

  #launchExtensions(files: readonly ExtensionFile[]): Fault | undefined {
    if (files.length > maxExtensions) {
      const reason = `ErrTooManyExtensions: there are ${files.length} external extensions, at most ${maxExtensions} may be`;
      return { type: "Extension.LaunchError", reason };
    }
    const { extensions, processes, onExtensionExit } = this.options;
    // All names are expected before the first process is started, for it may register at once.
    const expected = files.map((file) => ({ file, extension: extensions.expect(file.name) }));
    for (const { file, extension } of expected) {
      const fault = processes.launchExtension(extension, file.path, (exit) => onExtensionExit(extension, exit));
      if (!fault) continue;
      extension.launchFailed();
      return fault;
    }
    return undefined;
  }

  #launchRuntime(): Fault | undefined {
    const { plan, processes, exchanges, onRuntimeExit } = this.options;
    const fault = workingDirFault(plan.bootstrap.cwd);
    if (fault) return fault;
    this.#isRuntimeTried = true;
    exchanges.launched();
    return processes.launchRuntime(onRuntimeExit);
  }
}
