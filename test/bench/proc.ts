/** What the kernel knows about a process. */
import { readFileSync } from "node:fs";

/** Linux reports CPU time in ticks of 10 ms, whatever its own clock (`getconf CLK_TCK`). */
const msPerTick = 10;

/** User and system time of all threads so far, milliseconds, in steps of 10. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name, in parentheses, may hold blanks itself: fields are counted from the state behind it, the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[14 - 3]) + Number(fields[15 - 3])) * msPerTick;
}

/** Resident memory, MB of 1e6 bytes: now, and the highest so far. */
export function residentMb(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const mb = (key: string) => (Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024) / 1e6;
  return { now: mb("VmRSS"), peak: mb("VmHWM") };
}
