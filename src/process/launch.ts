/** Starting one of the function's processes, and knowing how it ended. Nothing else in the program starts a process. */
import { describeExit, type Exit, messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { bearing } from "./oom-score.ts";
import { OutputPipe } from "./output-pipe.ts";
import { type Family, releaseLaunched } from "./ownership.ts";

/** What to start. */
export interface ProcessSpec {
  /** The program, looked up in the environment's PATH when it is a bare name, and its arguments. */
  readonly command: readonly string[];
  /** An existing directory. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** A new receiver for one output stream of this process, called once for stdout and once for stderr. */
  readonly receiveOutput: () => (chunk: Uint8Array) => void;
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
  /** Gives up its outputs although a descendant may still hold them. */
  closeOutput(): void;
}

/** Starts a process. @throws {LaunchError} */
export type Launch = (spec: ProcessSpec) => SupervisedProcess;

/** A process that could not be started. Its message is the reason text of `lifecycle.md` 3.1. */
export class LaunchError extends Error {
  override name = "LaunchError";
}

/** Starts a process of this family. @throws {LaunchError} */
export function launchProcess(spec: ProcessSpec, family: Family): SupervisedProcess {
  const pipes: OutputPipe[] = [];
  const { promise: exited, resolve: onExited } = Promise.withResolvers<Exit>();
  try {
    const stdout = new OutputPipe();
    pipes.push(stdout);
    const stderr = new OutputPipe();
    pipes.push(stderr);
    const start = () =>
      Bun.spawn([...spec.command], {
        cwd: spec.cwd,
        env: spec.env,
        stdin: "ignore",
        stdout: stdout.writeEnd,
        stderr: stderr.writeEnd,
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
    for (const pipe of pipes) pipe.receive(spec.receiveOutput());
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
      drain() {
        const waits = pipes.map((pipe) => pipe.drain()).filter((wait) => wait !== undefined);
        return waits.length > 0 ? Promise.all(waits) : undefined;
      },
      closeOutput() {
        for (const pipe of pipes) pipe.close();
      },
    };
  } catch (error) {
    for (const pipe of pipes) pipe.close();
    throw new LaunchError(describeLaunchError(spec.command[0] ?? "", error));
  } finally {
    // The process has its copies; ours would keep the pipes from ever ending.
    for (const pipe of pipes) pipe.closeWriteEnd();
  }
}

/** Turns of the event loop in which a connection is accepted, read and handled. */
const socketTurns = 4;

/** What a process sent before it ended counts, although the notice of its end may overtake it. */
async function afterSockets(): Promise<void> {
  for (let turn = 0; turn < socketTurns; turn++) await new Promise(setImmediate);
}

const errnoTexts: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  ENOEXEC: "exec format error",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  E2BIG: "argument list too long",
  ENAMETOOLONG: "file name too long",
  ETXTBSY: "text file busy",
  ENOMEM: "cannot allocate memory",
  EAGAIN: "resource temporarily unavailable",
  EMFILE: "too many open files",
  EPERM: "operation not permitted",
};

function describeLaunchError(program: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (!program.includes("/") && code === "ENOENT") {
    return `exec: ${JSON.stringify(program)}: executable file not found in $PATH`;
  }
  return `fork/exec ${program}: ${errnoTexts[code] ?? messageOf(error)}`;
}
