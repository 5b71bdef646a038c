/** Limits as a container has them. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { patienceMs } from "./init.ts";

const root = "/sys/fs/cgroup";

/** A group with a limit, for as long as it is in use. */
export interface Cgroup extends Disposable {
  /** Words that put a command into it. */
  readonly prefix: readonly string[];
}

/** File of the limit, by version of the kernel's interface. */
const limits = {
  memory: { v1: "memory/memory.limit_in_bytes", v2: "memory.max" },
  pids: { v1: "pids/pids.max", v2: "pids.max" },
} as const;

/** @returns `undefined` where this machine lets us make none */
export function newCgroup(what: keyof typeof limits, limit: number): Cgroup | undefined {
  const { v1, v2 } = limits[what];
  const isV2 = existsSync(`${root}/cgroup.controllers`);
  const [controller, file] = isV2 ? ["", v2] : (v1.split("/") as [string, string]);
  const path = `${root}/${controller}/init-e2e-${process.pid}-${crypto.randomUUID()}`;
  try {
    mkdirSync(path);
    writeFileSync(`${path}/${file}`, String(limit));
  } catch {
    if (existsSync(path)) rmdirSync(path);
    return undefined;
  }
  return {
    prefix: ["sh", "-c", `echo $$ > ${path}/cgroup.procs && exec "$@"`, "sh"],
    [Symbol.dispose]() {
      const deadline = performance.now() + patienceMs;
      for (;;) {
        for (const pid of readFileSync(`${path}/cgroup.procs`, "utf8").split("\n").filter(Boolean)) kill(Number(pid));
        try {
          return rmdirSync(path);
        } catch (error) {
          // The last of them may be on its way out.
          if (codeOf(error) !== "EBUSY" || performance.now() > deadline) throw error;
        }
        Bun.sleepSync(1);
      }
    },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended by itself since it was looked up.
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

export const hasCgroups = (() => {
  const group = newCgroup("memory", 1 << 30);
  group?.[Symbol.dispose]();
  return group !== undefined;
})();
