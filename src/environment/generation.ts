/** One set of processes: started together, given up together. A reset ends one generation; the next is started anew. */
import type { Clock } from "../clock.ts";
import { type Exit, extensionExitFault, type Fault, runtimeExitFault } from "../errors.ts";
import { log } from "../log.ts";
import type { InitPhase, Status } from "../telemetry/events.ts";
import type { Extension, ShutdownReason } from "./extensions/extension.ts";
import { Extensions, maxExtensions } from "./extensions/extensions.ts";
import type { Invocation } from "./invocation.ts";
import { type ExtensionFile, Processes, type ProcessesOptions, workingDirFault } from "./processes.ts";
import { Runtime } from "./runtime.ts";
import { Shutdown } from "./shutdown.ts";

/** How an init phase ended. `cancelled`: init was told to stop, which is nobody's fault. */
export type InitOutcome =
  | { readonly kind: "ready" }
  | { readonly kind: "init error"; readonly body: Uint8Array; readonly errorType: string }
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "cancelled" };

export interface GenerationOptions extends ProcessesOptions {
  readonly clock: Clock;
  /** A process ended by itself after init. Not called for what init ends. */
  readonly onFault: (fault: Fault, by: "runtime" | "extension") => void;
}

/** Milliseconds an extension that reported an error has to end by itself; its exit gives the reason. */
const lastWordsMs = 1000;

/** Milliseconds after which the log names the extensions that hold up init. */
const patienceMs = 5000;

/**
 * The steps of init, each begun when the one before is complete: all external extensions have registered; the runtime has
 * asked for its first event; every extension has.
 */
type Step = "registering" | "runtime" | "polling" | "initialized" | "failed";

