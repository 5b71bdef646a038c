/**
 * Compiles the spike with the settings of the product's own build.
 *
 *     bun test/bench/build-spike.ts OUTFILE
 */
import { join } from "node:path";

export async function buildSpike(outfile: string): Promise<void> {
  await Bun.build({
    entrypoints: [join(import.meta.dir, "spike.ts")],
    format: "esm",
    bytecode: true,
    minify: true,
    define: { "process.env.NODE_ENV": "process.env.NODE_ENV" },
    compile: {
      outfile,
      target: process.arch === "arm64" ? "bun-linux-arm64" : "bun-linux-x64",
      autoloadDotenv: false,
      autoloadBunfig: false,
      execArgv: ["--max-http-header-size=4194304"],
    },
  });
}

if (import.meta.main) {
  const outfile = process.argv[2];
  if (outfile === undefined) {
    console.error("usage: bun test/bench/build-spike.ts OUTFILE");
    process.exit(2);
  }
  await buildSpike(outfile);
  console.log(outfile);
}
