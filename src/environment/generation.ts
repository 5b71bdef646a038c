/** One set of processes: started together, given up together. A reset ends one generation; the next is started anew. */
import type { Clock } from "../clock.ts";
import { type Exit, extensionExitFault, type Fault, restoreTimeoutFault, runtimeExitFault } from "../errors.ts";
import { log } from "../log.ts";
import type { InitPhase, Status } from "../telemetry/events.ts";
import { Exchanges } from "./exchanges.ts";
import type { Extension, ShutdownReason } from "./extensions/extension.ts";
import { Extensions, maxExtensions } from "./extensions/extensions.ts";
import { type InitFacts, initSteps, named } from "./init-steps.ts";
import type { Invocation } from "./invocation.ts";
import { extensionLastWordsMs, lostReportMs, patienceMs } from "./limits.ts";
import type { Policy } from "./policy.ts";
import { type ExtensionFile, Processes, type ProcessesOptions, workingDirFault } from "./processes.ts";
import { Shutdown } from "./shutdown.ts";

/** How an init phase, or a restore, ended. */
export type InitOutcome =
  | { readonly kind: "ready" }
  | { readonly kind: "init error"; readonly body: Uint8Array; readonly errorType: string }
  | { readonly kind: "fault"; readonly fault: Fault }
  /** It took longer than it may. */
  | { readonly kind: "overdue"; readonly limitMs: number }
  /** Init was told to stop, which is nobody's fault. */
  | { readonly kind: "cancelled" };

export interface GenerationOptions extends ProcessesOptions {
  readonly clock: Clock;
  readonly policy: Policy;
  /** A process ended by itself after init. Not called for what init ends. */
  readonly onFault: (fault: Fault, by: "runtime" | "extension") => void;
}

export class Generation {
  readonly exchanges: Exchanges;
  readonly extensions: Extensions;
  readonly #initialized = Promise.withResolvers<InitOutcome>();
  readonly #processes: Processes;
  readonly #reporting = new Set<Extension>();
  /** Index into the steps of init; their number: all are complete. `undefined`: init failed. */
  #step: number | undefined = 0;
  #hasRuntimeAsked = false;
  #exit: Exit | undefined;
  #phase: InitPhase = "init";
  /** On the clock's `now`; `undefined`: not started. */
  #startedAt: number | undefined;
  #isRuntimeTried = false;
  readonly #callOffInitTimers: (() => void)[] = [];
  /** Timers of faults that are yet to be told. They are called off once these processes are being ended. */
  readonly #callOffTellings: (() => void)[] = [];
  #hasInitEnded = false;
  #fault: Fault | undefined;
  #failure: InitOutcome | undefined;
  /** From the beginning of a restore until it has ended well. */
  #restored: PromiseWithResolvers<InitOutcome> | undefined;
  /** What all who wait for that restore wait for. */
  #restoring: Promise<InitOutcome> | undefined;
  /** Waits for extensions to finish what they do. */
  #settling: (() => void)[] = [];
  #shutdown: Shutdown | undefined;

