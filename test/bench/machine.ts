/** Where and with what was measured: figures without that say nothing. */
import { cpus, loadavg, release } from "node:os";

/** `2 x AMD EPYC, Linux 6.18, x64` */
export function describeMachine(): string {
  const cpu = cpus();
  return `${cpu.length} x ${cpu[0]?.model.trim() || "unknown CPU"}, Linux ${release()}, ${process.arch}`;
}

/** Load average of the last 1, 5 and 15 minutes. */
export function load(): string {
  return loadavg()
    .map((average) => average.toFixed(2))
    .join(" ");
}
