/**
 * Makes the release binaries, under the names LocalStack downloads:
 *
 *     bun run build            both architectures
 *     bun run build --host     only this machine's
 */
import { mkdir, readdir, rm } from "node:fs/promises";

const targets = [
  { bun: "bun-linux-x64", cpu: "x64", file: "aws-lambda-rie-x86_64" },
  { bun: "bun-linux-arm64", cpu: "arm64", file: "aws-lambda-rie-arm64" },
] as const;

/** What Bun writes where it cannot parse a request. */
const badRequest = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

/**
 * Texts in Bun's own executable that get in the way of an init, and what stands there instead.
 *
 * - `BUN_BE_BUN` would turn init into the bun command line, `BUN_OPTIONS` would preload a function's file into it. Bun reads
 *   them before any code of ours runs, so the only place to disarm them is here: a variable whose name is never looked up
 *   changes nothing.
 * - Bun raises the soft limit of open files to the hard limit at start; as PID 1 nothing tells afterwards what the container
 *   had set, and the function must have exactly that. Importing `getrlimit` under the name of `setrlimit` (same arguments,
 *   same symbol version) turns that call into a harmless read.
 * - Bun takes the trailers of a streamed response for a second request and sends its 400 behind our answer, on which the
 *   Node.js runtime client dies. Line breaks in its place are skipped by every client; a request that really cannot be
 *   parsed has its connection closed without a word.
 *
 * `places` counts how often the text occurs in the part Bun ships; our own bundle comes behind it.
 */
const disarmed = [
  { name: "BUN_BE_BUN", instead: "\x01UN_BE_BUN", places: 1 },
  { name: "BUN_OPTIONS", instead: "\x01UN_OPTIONS", places: 2 },
  { name: "\0setrlimit\0", instead: "\0getrlimit\0", places: 1 },
  {
    name: `\0${badRequest}\0`,
    instead: `\0${"\r\n".repeat(badRequest.length).slice(0, badRequest.length)}\0`,
    places: 1,
  },
] as const;

async function disarm(file: string): Promise<void> {
  const bytes = Buffer.from(await Bun.file(file).arrayBuffer());
  for (const { name, instead, places } of disarmed) {
    let at = -1;
    for (let place = 1; place <= places; place++) {
      at = bytes.indexOf(name, at + 1, "latin1");
      if (at < 0) {
        throw new Error(
          `${file}: ${JSON.stringify(name)} stands ${place - 1} times in Bun ${Bun.version}, expected ${places}. ` +
            "This Bun names it otherwise: look for the new name and correct the table in build.ts.",
        );
      }
      bytes.write(instead, at, "latin1");
    }
  }
  await Bun.write(file, bytes);
}

async function build(target: (typeof targets)[number]): Promise<void> {
  const outfile = `dist/${target.file}`;
  await Bun.build({
    entrypoints: ["src/main.ts"],
    format: "esm",
    bytecode: true,
    // What is imported when it is needed stays out of the start: in one piece with the rest, its imports of Bun's own
    // modules (zlib, streams) would be made at the start, for 3 ms.
    splitting: true,
    minify: true,
    sourcemap: "linked",
    define: {
      // Without this Bun freezes NODE_ENV into the binary at build time.
      "process.env.NODE_ENV": "process.env.NODE_ENV",
    },
    compile: {
      outfile,
      target: target.bun,
      // The working directory is the function's: its files are not settings of init.
      autoloadDotenv: false,
      autoloadBunfig: false,
      // Runtime clients send X-Ray causes of up to 1 MiB in a header; Bun's own limit is 16 KiB.
      // --smol: a heap that grows slowly. Measured here: a third less at the peak of 5 MB payloads, and no slower.
      execArgv: ["--smol", "--max-http-header-size=4194304"],
    },
  });
  await disarm(outfile);
  // Bun writes the source maps beside the binary as well as into it.
  for (const file of await readdir("dist")) if (file.endsWith(".map")) await rm(`dist/${file}`);
  console.log(`${outfile}  ${(Bun.file(outfile).size / 1e6).toFixed(1)} MB`);
}

const hostOnly = process.argv.includes("--host");
await mkdir("dist", { recursive: true });
for (const target of targets) {
  if (!hostOnly || target.cpu === process.arch) await build(target);
}
