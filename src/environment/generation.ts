/** One set of processes: started together, given up together. A reset ends one generation; the next is started anew. */
import type { Clock } from "../clock.ts";
import type { Exit, Fault } from "../errors.ts";
import type { InitPhase as Phase } from "../telemetry/events.ts";
import { Exchanges } from "./exchanges.ts";
import type { Extension, ShutdownReason } from "./extensions/extension.ts";
import { Extensions } from "./extensions/extensions.ts";
import type { InitOutcome } from "./init-outcome.ts";
import { InitPhase } from "./init-phase.ts";
import { named } from "./init-steps.ts";
import type { Invocation } from "./invocation.ts";
import { LastWords, type ToBlame } from "./last-words.ts";
import type { Policy } from "./policy.ts";
import { Processes, type ProcessesOptions } from "./processes.ts";
import { Restore } from "./restore.ts";
import { Shutdown } from "./shutdown.ts";

export interface GenerationOptions extends ProcessesOptions {
  readonly clock: Clock;
  readonly policy: Policy;
  /** A process ended by itself after init. Not called for what init ends. */
  readonly onFault: (fault: Fault, by: ToBlame) => void;
}

export class Generation {
  readonly exchanges: Exchanges;
  readonly extensions: Extensions;
  readonly #init: InitPhase;
  readonly #restore: Restore;
  readonly #lastWords: LastWords;
  readonly #processes: Processes;
  #fault: Fault | undefined;
  /** Waits for extensions to finish what they do. */
  #settling: (() => void)[] = [];
  #shutdown: Shutdown | undefined;

  constructor(private readonly options: GenerationOptions) {
    const { clock, events, plan, policy } = options;
    const processes = new Processes(options);
    const extensions = new Extensions(policy, () => this.#onExtensionChange());
    const heard = {
      onFirstNext: () => this.#onRuntimeAsked(),
      onRestoreNext: () => this.#onRuntimeAsked(),
      // The runtime's own word comes first: the exit that follows it adds nothing.
      onInitError: (body: Uint8Array, errorType: string) => this.#onInitError({ kind: "init error", body, errorType }),
      onInitErrorLost: () => this.#lastWords.concludeExit(),
    };
    const exchanges = new Exchanges(policy, heard, "Unstarted");
    this.#processes = processes;
    this.extensions = extensions;
    this.exchanges = exchanges;
    this.#restore = new Restore({ clock, events, exchanges });
    this.#lastWords = new LastWords({ clock, exchanges, onFault: (fault, by) => this.#fail(fault, by) });
    this.#init = new InitPhase({
      clock,
      events,
      plan,
      processes,
      extensions,
      exchanges,
      onRuntimeExit: (exit) => this.#lastWords.runtimeExited(exit),
      onExtensionExit: (extension, exit) => this.#onExtensionExit(extension, exit),
    });
  }

  /** How init ended; never rejects. */
  get initialized(): Promise<InitOutcome> {
    return this.#init.outcome;
  }

  get isInitialized(): boolean {
    return this.#init.isComplete;
  }

  get isStarted(): boolean {
    return this.#init.isStarted;
  }

  /** Whether init, and a restore, ended well and nothing broke since. */
  get canServe(): boolean {
    return this.isInitialized && !this.#restore.isOpen && !this.#fault;
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
    return this.#init.failure ?? this.#restore.failure;
  }

  /** Starts the processes: see `InitPhase`. @param limitMs how long it may take; `undefined`: others have the limit */
  start(phase: Phase, limitMs?: number): void {
    this.#init.start(phase, limitMs);
  }

  /** Ends an init that nobody waits for any more, with the reason it is to be told with. */
  giveUp(fault: Fault): void {
    this.#init.finish({ kind: "fault", fault });
  }

  /** Whether an invocation must wait for a restore: see `Restore`. */
  get isRestoreDue(): boolean {
    return this.#restore.isDue;
  }

  /** Lets a runtime go on after its snapshot, within `limitMs` milliseconds; or waits for the one who did. */
  restore(limitMs: number): Promise<InitOutcome> {
    return this.#restore.run(limitMs);
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
    if (this.#shutdown) return undefined;
    return this.isInitialized ? named(this.extensions.busy, "ask for the next event") : this.#init.waitsFor;
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
    this.#lastWords.callOff();
    this.#init.finish({ kind: "cancelled" }, reason);
    this.#restore.end({ kind: "cancelled" });
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

  #onRuntimeAsked(): void {
    this.extensions.closeRegistration();
    if (this.isInitialized) this.#restore.end({ kind: "ready" });
    else this.#init.runtimeAsked();
  }

  #onInitError(outcome: InitOutcome): void {
    if (this.isInitialized) this.#restore.end(outcome);
    else this.#init.finish(outcome);
  }

  #onExtensionChange(): void {
    for (const extension of this.extensions.all) if (extension.reported) this.#lastWords.extensionReported(extension);
    if (!this.isInitialized) this.#init.advance();
    if (this.extensions.busy.length === 0) this.#wakeSettling();
  }

  #onExtensionExit(extension: Extension, exit: Exit): void {
    extension.close();
    if (this.#shutdown) extension.ended("code" in exit && exit.code === 0);
    else this.#lastWords.extensionExited(extension, exit);
  }

  /** These processes are of no use any more. */
  #fail(fault: Fault, by: ToBlame): void {
    if (this.#shutdown) return;
    if (!this.isInitialized) {
      this.#init.finish({ kind: "fault", fault });
      return;
    }
    this.#fault ??= fault;
    // Whoever waits for the restore hears of it there.
    if (this.#restore.isOpen) this.#restore.end({ kind: "fault", fault });
    else this.options.onFault(fault, by);
  }

  #wakeSettling(): void {
    for (const resolve of this.#settling.splice(0)) resolve();
  }
}
