/** One set of processes: started together, given up together. A reset ends one generation; the next is started anew. */
import { statSync } from "node:fs";
import { type Exit, type Fault, messageOf, runtimeExitFault } from "../errors.ts";
import { type Launch, LaunchError, type SupervisedProcess } from "../process/launch.ts";
import { Runtime } from "./runtime.ts";

/** The command that starts the runtime. */
export interface Bootstrap {
  readonly command: readonly string[];
  /** Must be absolute and exist; checked at each start. */
  readonly cwd: string;
}

/** How an init phase ended. `cancelled`: init was told to stop, which is nobody's fault. */
export type InitOutcome =
  | { readonly kind: "ready" }
  | { readonly kind: "init error"; readonly body: Uint8Array }
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "cancelled" };

export interface GenerationOptions {
  readonly bootstrap: Bootstrap;
  readonly env: Readonly<Record<string, string>>;
  readonly launch: Launch;
  readonly receiveOutput: () => (chunk: Uint8Array) => void;
  /** The runtime was started. */
  readonly onLaunch: (pid: number) => void;
  /** The runtime ended by itself after init. Not called for what init ends. */
  readonly onFault: (fault: Fault) => void;
}

export class Generation {
  readonly runtime: Runtime;
  readonly #initialized = Promise.withResolvers<InitOutcome>();
  #process: SupervisedProcess | undefined;
  #exit: Exit | undefined;
  #isInitialized = false;
  /** Set before anything is ended on purpose, so that no exit of ours is ever taken for a fault. */
  #isEnding = false;

  constructor(private readonly options: GenerationOptions) {
    this.runtime = new Runtime({
      onFirstNext: () => this.#finishInit({ kind: "ready" }),
      // The runtime's own word comes first: the exit that follows it adds nothing (decision 3).
      onInitError: (body) => this.#finishInit({ kind: "init error", body }),
      onInitErrorLost: () => this.#concludeExit(),
    });
  }

  /** How init ended; never rejects. It has no time limit of its own: LocalStack, or the invocation it runs in, has. */
  get initialized(): Promise<InitOutcome> {
    return this.#initialized.promise;
  }

  get isInitialized(): boolean {
    return this.#isInitialized;
  }

  /** Starts the runtime. What goes wrong is told by `initialized`. */
  start(): void {
    const fault = workingDirFault(this.options.bootstrap.cwd) ?? this.#launch();
    if (fault) this.#finishInit({ kind: "fault", fault });
  }

  /** Resolves when all the processes had written by now was received. */
  drain(): Promise<unknown> | undefined {
    return this.#process?.drain();
  }

  /** Resolves when the runtime has ended; at once if it never started. */
  get exited(): Promise<unknown> {
    return this.#process?.exited ?? Promise.resolve();
  }

  /** Kills the runtime's process group at once. From here on no exit is a fault. */
  kill(): void {
    this.#isEnding = true;
    this.#process?.signalGroup("SIGKILL");
    this.runtime.close();
    this.#finishInit({ kind: "cancelled" });
  }

  /** To be called when all processes have ended: what is left in their pipes has been drained. */
  dispose(): void {
    this.#process?.closeOutput();
  }

  #launch(): Fault | undefined {
    const { bootstrap, env, launch, receiveOutput, onLaunch } = this.options;
    try {
      this.#process = launch({ command: bootstrap.command, cwd: bootstrap.cwd, env, receiveOutput });
    } catch (error) {
      const type = error instanceof LaunchError ? "Runtime.InvalidEntrypoint" : "Sandbox.Failure";
      return { type, reason: messageOf(error) };
    }
    onLaunch(this.#process.pid);
    void this.#process.exited.then((exit) => this.#onRuntimeExit(exit));
    return undefined;
  }

  #finishInit(outcome: InitOutcome): void {
    this.#isInitialized ||= outcome.kind === "ready";
    this.#initialized.resolve(outcome);
  }

  #onRuntimeExit(exit: Exit): void {
    this.#exit = exit;
    this.#concludeExit();
  }

  #concludeExit(): void {
    // A report that is still being read decides.
    if (!this.#exit || this.#isEnding || this.runtime.isReportingInitError) return;
    const fault = runtimeExitFault(this.#exit);
    if (this.#isInitialized) this.options.onFault(fault);
    else this.#finishInit({ kind: "fault", fault });
  }
}

function workingDirFault(dir: string): Fault | undefined {
  const type = "Runtime.InvalidWorkingDir";
  if (!dir.startsWith("/")) {
    return { type, reason: `the working directory '${dir}' is invalid, it needs to be an absolute path` };
  }
  return isDirectory(dir) ? undefined : { type, reason: `the working directory doesn't exist: ${dir}` };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
