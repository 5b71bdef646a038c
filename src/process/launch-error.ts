/** Why a process could not be started, and who is to blame. */
import { messageOf } from "../errors.ts";

/** What was to be started cannot be: the function's, or the extension's, fault. Its message is AWS's reason text. */
export class LaunchError extends Error {
  override name = "LaunchError";
}

/** The sandbox has no room left for a process, whatever it is. */
export class ExhaustedError extends Error {
  override name = "ExhaustedError";
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
  EPERM: "operation not permitted",
};

const openFiles =
  "init's limit of open files is used up. Close connections to the Runtime API, or raise the limit (nofile)";

const exhaustion: Readonly<Record<string, string>> = {
  EMFILE: `too many open files: ${openFiles}`,
  ENFILE: `too many open files in system: ${openFiles}`,
  EAGAIN:
    "resource temporarily unavailable: the limit of processes is reached. Start fewer, or raise the limit (pids, nproc)",
  ENOMEM: "cannot allocate memory: the memory is used up. Use less, or raise the limit",
};

/** @param error as Bun or the pipe threw it */
export function toLaunchError(program: string, error: unknown): LaunchError | ExhaustedError {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const used = exhaustion[code];
  if (used !== undefined) return new ExhaustedError(`fork/exec ${program}: ${used}`);
  if (!program.includes("/") && code === "ENOENT") {
    return new LaunchError(`exec: ${JSON.stringify(program)}: executable file not found in $PATH`);
  }
  return new LaunchError(`fork/exec ${program}: ${errnoTexts[code] ?? messageOf(error)}`);
}
