/** Keeps init's own log from the test's output, and gives its lines to the test instead. */
import { spyOn } from "bun:test";
import { log, logLevels } from "../../src/log.ts";

type Method = "error" | "warn" | "info";
const methods: readonly Method[] = ["error", "warn", "info"];

export interface CaughtLines {
  /** Without time and level, in the order of writing. */
  readonly lines: readonly string[];
  release(): void;
}

/** @param level the last one that is caught; lines below it are written nowhere */
export function catchLines(level: Method = "info"): CaughtLines {
  const lines: string[] = [];
  const spies = methods.map((method) =>
    spyOn(log, method).mockImplementation((...args) => {
      if (logLevels[method] <= logLevels[level]) lines.push(args.join(" "));
    }),
  );
  return {
    lines,
    release() {
      for (const spy of spies) spy.mockRestore();
    },
  };
}