  constructor(private readonly options: GenerationOptions) {
    this.#processes = new Processes(options);
    this.extensions = new Extensions(options.policy, () => this.#onExtensionChange());
    const heard = {
      onFirstNext: () => this.#onRuntimeAsked(),
      onRestoreNext: () => this.#onRuntimeAsked(),
      // The runtime's own word comes first: the exit that follows it adds nothing.
      onInitError: (body: Uint8Array, errorType: string) => this.#onInitError({ kind: "init error", body, errorType }),
      onInitErrorLost: () => this.#concludeExit(),
    };
    this.exchanges = new Exchanges(options.policy, heard, "Unstarted");
  }

  /** How init ended; never rejects. */
  get initialized(): Promise<InitOutcome> {
    return this.#initialized.promise;
  }

  get isInitialized(): boolean {
    return this.#step === initSteps.length;
  }

  get isStarted(): boolean {
    return this.#startedAt !== undefined;
  }

  /** Whether init, and a restore, ended well and nothing broke since. */
  get canServe(): boolean {
    return this.isInitialized && !this.#restored && !this.#fault;
  }

  /** Whether its processes are being ended, or have been. */
  get isEnding(): boolean {
    return this.#shutdown !== undefined;
  }

  /** What broke these processes after init, first; `undefined`: nothing did. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** How init, or a restore, failed; `undefined`: it did not, or nobody is to blame. */
  get failure(): InitOutcome | undefined {
    return this.#failure;
  }

  /**
   * Starts the extensions, and the runtime once they have registered. What goes wrong is told by `initialized`.
   * @param limitMs how long all of it may take; `undefined`: the invocation it runs in, or LocalStack, has the limit
   */
  start(phase: InitPhase, limitMs?: number): void {
    const { clock, events, plan } = this.options;
    this.#phase = phase;
    this.#startedAt = clock.now();
    events.initStarted(phase);
    if (limitMs !== undefined) {
      this.#callOffInitTimers.push(clock.after(limitMs, () => this.#finishInit({ kind: "overdue", limitMs })));
    }
    const files = plan.findExtensions();
    const fault = this.#launchExtensions(files);
    if (fault) {
      this.#finishInit({ kind: "fault", fault });
      return;
    }
    if (files.length > 0) {
      const warn = () => log.warn(`init waits for ${this.waitsFor ?? "the runtime"}`);
      this.#callOffInitTimers.push(clock.after(patienceMs, warn));
    }
    this.#advance();
  }

  /** Ends an init that nobody waits for any more, with the reason it is to be told with. */
  giveUp(fault: Fault): void {
    this.#finishInit({ kind: "fault", fault });
  }

  /** Whether an invocation must wait for a restore: one that it begins, is under way, or has failed. */
  get isRestoreDue(): boolean {
    return this.#restoring !== undefined || this.exchanges.isSnapshot;
  }

  /**
   * Lets a runtime go on after its snapshot. Whoever asks meanwhile waits for the same restore, and shares its end.
   * @returns how that ended: it polls, it reported an error, or it took too long
   */
  restore(limitMs: number): Promise<InitOutcome> {
    this.#restoring ??= this.#restore(limitMs);
    return this.#restoring;
  }

  /** Gives the event to everybody who is to have it. */
  dispatch(invocation: Invocation): void {
    for (const extension of this.extensions.all) {
      if (extension.isSubscribedTo("INVOKE")) extension.dispatch({ kind: "invoke", invocation });
    }
    this.exchanges.dispatch(invocation);
  }

  /** Whether an extension still works on the last invocation. */
  get isBusy(): boolean {
    return !this.#shutdown && this.extensions.busy.length > 0;
  }

  /** Resolves when no extension works on the last invocation any more, or when these processes are given up. */
  settled(): Promise<void> | undefined {
    if (!this.isBusy) return undefined;
    return new Promise((resolve) => this.#settling.push(resolve));
  }

  /** Which extensions hold up the next step, as the end of a sentence; `undefined`: none does. */
  get waitsFor(): string | undefined {
    if (this.#shutdown || this.#step === undefined) return undefined;
    const step = initSteps[this.#step];
    return step ? step.waitsFor(this.#facts) : named(this.extensions.busy, "ask for the next event");
  }

  /** Resolves when all the processes had written by now was received. */
  drain(): Promise<unknown> | undefined {
    return this.#processes.drain();
  }

  /** Resolves when the runtime has ended; at once if it never started. */
  get runtimeExited(): Promise<unknown> {
    return this.#processes.runtime?.exited ?? Promise.resolve();
  }

  /** Resolves when all processes that were started have ended. */
  get exited(): Promise<unknown> {
    return this.#processes.exited;
  }

  /**
   * Begins to end the processes: the runtime is asked to, or killed where there is no extension to wait for. From here
   * on no exit is a fault.
   */
  beginEnd(reason: ShutdownReason): void {
    if (this.#shutdown) return;
    const { clock, events } = this.options;
    this.#shutdown = new Shutdown({
      clock,
      reason,
      exchanges: this.exchanges,
      runtimeProcess: this.#processes.runtime,
      extensions: this.extensions.all,
      processOf: (extension) => this.#processes.of(extension),
      onRuntimeEnded: () => events.shutdownStarted(),
    });
    for (const callOff of this.#callOffTellings.splice(0)) callOff();
    this.#finishInit({ kind: "cancelled" }, reason);
    this.#restored?.resolve({ kind: "cancelled" });
    this.#wakeSettling();
  }

  /** Ends the processes in AWS's order; resolves within its budget, with none of them left but what does not die. */
  async end(reason: ShutdownReason): Promise<void> {
    this.beginEnd(reason);
    await this.#shutdown?.finish();
  }

  /** To be called when all processes have ended: what is left in their pipes has been drained. */
  dispose(): void {
    this.#processes.closeOutputs();
  }

  async #restore(limitMs: number): Promise<InitOutcome> {
    const { clock, events } = this.options;
    const startedAt = clock.now();
    const restored = Promise.withResolvers<InitOutcome>();
    this.#restored = restored;
    events.restoreStarted();
    this.exchanges.restore();
    const callOff = clock.after(limitMs, () => restored.resolve({ kind: "overdue", limitMs }));
    const outcome = await restored.promise;
    callOff();
    // After one that failed there is nothing more to tell: these processes are given up.
    if (outcome.kind === "ready") this.#restored = this.#restoring = undefined;
    else if (outcome.kind === "overdue") this.#noteFailure({ kind: "fault", fault: restoreTimeoutFault(limitMs) });
    else this.#noteFailure(outcome);
    events.restoreEnded({ ...statusOf(outcome), durationMs: clock.now() - startedAt });
    return outcome;
  }

  get #facts(): InitFacts {
    return { extensions: this.extensions, hasRuntimeAsked: this.#hasRuntimeAsked };
  }

  #launchExtensions(files: readonly ExtensionFile[]): Fault | undefined {
    if (files.length > maxExtensions) {
      const reason = `ErrTooManyExtensions: there are ${files.length} external extensions, at most ${maxExtensions} may be`;
      return { type: "Extension.LaunchError", reason };
    }
    // All names are expected before the first process is started, for it may register at once.
    const expected = files.map((file) => ({ file, extension: this.extensions.expect(file.name) }));
    for (const { file, extension } of expected) {
      const fault = this.#processes.launchExtension(extension, file.path, (exit) =>
        this.#onExtensionExit(extension, exit),
      );
      if (!fault) continue;
      extension.launchFailed();
      return fault;
    }
    return undefined;
  }

  #launchRuntime(): Fault | undefined {
    const { cwd } = this.options.plan.bootstrap;
    const fault = workingDirFault(cwd);
    if (fault) return fault;
    this.#isRuntimeTried = true;
    this.exchanges.launched();
    return this.#processes.launchRuntime((exit) => {
      this.#exit = exit;
      this.#concludeExit();
    });
  }

  #onRuntimeAsked(): void {
    this.extensions.closeRegistration();
    this.#hasRuntimeAsked = true;
    if (this.isInitialized) this.#restored?.resolve({ kind: "ready" });
    else this.#advance();
  }

  #onInitError(outcome: InitOutcome): void {
    if (this.isInitialized) this.#restored?.resolve(outcome);
    else this.#finishInit(outcome);
  }

  /** Takes the next steps of init as far as what they wait for is there. */
  #advance(): void {
    while (!this.#shutdown && this.#step !== undefined && initSteps[this.#step]?.isComplete(this.#facts)) {
      this.#step++;
      if (initSteps[this.#step]?.name !== "runtime starts") continue;
      const fault = this.#launchRuntime();
      if (fault) this.#finishInit({ kind: "fault", fault });
    }
    if (this.isInitialized) this.#finishInit({ kind: "ready" });
  }

  #onExtensionChange(): void {
    for (const extension of this.extensions.all) if (extension.reported) this.#awaitLastWords(extension);
    if (!this.isInitialized && this.isStarted) this.#advance();
    if (this.extensions.busy.length === 0) this.#wakeSettling();
  }

  /** An extension that reported an error ends, as a rule; one that stays must not hold up whoever waits for it. */
  #awaitLastWords(extension: Extension): void {
    if (this.#reporting.has(extension) || this.#shutdown) return;
    this.#reporting.add(extension);
    const { reported = "ExitError", name } = extension;
    const told = `the extension ${name} reported ${extension.toReport().errorType}`;
    log.error(told);
    this.#tellAfter(extensionLastWordsMs, () => {
      this.#fail({ type: `Extension.${reported}`, reason: `${told} and did not end` }, "extension");
    });
  }

  #onExtensionExit(extension: Extension, exit: Exit): void {
    extension.close();
    if (this.#shutdown) {
      extension.ended("code" in exit && exit.code === 0);
      return;
    }
    const fault = extensionExitFault(exit, this.#firstReport);
    log.error(`the extension ${extension.name} ended: ${fault.reason}`);
    this.#fail(fault, "extension");
  }

  /** The first report of an error names the type of whatever ends because of it. */
  get #firstReport(): "InitError" | "ExitError" | undefined {
    return [...this.#reporting][0]?.reported;
  }

  #finishInit(outcome: InitOutcome, reason?: ShutdownReason): void {
    if (this.#hasInitEnded) return;
    this.#hasInitEnded = true;
    const { clock, events } = this.options;
    const extensions = this.extensions.all.map((extension) => extension.toReport());
    this.#step = outcome.kind === "ready" ? initSteps.length : undefined;
    if (outcome.kind !== "ready") this.#noteFailure(outcome);
    for (const callOff of this.#callOffInitTimers.splice(0)) callOff();
    this.#initialized.resolve(outcome);
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

  #noteFailure(outcome: InitOutcome): void {
    if (outcome.kind === "cancelled") return;
    this.#failure ??= outcome;
  }

  #concludeExit(): void {
    if (!this.#exit || this.#shutdown) return;
    // A report that is still being read decides, unless it never comes to its end.
    if (this.exchanges.isReportingInitError) {
      this.#tellAfter(lostReportMs, () => this.#tellExit());
    } else {
      this.#tellExit();
    }
  }

  #tellExit(): void {
    if (!this.#exit || this.#shutdown) return;
    const fault = runtimeExitFault(this.#exit);
    const reported = this.#firstReport;
    if (reported) this.#fail({ ...fault, type: `Extension.${reported}` }, "extension");
    else this.#fail(fault, "runtime");
  }

  #fail(fault: Fault, by: "runtime" | "extension"): void {
    if (this.#shutdown) return;
    if (!this.isInitialized) {
      this.#finishInit({ kind: "fault", fault });
      return;
    }
    this.#fault ??= fault;
    // Whoever waits for the restore hears of it there.
    if (this.#restored) this.#restored.resolve({ kind: "fault", fault });
    else this.options.onFault(fault, by);
  }

  #tellAfter(ms: number, tell: () => void): void {
    this.#callOffTellings.push(this.options.clock.after(ms, tell));
  }

  #wakeSettling(): void {
    for (const resolve of this.#settling.splice(0)) resolve();
  }
}

function statusOf(outcome: InitOutcome): { status: Status; errorType: string | undefined } {
  switch (outcome.kind) {
    case "ready":
      return { status: "success", errorType: undefined };
    case "overdue":
    case "cancelled":
      return { status: "timeout", errorType: undefined };
    default: {
      const errorType = outcome.kind === "fault" ? outcome.fault.type : outcome.errorType;
      // The invocation that waited for it had no more time.
      if (errorType === "Sandbox.Timedout") return { status: "timeout", errorType: undefined };
      return { status: errorType.startsWith("Sandbox.") ? "failure" : "error", errorType };
    }
  }
}
