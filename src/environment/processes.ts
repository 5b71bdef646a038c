/** The processes of one generation: starting them, hearing of their ends, receiving what they write. */
import fs from "node:fs";
import { type Exit, type Fault, type FaultType, messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { type Launch, LaunchError, type SupervisedProcess } from "../process/launch.ts";
import type { EnvironmentEvents, OutputSource } from "../telemetry/events.ts";
import type { Extension } from "./extensions/extension.ts";

/** The command that starts the runtime. */
export interface Bootstrap {
  readonly command: readonly string[];
  /** Must be absolute and exist; checked at each start. */
  readonly cwd: string;
}

/** An external extension as it lies on the disk. */
export interface ExtensionFile {
  /** What it has to register under. */
  readonly name: string;
  readonly path: string;
}

/** What the processes of a generation are made of; looked at anew at each start. */
export interface ProcessPlan {
  readonly bootstrap: Bootstrap;
  /** The runtime's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The external extensions, in the order they are to be started. */
  readonly findExtensions: () => readonly ExtensionFile[];
  readonly extensionEnv: Readonly<Record<string, string>>;
  /** Where extensions run. */
  readonly extensionCwd: string;
}

export interface ProcessesOptions {
  readonly plan: ProcessPlan;
  readonly launch: Launch;
  readonly events: EnvironmentEvents;
  /** A process was started. */
  readonly onLaunch: (pid: number) => void;
}

export class Processes {
  readonly #extensions = new Map<Extension, SupervisedProcess>();
  #runtime: SupervisedProcess | undefined;

  constructor(private readonly options: ProcessesOptions) {}

  get runtime(): SupervisedProcess | undefined {
    return this.#runtime;
  }

  of(extension: Extension): SupervisedProcess | undefined {
    return this.#extensions.get(extension);
  }

  /** @returns what prevented the start */
  launchRuntime(onExit: (exit: Exit) => void): Fault | undefined {
    const { bootstrap, env } = this.options.plan;
    const started = this.#launch(
      bootstrap.command,
      bootstrap.cwd,
      env,
      { kind: "function" },
      "Runtime.InvalidEntrypoint",
    );
    if ("reason" in started) return started;
    this.#runtime = started;
    void started.exited.then(onExit);
    return undefined;
  }

  /** @returns what prevented the start */
  launchExtension(extension: Extension, path: string, onExit: (exit: Exit) => void): Fault | undefined {
    const { extensionCwd, extensionEnv } = this.options.plan;
    const source = { kind: "extension", name: extension.name } as const;
    const started = this.#launch([path], extensionCwd, extensionEnv, source, "Extension.LaunchError");
    if ("reason" in started) return started;
    this.#extensions.set(extension, started);
    void started.exited.then(onExit);
    return undefined;
  }

  /** Resolves when all that had been written by now was received. `undefined`: nothing to wait for. */
  drain(): Promise<unknown> | undefined {
    if (this.#extensions.size === 0) return this.#runtime?.drain();
    const waits = this.#all.map((process) => process.drain()).filter((wait) => wait !== undefined);
    return waits.length > 0 ? Promise.all(waits) : undefined;
  }

  /** Resolves when all that were started have ended. */
  get exited(): Promise<unknown> {
    return Promise.all(this.#all.map(({ exited }) => exited));
  }

  /** Gives up their outputs although a descendant may still hold them open. */
  closeOutputs(): void {
    for (const process of this.#all) process.closeOutput();
  }

  get #all(): SupervisedProcess[] {
    return this.#runtime ? [...this.#extensions.values(), this.#runtime] : [...this.#extensions.values()];
  }

  #launch(
    command: readonly string[],
    cwd: string,
    env: Readonly<Record<string, string>>,
    source: OutputSource,
    refused: FaultType,
  ): SupervisedProcess | Fault {
    const { launch, events, onLaunch } = this.options;
    try {
      const process = launch({ command, cwd, env, receiveOutput: () => events.receiveOutput(source) });
      onLaunch(process.pid);
      log.debug("started", command.join(" "), "as process", process.pid);
      return process;
    } catch (error) {
      return { type: error instanceof LaunchError ? refused : "Sandbox.Failure", reason: messageOf(error) };
    }
  }
}

/** Why a process cannot run in this directory; `undefined`: it can. */
export function workingDirFault(dir: string): Fault | undefined {
  const type = "Runtime.InvalidWorkingDir";
  if (!dir.startsWith("/")) {
    return { type, reason: `the working directory '${dir}' is invalid, it needs to be an absolute path` };
  }
  return isDirectory(dir) ? undefined : { type, reason: `the working directory doesn't exist: ${dir}` };
}

function isDirectory(path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false;
  }
}
