/**
 * Makes the release binaries, under the names LocalStack downloads:
 *
 *     bun run build                      all of them
 *     bun run build --host               this machine's, for glibc
 *     bun run build x86_64-musl arm64    those
 *
 * With `--release` all of them, and what belongs beside them: notices, SBOM, checksums. With `--release --check` all of it
 * a second time in another directory, which must give the same bytes.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import { bundle, bundledFiles } from "./.ci/release/bundle.ts";
import { writeNotices, writeSbomAndChecksums } from "./.ci/release/release.ts";
import { checkReproducible } from "./.ci/release/reproduce.ts";

const targets = [
  { name: "x86_64", bun: "bun-linux-x64", cpu: "x64", libc: "glibc" },
  { name: "arm64", bun: "bun-linux-arm64", cpu: "arm64", libc: "glibc" },
  { name: "x86_64-musl", bun: "bun-linux-x64-musl", cpu: "x64", libc: "musl" },
  { name: "arm64-musl", bun: "bun-linux-arm64-musl", cpu: "arm64", libc: "musl" },
] as const;
type Target = (typeof targets)[number];

/** Bytes in Bun's own executable that get in the way of an init, and what stands there instead. */
interface Disarmed {
  /** For the error text. */
  readonly what: string;
  /** Where it is machine code: for which machine. */
  readonly cpu?: Target["cpu"];
  /** Where it holds addresses: in the executable for which libc. */
  readonly libc?: Target["libc"];
  readonly bytes: Buffer;
  readonly instead: Buffer;
  /** How often they stand in the part Bun ships; our own bundle comes behind it. */
  readonly places: number;
}

/** @param parts of the text that lose their first letter to a byte no name begins with. */
function name(text: string, places = 1, parts: readonly string[] = [text.replaceAll("\0", "")]): Disarmed {
  let instead = text;
  for (const part of parts) instead = instead.replace(part, `\x01${part.slice(1)}`);
  return { what: JSON.stringify(text), bytes: latin1(text), instead: latin1(instead), places };
}

/** @param bytes hexadecimal, instructions apart; ones that stand once */
function code(what: string, on: Pick<Disarmed, "cpu" | "libc">, bytes: string, instead: string): Disarmed {
  return { what, ...on, bytes: hex(bytes), instead: hex(instead), places: 1 };
}

const latin1 = (text: string) => Buffer.from(text, "latin1");
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

const oneThread = "the condition for one thread";

/** @param page the instructions that load the address of the options into register 8, and into 9 */
function oneThreadArm64(page: string, page9: string): [bytes: string, instead: string] {
  const before = "680640f9 08014039";
  const options = `${page} 08712891 1f010039 15e501b9`;
  return [
    `${before} a8000034 ${options} 680a40f9 08014039 a8000034 08488852 e801a072 ${page9} 28650bb9`,
    `${before} 1f2003d5 ${options} 08088052 88760639 1f2003d5 9f0a0639 9f1e0a39 9f3e0939 1f2003d5`,
  ];
}

const gcTimer = "the look for BUN_GC_TIMER_DISABLE";

const inspector = ["BUN_INSPECT", "BUN_INSPECT_CONNECT_TO", "BUN_INSPECT_NOTIFY", "BUN_INSPECT_PRELOAD"];

