/** Starting real children in tests: their output is collected, and `afterEach(endChildren)` lets none outlive its test. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { systemClock } from "../../src/clock.ts";
import type { ProcessSpec, SupervisedProcess } from "../../src/process/launch.ts";
import { Owner } from "../../src/process/owner.ts";
import { waitUntil, within } from "../support/within.ts";

/** A started child and everything it has written so far. */
export interface Child extends SupervisedProcess {
  output(): string;
  receivedBytes(): number;
}

/** Whom all children started here belong to. */
export const owner = new Owner(systemClock);
const started: { readonly child: SupervisedProcess; readonly pipes: readonly string[] }[] = [];

/** Kills all children with their groups. Resolves when they have ended and their outputs are closed. */
export async function endChildren(): Promise<void> {
  const ending = started.splice(0);
  for (const { child } of ending) {
    child.signalGroup("SIGKILL");
    child.closeOutput();
  }
  await within(5000, "the end of all children", Promise.all(ending.map(({ child }) => child.exited)));
  await untilClosed(ending.flatMap(({ pipes }) => pipes));
}

export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function start(command: readonly string[], spec: Partial<ProcessSpec> = {}): Child {
  const chunks: Uint8Array[] = [];
  const before = openPipes();
  const child = owner.launch({
    command,
    cwd: "/",
    env: { PATH: systemPath },
    // Copied, so that a test would see it if the reader used its buffer again.
    receiveOutput: () => (chunk) => void chunks.push(Buffer.from(chunk)),
    ...spec,
  });
  started.push({ child, pipes: openPipes().filter((pipe) => !before.includes(pipe)) });
  return {
    ...child,
    output: () => Buffer.concat(chunks).toString(),
    receivedBytes: () => chunks.reduce((sum, { length }) => sum + length, 0),
  };
}

export function startShell(script: string, spec: Partial<ProcessSpec> = {}): Child {
  return start(["sh", "-c", script], spec);
}

/** Starts a script for Bun itself. */
export function startBun(script: string, env: Record<string, string> = {}): Child {
  return start([process.execPath, "-e", script], { env: { PATH: systemPath, ...env } });
}

/**
 * Runs a script in a Bun of its own, for what would change the whole test process (SIGCHLD, subreaper).
 * @param entrypoint what a shell does before it becomes that Bun
 * @param script may import from `src/` by `await source("process/reaper.ts")`, and tells its result by `tell(value)`
 */
export async function runApart(
  script: string,
  { env = {}, entrypoint = "" }: { env?: Record<string, string>; entrypoint?: string } = {},
): Promise<unknown> {
  const sources = new URL("../../src/", import.meta.url).pathname;
  const prelude = `
    const source = (path) => import(${JSON.stringify(sources)} + path);
    const tell = (value) => process.stdout.write("\\n" + JSON.stringify(value), () => process.exit(0));
    const until = async (condition) => {
      const deadline = performance.now() + 8000;
      while (!condition()) {
        if (performance.now() > deadline) throw new Error("waited in vain for: " + condition);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };`;
  const command = ["sh", "-c", `${entrypoint}\nexec "$@"`, "sh", process.execPath, "-e", `${prelude}\n${script}`];
  const child = start(command, { env: { PATH: systemPath, ...env } });
  const exit = await within(20_000, "the end of a script", child.exited);
  await child.drain();
  if (!("code" in exit && exit.code === 0)) throw new Error(`the script failed: ${child.output()}`);
  // Behind whatever else was written.
  return JSON.parse(child.output().split("\n").at(-1) as string);
}

/** Pids of running processes that have this variable in their environment, wherever in the tree they are. */
export function processesWith(variable: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => isAlive(pid) && environmentOf(pid).includes(variable));
}

/** Kills every process that has this variable in its environment, wherever in the tree it is. */
export function killProcessesWith(variable: string): void {
  for (const pid of processesWith(variable)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // Ended and reaped since the look.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return [];
  }
}

/** Whether a process is there and has not ended. Told without the code under test. */
export function isAlive(pid: number): boolean {
  const state = statusOf(pid)?.match(/^State:\s+(\S)/m)?.[1];
  return state !== undefined && state !== "Z" && state !== "X";
}

export function statusOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, "latin1");
  } catch {
    return undefined;
  }
}

/** How many file descriptors this process has open. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** The pipes this process has open, each by the name the kernel gives it. */
export function openPipes(): string[] {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // Closed since, as is the one by which the directory was read.
    }
  });
  return links.filter((link) => link.startsWith("pipe:"));
}

/** Resolves when this process has neither end of these pipes open. */
export function untilClosed(pipes: readonly string[]): Promise<void> {
  return waitUntil("the pipes are closed", () => !openPipes().some((pipe) => pipes.includes(pipe)));
}