export class Generation {
  readonly runtime: Runtime;
  readonly extensions = new Extensions(() => this.#onExtensionChange());
  readonly #initialized = Promise.withResolvers<InitOutcome>();
  readonly #processes: Processes;
  readonly #reporting = new Set<Extension>();
  #exit: Exit | undefined;
  #step: Step = "registering";
  #phase: InitPhase = "init";
  /** On the clock's `now`; `undefined`: not started. */
  #startedAt: number | undefined;
  #isRuntimeTried = false;
  #stopPatience: (() => void) | undefined;
  /** Waits for extensions to finish what they do. */
  #settling: (() => void)[] = [];
  #shutdown: Shutdown | undefined;

  constructor(private readonly options: GenerationOptions) {
    this.#processes = new Processes(options);
    this.runtime = new Runtime({
      onFirstNext: () => this.#onFirstNext(),
      // The runtime's own word comes first: the exit that follows it adds nothing (decision 3).
      onInitError: (body, errorType) => this.#finishInit({ kind: "init error", body, errorType }),
      onInitErrorLost: () => this.#concludeExit(),
    });
  }

  /** How init ended; never rejects. It has no time limit of its own: LocalStack, or the invocation it runs in, has. */
  get initialized(): Promise<InitOutcome> {
    return this.#initialized.promise;
  }

  get isInitialized(): boolean {
    return this.#step === "initialized";
  }

  /** Starts the extensions, and the runtime once they have registered. What goes wrong is told by `initialized`. */
  start(phase: InitPhase): void {
    const { clock, events, plan } = this.options;
    this.#phase = phase;
    this.#startedAt = clock.now();
    events.initStarted(phase);
    const files = plan.findExtensions();
    const fault = this.#launchExtensions(files);
    if (fault) {
      this.#finishInit({ kind: "fault", fault });
      return;
    }
    if (files.length > 0)
      this.#stopPatience = clock.after(patienceMs, () => log.warn(`init waits for ${this.waitsFor ?? "the runtime"}`));
    this.#advance();
  }

  /** Gives the event to everybody who is to have it. */
  dispatch(invocation: Invocation): void {
    for (const extension of this.extensions.all) {
      if (extension.isSubscribedTo("INVOKE")) extension.dispatch({ kind: "invoke", invocation });
    }
    this.runtime.dispatch(invocation);
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
    if (this.#shutdown) return undefined;
    const { unregistered, unready, busy } = this.extensions;
    const named = (list: readonly Extension[], what: string) =>
      list.length === 0 ? undefined : `the extension ${list.map(({ name }) => name).join(", ")} to ${what}`;
    if (this.#step === "registering") return named(unregistered, "register under the name of its file");
    if (this.#step === "polling") return named(unready, "ask for its first event");
    return this.#step === "initialized" ? named(busy, "ask for the next event") : undefined;
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
   * Begins to end the processes: the runtime is asked to, or killed where there is no extension to wait for. From here on
   * no exit is a fault.
   */
  beginEnd(reason: ShutdownReason): void {
    if (this.#shutdown) return;
    const { clock, events } = this.options;
    this.#shutdown = new Shutdown({
      clock,
      reason,
      runtime: this.runtime,
      runtimeProcess: this.#processes.runtime,
      extensions: this.extensions.all,
      processOf: (extension) => this.#processes.of(extension),
      onRuntimeEnded: () => events.shutdownStarted(),
    });
    this.#finishInit({ kind: "cancelled" }, reason);
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

  #launchExtensions(files: readonly ExtensionFile[]): Fault | undefined {
    if (files.length > maxExtensions) {
      const reason = `ErrTooManyExtensions: there are ${files.length} external extensions, at most ${maxExtensions} may be`;
      return { type: "Extension.LaunchError", reason };
    }
    // All are expected before the first one runs: whoever is early must find its name.
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
    return this.#processes.launchRuntime((exit) => {
      this.#exit = exit;
      this.#concludeExit();
    });
  }

  #onFirstNext(): void {
    this.extensions.closeRegistration();
    // Init may have failed over an extension while the runtime was starting.
    if (this.#step === "runtime") this.#step = "polling";
    this.#advance();
  }

  /** Takes the next step of init if the present one is complete. */
  #advance(): void {
    if (this.#shutdown) return;
    if (this.#step === "registering" && this.extensions.unregistered.length === 0) {
      this.#step = "runtime";
      const fault = this.#launchRuntime();
      if (fault) this.#finishInit({ kind: "fault", fault });
    } else if (this.#step === "polling" && this.extensions.unready.length === 0) {
      this.#finishInit({ kind: "ready" });
    }
  }

  #onExtensionChange(): void {
    for (const extension of this.extensions.all) if (extension.reported) this.#awaitLastWords(extension);
    this.#advance();
    if (this.extensions.busy.length === 0) this.#wakeSettling();
  }

  /** An extension that reported an error ends, as a rule; one that stays must not hold up whoever waits for it. */
  #awaitLastWords(extension: Extension): void {
    if (this.#reporting.has(extension) || this.#shutdown) return;
    this.#reporting.add(extension);
    const { reported = "ExitError", name } = extension;
    const told = `the extension ${name} reported ${extension.toReport().errorType}`;
    log.error(told);
    this.options.clock.after(lastWordsMs, () => {
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
    if (this.#step === "initialized" || this.#step === "failed") return;
    const { clock, events } = this.options;
    const extensions = this.extensions.all.map((extension) => extension.toReport());
    this.#step = outcome.kind === "ready" ? "initialized" : "failed";
    this.#stopPatience?.();
    this.#initialized.resolve(outcome);
    // An init that was never begun has nothing to report, nor has one that was stopped for another's sake.
    if (this.#startedAt === undefined || (outcome.kind === "cancelled" && reason === "spindown")) return;
    events.initEnded({
      phase: this.#phase,
      ...statusOf(outcome),
      durationMs: clock.now() - this.#startedAt,
      isRuntimeTried: this.#isRuntimeTried,
      extensions,
    });
  }

  #concludeExit(): void {
    // A report that is still being read decides.
    if (!this.#exit || this.#shutdown || this.runtime.isReportingInitError) return;
    const fault = runtimeExitFault(this.#exit);
    const reported = this.#firstReport;
    if (reported) this.#fail({ ...fault, type: `Extension.${reported}` }, "extension");
    else this.#fail(fault, "runtime");
  }

  #fail(fault: Fault, by: "runtime" | "extension"): void {
    if (this.#shutdown) return;
    if (this.#step === "initialized") this.options.onFault(fault, by);
    else this.#finishInit({ kind: "fault", fault });
  }

  #wakeSettling(): void {
    for (const resolve of this.#settling.splice(0)) resolve();
  }
}

function statusOf(outcome: InitOutcome): { status: Status; errorType: string | undefined } {
  if (outcome.kind === "ready") return { status: "success", errorType: undefined };
  if (outcome.kind === "cancelled") return { status: "timeout", errorType: undefined };
  const errorType = outcome.kind === "fault" ? outcome.fault.type : outcome.errorType;
  return { status: errorType.startsWith("Sandbox.") ? "failure" : "error", errorType };
}
