/** Ends one generation of processes in AWS's order, the runtime first: `docs/contract/lifecycle.md 5.2`. */
import { type Clock, settlesWithin } from "../clock.ts";
import type { SupervisedProcess } from "../process/launch.ts";
import type { Exchanges } from "./exchanges.ts";
import type { Extension, ShutdownReason } from "./extensions/extension.ts";
import { runtimeShutdownMs, shutdownMs } from "./limits.ts";

export interface ShutdownOptions {
  readonly clock: Clock;
  readonly reason: ShutdownReason;
  readonly exchanges: Exchanges;
  readonly runtimeProcess: SupervisedProcess | undefined;
  readonly extensions: readonly Extension[];
  /** The process of an external extension that was started. */
  readonly processOf: (extension: Extension) => SupervisedProcess | undefined;
  /** The runtime has ended, the extensions are still there. SHUTDOWN waits for what this does, which has a bound. */
  readonly onRuntimeEnded: () => Promise<void>;
}

export class Shutdown {
  readonly #startedAt: number;
  readonly #deadlineMs: number;
  /** Whether there is anybody to wait for. */
  readonly #isOrderly: boolean;

  /** Asks the runtime to end, or kills everything where no extension has registered. */
  constructor(private readonly options: ShutdownOptions) {
    const { clock, exchanges, runtimeProcess, extensions } = options;
    this.#startedAt = clock.now();
    this.#deadlineMs = clock.epoch() + shutdownMs;
    this.#isOrderly = extensions.some(({ isRegistered }) => isRegistered);
    if (this.#isOrderly) {
      exchanges.suspend();
      runtimeProcess?.signalGroup("SIGTERM");
    } else {
      runtimeProcess?.signalGroup("SIGKILL");
      for (const extension of extensions) this.#kill(extension);
      exchanges.close();
    }
  }

  /** Resolves when every process has ended or was killed, at most after the budget. Never rejects. */
  async finish(): Promise<void> {
    const { exchanges, runtimeProcess, extensions, onRuntimeEnded } = this.options;
    if (this.#isOrderly && runtimeProcess && !(await this.#endsWithin(runtimeShutdownMs, runtimeProcess.exited))) {
      runtimeProcess.signalGroup("SIGKILL");
    }
    exchanges.close();
    await onRuntimeEnded();
    await Promise.all(extensions.map((extension) => this.#end(extension)));
  }

  async #end(extension: Extension): Promise<void> {
    const { processOf, reason } = this.options;
    const process = processOf(extension);
    // One that reported an error is refused every further poll: it cannot be told.
    if (process && extension.isSubscribedTo("SHUTDOWN") && !extension.reported) {
      extension.dispatch({ kind: "shutdown", deadlineMs: this.#deadlineMs, reason });
      await this.#endsWithin(shutdownMs, process.exited);
    }
    this.#kill(extension);
  }

  #kill(extension: Extension): void {
    this.options.processOf(extension)?.signalGroup("SIGKILL");
    extension.close();
  }

  /** @param ms since the beginning of the shutdown */
  #endsWithin(ms: number, end: Promise<unknown>): Promise<boolean> {
    const { clock } = this.options;
    return settlesWithin(clock, Math.max(0, this.#startedAt + ms - clock.now()), end);
  }
}
