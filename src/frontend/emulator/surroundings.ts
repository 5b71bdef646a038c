/** What depends on where the emulator runs: on a person's terminal, in a container, under a debugger. */
import fs from "node:fs";
import { initMs } from "../../environment/limits.ts";

export interface Surroundings {
  /** A person reads what we write. */
  readonly isTerminal: boolean;
  readonly isContainer: boolean;
}

/** Files by which Docker and Podman mark a container. */
const containerMarks = ["/.dockerenv", "/run/.containerenv"];

/** @param env `CI` in it says that nobody looks, whatever the terminal */
export function lookAround(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): Surroundings {
  const isContainer = process.pid === 1 || containerMarks.some((mark) => fs.existsSync(mark));
  return { isTerminal: isTerminal && !env.CI, isContainer };
}

/**
 * Published ports of a container need every address; what runs on a developer's machine is nobody else's
 * (`docs/contract/emulator.md E22`).
 */
export function defaultHostname({ isTerminal, isContainer }: Surroundings): string {
  return isTerminal && !isContainer ? "127.0.0.1" : "0.0.0.0";
}

/**
 * Seconds a function has where no limit is wanted: clients compute with its deadline, so there has to be one
 * (`docs/contract/emulator.md E11`).
 */
const unlimitedSeconds = 36_000;

export interface Limits {
  readonly timeoutSeconds: number;
  /** `undefined`: none. */
  readonly initLimitMs: number | undefined;
  /** One sentence for whoever wonders; `undefined`: the limits are the usual ones. */
  readonly notice: string | undefined;
}

export interface LimitFacts {
  readonly timeoutSeconds: number;
  readonly initializationType: string;
  readonly isTimeoutOff: boolean;
  /** What says that a debugger may wait; `undefined`: nothing. */
  readonly debuggerMark: string | undefined;
}

export function limitsOf({ timeoutSeconds, initializationType, isTimeoutOff, debuggerMark }: LimitFacts): Limits {
  const reason = isTimeoutOff ? "--no-timeout" : debuggerMark;
  if (reason === undefined && timeoutSeconds < unlimitedSeconds) {
    return { timeoutSeconds, initLimitMs: initMs(initializationType, timeoutSeconds), notice: undefined };
  }
  return {
    timeoutSeconds: Math.max(unlimitedSeconds, timeoutSeconds),
    initLimitMs: undefined,
    notice: `time limits are off (${reason ?? `a timeout of ${timeoutSeconds} s`}): neither init nor a call is cut off`,
  };
}

/**
 * Why the command cannot be started, to be said at once: the calls only show that something is wrong.
 * @param path the `PATH` the function will have
 * @param isSearched the program is what is left of a search for a bootstrap
 */
export function whyNotStartable(program: string, path: string, isSearched: boolean): string | undefined {
  if (program.includes("/") ? fs.existsSync(program) : Bun.which(program, { PATH: path }) !== null) return undefined;
  if (isSearched) {
    return "there is no bootstrap in /var/task, /opt or /var/runtime: put one there, or name a command (--help)";
  }
  const where = program.includes("/") ? "does not exist" : `is in no directory of PATH (${path})`;
  return `the command ${JSON.stringify(program)} ${where}: calls fail until it is there`;
}
