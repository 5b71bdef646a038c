/** Makes the runtime that the init under test starts: in C, so that hardly anything but the init is measured. */
import { join } from "node:path";

export interface RuntimeCommand {
  readonly command: readonly string[];
  /** What it is, for the reader of the figures. */
  readonly description: string;
}

/** @param directory where a compiled runtime may be put */
export function makeRuntime(directory: string): RuntimeCommand {
  const outfile = join(directory, "runtime");
  const compiler = ["cc", "gcc", "clang"].find((name) => Bun.which(name) !== null);
  if (compiler !== undefined) {
    const source = join(import.meta.dir, "runtime.c");
    const { success, stderr } = Bun.spawnSync([compiler, "-O2", "-o", outfile, source], { stderr: "pipe" });
    if (success) return { command: [outfile], description: "C" };
    console.error(`${compiler} could not compile ${source}:\n${stderr}`);
  }
  return {
    command: [process.execPath, join(import.meta.dir, "runtime-fallback.ts")],
    description: "a script on Bun, for there is no C compiler: starts and times are longer than with the C one",
  };
}
