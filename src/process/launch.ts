/** Starting one of the function's processes, and knowing how it ended. Nothing else in the program starts a process. */
import { describeExit, type Exit } from "../errors.ts";
import { log } from "../log.ts";
import { toLaunchError } from "./launch-error.ts";
import { bearing } from "./oom-score.ts";
import { OutputPipe, type OutputReceiver } from "./output-pipe.ts";
import { type Family, releaseLaunched } from "./ownership.ts";

export { ExhaustedError, LaunchError } from "./launch-error.ts";

/** What to start. */
export interface ProcessSpec {
  /** The program, looked up in the environment's PATH when it is a bare name, and its arguments. */
  readonly command: readonly string[];
  /** An existing directory. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** A receiver for the output of this process, stdout and stderr in the order of writing. Called once. */
  readonly receiveOutput: () => OutputReceiver;
}

/** A started process. */
export interface SupervisedProcess {
  readonly pid: number;
  /**
   * Resolves at the exit notice, even while descendants keep its output open, but after what the process had sent over
   * a socket before. Never rejects.
   */
  readonly exited: Promise<Exit>;
  /** Sends a signal to the whole process group; nothing happens when it is gone. */
  signalGroup(signal: NodeJS.Signals): void;
  /** Resolves when all it had written by now was received. `undefined`: nothing to wait for. */
  drain(): Promise<unknown> | undefined;
  /** Gives up its output although a descendant may still hold it open. */
  closeOutput(): void;
}

/** Starts a process. @throws {LaunchError | ExhaustedError} */
export type Launch = (spec: ProcessSpec) => SupervisedProcess;

/** Starts a process of this family. @throws {LaunchError | ExhaustedError} */
export function launchProcess(spec: ProcessSpec, family: Family): SupervisedProcess {
  let output: OutputPipe | undefined;
  const { promise: exited, resolve: onExited } = Promise.withResolvers<Exit>();
  try {
    const pipe = new OutputPipe();
    output = pipe;
    // Before the process is started: if this failed afterwards, nobody would watch over the process.
    pipe.receive(spec.receiveOutput());
    const start = () =>
      Bun.spawn([...spec.command], {
        cwd: spec.cwd,
        env: spec.env,
        stdin: "ignore",
        stdout: pipe.writeEnd,
        stderr: pipe.writeEnd,
        // A session, and with it a process group, of its own: what it starts can be ended with it.
        detached: true,
        onExit({ pid }, code, signal) {
          releaseLaunched(pid);
          const exit: Exit = signal === null ? { code: code ?? 1 } : { signal };
          log.debug("process", pid, "ended:", describeExit(exit) ?? "exit status 0");
          void afterSockets().then(() => onExited(exit));
        },
      });
    const child = bearing(family.oomScore, start);
    family.adopt(child.pid, spec.env);
    return {
      pid: child.pid,
      exited,
      signalGroup(signal) {
        try {
          process.kill(-child.pid, signal);
        } catch {
          // No process of the group is left.
        }
      },
      drain: () => pipe.drain(),
      closeOutput: () => pipe.close(),
    };
  } catch (error) {
    output?.close();
    throw toLaunchError(spec.command[0] ?? "", error);
  } finally {
    // The process has its copies; ours would keep the pipe from ever ending.
    output?.closeWriteEnd();
  }
}

/** Turns of the event loop in which a connection is accepted, read and handled. */
const socketTurns = 4;

/** What a process sent before it ended counts, although the notice of its end may overtake it. */
async function afterSockets(): Promise<void> {
  for (let turn = 0; turn < socketTurns; turn++) await new Promise(setImmediate);
}