const disarmed: readonly Disarmed[] = [
  // `BUN_BE_BUN` would turn init into the bun command line, `BUN_OPTIONS` would preload a function's file into it, and so
  // would `BUN_INSPECT_PRELOAD`; the other `BUN_INSPECT`s open the inspector. Bun reads them before any code of ours runs, so
  // the only place to disarm them is here: a variable whose name is never looked up changes nothing.
  name("BUN_BE_BUN"),
  name("BUN_OPTIONS", 2),
  name("\0BUN_INSPECT\0"),
  name("\0BUN_INSPECT_CONNECT_TO\0"),
  name("\0BUN_INSPECT_PRELOAD\0"),
  name(`${inspector.join("")}NODE_CHANNEL_FD`, 1, inspector.toReversed()),
  // `BUN_JSC_…` sets options of the engine; one it does not know ends the process before any code of ours, without a word
  // to LocalStack, and one that turns its compiler off takes our system calls with it. The engine compares letter by letter:
  // the first one compared is changed here.
  code(
    "BUN_JSC_",
    { cpu: "x64" },
    "41803e42 75e5 41807e0155 75de 41807e024e",
    "41803e01 75e5 41807e0155 75de 41807e024e",
  ),
  code("BUN_JSC_", { cpu: "arm64" }, "5f090171 01ffff54 2a054039 5f550171", "5f050071 01ffff54 2a054039 5f550171"),
  // The engine compiles and collects garbage on threads that end when they have nothing to do, and aborts the process when
  // the kernel gives it no new one: a function that used up its container's processes took init with it. What `bun -e` has
  // behind a condition is made unconditional here: useConcurrentJIT is false, numberOfGCMarkers is 1. In the place of what
  // another mode has behind the next condition, three more options are made false: useConcurrentGC, useFTLJIT (the third
  // compiler, whose work would be felt in an invocation now that it is done on the only thread) and useWarmUpMarkedBlocks.
  // And a small heap (`--smol`) begins at 4 MiB instead of 1: smallHeapSize. With 1 MiB garbage was collected once more
  // before the runtime had started, for 1 ms, and then every 28 invocations.
  // x64: five bytes and a word are written. arm64: the two jumps over the options are gone.
  code(
    oneThread,
    { cpu: "x64", libc: "glibc" },
    "488b4308 803801 7511 c6051240e00400 c705ec41e00401000000 488b4310 803801 750a c7053d41e00440420f00",
    `c6051b40e00400 c605bb3ee00400 c605b93fe00400 c6057a3fe00400 c705e041e00401000000 c605b73ee00440`,
  ),
  code(
    oneThread,
    { cpu: "x64", libc: "musl" },
    "488b4308 803801 7511 c60542cf170400 c7051cd1170401000000 488b4310 803801 750a c7056dd0170440420f00",
    `c6054bcf170400 c605ebcd170400 c605e9ce170400 c605aace170400 c70510d1170401000000 c605e7cd170440`,
  ),
  code(oneThread, { cpu: "arm64", libc: "glibc" }, ...oneThreadArm64("08810290", "09810290")),
  code(oneThread, { cpu: "arm64", libc: "musl" }, ...oneThreadArm64("e81002d0", "e91002d0")),
  // thresholdForJITAfterWarmUp, 2000 instead of 500, and behind thresholdForJITSoon thresholdForOptimizeAfterWarmUp and
  // …AfterLongWarmUp, 3000 instead of 1000: both compilers work on the only thread. The first one took a sixtieth of the start,
  // the second one 40 ms of the first 100 invocations, which are more than most containers ever serve. Measured here: these take
  // a quarter less time and CPU, invocations after 2,000 the same, some between more.
  code(
    "the thresholds of the compilers",
    {},
    "f4010000 64000000 e8030000 e8030000",
    "d0070000 64000000 b80b0000 b80b0000",
  ),
  // Bun asks for a garbage collection of its own once the first module has run, when the heap has grown, and every second
  // after that, until BUN_GC_TIMER_DISABLE is set. At a start that stood between the runtime's launch and the answer to its
  // first poll, for 1.5 ms; nothing was ever gained by it here, the engine collects when enough was allocated. The variable
  // cannot be set before Bun reads it: its own name is taken for its value, in the place of what getenv() gives.
  code(gcTimer, { cpu: "x64", libc: "glibc" }, "bf39282d00 e836ad4003", "bf39282d00 89f80f1f00"),
  code(gcTimer, { cpu: "x64", libc: "musl" }, "bfa1b51301 e8c6d89a03", "bfa1b51301 89f80f1f00"),
  code(gcTimer, { cpu: "arm64", libc: "glibc" }, "0085feb0 00842e91 ba0dd894", "0085feb0 00842e91 1f2003d5"),
  code(gcTimer, { cpu: "arm64", libc: "musl" }, "2052ff90 00d42891 7a38e894", "2052ff90 00d42891 1f2003d5"),
  // Bun raises the soft limit of open files to the hard limit at start; as PID 1 nothing tells afterwards what the container
  // had set, and the function must have exactly that. Importing `getrlimit` under the name of `setrlimit` (same arguments,
  // same symbol version) turns that call into a harmless read.
  { what: "setrlimit", bytes: latin1("\0setrlimit\0"), instead: latin1("\0getrlimit\0"), places: 1 },
];

