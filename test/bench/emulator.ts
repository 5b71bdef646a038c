/**
 * Measures the emulator, in turn with AWS's own where that is at hand (test/e2e/support/sdk-clients.ts installs it).
 *
 *     bun test/bench/emulator.ts           a minute or so
 *     bun test/bench/emulator.ts --quick   seconds
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { referenceEmulator } from "../e2e/support/sdk-clients.ts";
import { within } from "./deadline.ts";
import { enterOwnNetwork } from "./isolation.ts";
import { residentMb } from "./proc.ts";
import { makeRuntime } from "./runtime-command.ts";
import { median, percentile } from "./statistics.ts";

const isQuick = process.argv.includes("--quick");
const rounds = isQuick ? 2 : 7;
const calls = isQuick ? 300 : 1500;
const url = "http://127.0.0.1:8080/2015-03-31/functions/function/invocations";
const patienceMs = 30_000;

/** Each row in the order of the table; `NaN`: could not be measured. */
const rows = {
  start: "start to first answer, ms",
  p50: "call of 1 KB, median, ms",
  p99: "call of 1 KB, 99 %, ms",
  large: "5 MB there and back, ms",
  firstByte: "first byte of a stream of 300 ms, ms",
  memory: "resident memory behind all that, MB",
  peak: "its peak, MB",
  rate: "calls a second over 16 connections",
} as const;
type Row = keyof typeof rows;

interface Subject {
  readonly name: string;
  readonly binary: string;
  readonly samples: Record<Row, number[]>;
}

function subjectOf(name: string, binary: string): Subject {
  const samples = Object.fromEntries(Object.keys(rows).map((row) => [row, []])) as unknown as Record<Row, number[]>;
  return { name, binary, samples };
}

function start({ binary }: Subject, command: readonly string[]): Bun.Subprocess {
  return Bun.spawn([binary, "--log-level", "error", ...command], {
    env: { PATH: process.env.PATH ?? "" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
}

const post = (body: string, headers: Record<string, string> = {}) =>
  within(patienceMs, "an answer", fetch(url, { method: "POST", body, headers }));

/** Asks until somebody answers. */
async function firstAnswer(): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      await (await post('"first"')).bytes();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

async function end(child: Bun.Subprocess): Promise<void> {
  child.kill("SIGTERM");
  await within(patienceMs, "the end of an emulator", child.exited);
}

async function measure(subject: Subject, echo: readonly string[], streaming: readonly string[]): Promise<void> {
  const { samples } = subject;
  const startedAt = performance.now();
  const child = start(subject, echo);
  await firstAnswer();
  samples.start.push(performance.now() - startedAt);

  const event = JSON.stringify("x".repeat(1022));
  const times: number[] = [];
  for (let call = 0; call < calls; call++) {
    const calledAt = performance.now();
    await (await post(event)).bytes();
    if (call >= calls / 10) times.push(performance.now() - calledAt);
  }
  samples.p50.push(median(times));
  samples.p99.push(percentile(times, 0.99));

  const large = JSON.stringify("y".repeat(5_000_000));
  for (let call = 0; call < 5; call++) {
    const calledAt = performance.now();
    await (await post(large)).bytes();
    samples.large.push(performance.now() - calledAt);
  }
  const { now, peak } = residentMb(child.pid);
  samples.memory.push(now);
  samples.peak.push(peak);
  samples.rate.push(await rateOf(event));
  if (child.exitCode === null) await end(child);

  const streamer = start(subject, streaming);
  await firstAnswer();
  const parts = JSON.stringify({ stream: { parts: ["a", "b", "c"], everyMs: 100 } });
  const calledAt = performance.now();
  const answer = await post(parts, { "Lambda-Runtime-Function-Response-Mode": "streaming" });
  const reader = answer.body?.getReader();
  await reader?.read();
  samples.firstByte.push(performance.now() - calledAt);
  while (!(await reader?.read())?.done) {}
  await end(streamer);
}

/** `NaN` where the calls end the emulator, as two at once end AWS's. */
async function rateOf(event: string): Promise<number> {
  const startedAt = performance.now();
  let left = calls;
  const caller = async () => {
    while (left-- > 0)
      if ((await (await post(event)).bytes()).length !== event.length) throw new Error("a wrong answer");
  };
  try {
    await Promise.all(Array.from({ length: 16 }, caller));
    return calls / ((performance.now() - startedAt) / 1000);
  } catch {
    return Number.NaN;
  }
}

function show(value: number): string {
  if (Number.isNaN(value)) return "ends it";
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

const arch = process.arch === "arm64" ? "arm64" : "x86_64";
const ours = join(import.meta.dir, `../../dist/aws-lambda-rie-${arch}`);
if (!existsSync(ours)) {
  console.error(`bench: ${ours} does not exist: build it with \`bun run build --host\``);
  process.exit(2);
}
enterOwnNetwork();
const directory = mkdtempSync(join(tmpdir(), "emulator-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const runtime = makeRuntime(directory);
const streaming = [process.execPath, join(import.meta.dir, "../fixtures/scripted-runtime.ts")];
const reference = referenceEmulator();
const subjects = [subjectOf("ours", ours), ...(reference ? [subjectOf("AWS's", reference)] : [])];
for (let round = 0; round < rounds; round++) {
  for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
    await measure(subject, runtime.command, streaming);
  }
}
const width = Math.max(...Object.values(rows).map((label) => label.length));
console.log(["".padEnd(width), ...subjects.map(({ name }) => name.padStart(12))].join(""));
for (const [row, label] of Object.entries(rows)) {
  const cells = subjects.map(({ samples }) => show(median(samples[row as Row])).padStart(12));
  console.log([label.padEnd(width), ...cells].join(""));
}
console.log(
  `\nMedians of ${rounds} rounds in turn. Runtime: ${runtime.description}. ${cpus().length} x ${cpus()[0]?.model}.`,
);
process.exit(0);
