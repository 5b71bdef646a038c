/** What the kernel knows about a process. */
import { ptr } from "bun:ffi";
import { readFileSync } from "node:fs";
import { libc } from "./libc.ts";

/** Seconds and nanoseconds. */
const time = new BigInt64Array(2);

/**
 * User and system time of all threads so far, those that have ended included, in milliseconds, to the nanosecond:
 * /proc/<pid>/stat has it in steps of 10 ms only, and /proc/<pid>/schedstat of one thread.
 */
export function cpuMs(pid: number): number {
  const clock = (~pid << 3) | 2; // As clock_getcpuclockid(3) makes it.
  if (libc.clock_gettime(clock, ptr(time)) !== 0) throw new Error(`process ${pid} has no CPU clock: has it ended?`);
  return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
}

/** Resident memory, MB of 1e6 bytes: now, and the highest so far. */
export function residentMb(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const mb = (key: string) => (Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024) / 1e6;
  return { now: mb("VmRSS"), peak: mb("VmHWM") };
}