async function disarm(file: string, target: Target): Promise<void> {
  const executable = Buffer.from(await Bun.file(file).arrayBuffer());
  for (const { what, cpu = target.cpu, libc = target.libc, bytes, instead, places } of disarmed) {
    if (cpu !== target.cpu || libc !== target.libc) continue;
    let at = -1;
    for (let place = 1; place <= places; place++) {
      at = executable.indexOf(bytes, at + 1);
      if (at < 0) {
        throw new Error(
          `${file}: ${what} stands ${place - 1} times in Bun ${Bun.version}, expected ${places}. ` +
            "This Bun has it otherwise: look for its new form and correct the table in build.ts.",
        );
      }
      instead.copy(executable, at);
    }
  }
  await Bun.write(file, executable);
}

async function build(target: Target): Promise<void> {
  const name = `aws-lambda-rie-${target.name}`;
  // Made apart: what stands in dist/ is whole, also where a build fails, or while the binary before it still runs.
  const apart = `dist/making-${target.name}`;
  await mkdir(apart, { recursive: true });
  try {
    await compile(`${apart}/${name}`, target);
    await disarm(`${apart}/${name}`, target);
    await rename(`${apart}/${name}`, `dist/${name}`);
  } finally {
    // Bun writes the source maps beside the binary as well as into it.
    await rm(apart, { recursive: true });
  }
  console.log(`dist/${name}  ${(Bun.file(`dist/${name}`).size / 1e6).toFixed(1)} MB`);
}

async function compile(outfile: string, target: Target): Promise<void> {
  await Bun.build({
    ...bundle,
    bytecode: true,
    sourcemap: "linked",
    compile: {
      outfile,
      target: target.bun,
      // The working directory is the function's: its files are not settings of init.
      autoloadDotenv: false,
      autoloadBunfig: false,
      // Bun's own limit of 16 KiB is too little for a client context in a header.
      // --smol: a heap that grows slowly. Measured here: a third less at the peak of 5 MB payloads, and no slower.
      execArgv: ["--smol", "--max-http-header-size=4194304"],
    },
  });
}

const wanted = process.argv.slice(2);
const isRelease = wanted.includes("--release");
const isWanted = ({ name, cpu, libc }: Target) =>
  isRelease ||
  wanted.length === 0 ||
  wanted.includes(name) ||
  (wanted.includes("--host") && cpu === process.arch && libc === "glibc");
const options = ["--host", ...(isRelease ? ["--release", "--check"] : [])];
const unknown = wanted.filter((word) => !options.includes(word) && !targets.some(({ name }) => name === word));
if (unknown.length > 0) {
  throw new Error(
    `no such target: ${unknown.join(", ")}. Use --host or some of: ${targets.map(({ name }) => name).join(", ")}`,
  );
}
if (isRelease) await rm("dist", { recursive: true, force: true });
await mkdir("dist", { recursive: true });
const files = await bundledFiles();
await writeNotices(".", files);
for (const target of targets.filter(isWanted)) await build(target);
const binaries = targets.map(({ name }) => `aws-lambda-rie-${name}`);
if (isRelease) await writeSbomAndChecksums(".", files, binaries);
if (wanted.includes("--check")) await checkReproducible(".");
