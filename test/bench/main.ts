/**
 * Measures the compiled binary, alone or in turn with another one that LocalStack could start in its place.
 *
 *     bun run bench                  dist/aws-lambda-rie-<arch>
 *     bun run bench OTHER            … and the binary OTHER, with the ratio ours / other
 *     bun run bench --spike          … and the spike, see spike.ts
 *     --ours BINARY                  this one instead of the one in dist
 *     --quick                        fewer rounds: seconds instead of a minute or two
 *     --json                         all samples as JSON instead of the table
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { buildSpike } from "./build-spike.ts";
import { CallbackReceiver } from "./callback-receiver.ts";
import { enterOwnNetwork } from "./isolation.ts";
import { fullPlan, measureRound, quickPlan, Subject } from "./measurements.ts";
import { toJson, toTable } from "./report.ts";
import { makeRuntime } from "./runtime-command.ts";

const { values: options, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    spike: { type: "boolean", default: false },
    ours: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const arch = process.arch === "arm64" ? "arm64" : "x86_64";
const ours = options.ours ?? join(import.meta.dir, `../../dist/aws-lambda-rie-${arch}`);

function refuse(reason: string): never {
  console.error(`bench: ${reason}`);
  process.exit(2);
}

async function main(directory: string): Promise<void> {
  const subjects = [subjectOf("ours", ours, directory)];
  const [other] = positionals;
  if (options.spike) {
    const built = join(directory, "built");
    await buildSpike(built);
    subjects.push(subjectOf("spike", built, directory));
  } else if (other !== undefined) {
    const name = basename(other);
    subjects.push(subjectOf(name === "ours" ? "other" : name, other, directory));
  }

  const plan = options.quick ? quickPlan : fullPlan;
  const runtime = makeRuntime(directory);
  const receiver = new CallbackReceiver();
  const startedAt = performance.now();
  for (let round = 0; round < plan.rounds; round++) {
    progress(`round ${round + 1} of ${plan.rounds}`);
    await measureRound({ plan, runtimeCommand: runtime.command, receiver }, subjects, round);
  }
  progress("");
  await receiver.stop();

  const cpu = cpus();
  const machine = `${cpu.length} x ${cpu[0]?.model ?? "unknown CPU"}, Linux ${release()}, ${arch}`;
  if (options.json) {
    console.log(toJson(subjects, { machine, runtime: runtime.description, plan }));
    return;
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(toTable(subjects));
  console.log(`\nMedians of ${plan.rounds} rounds in turn, ${seconds} s. Runtime: ${runtime.description}. ${machine}.`);
}

/**
 * All binaries are copied the same way first: how a file came into the page cache decides how much of it the kernel
 * maps at once, and thereby some MB of the resident memory.
 */
function subjectOf(name: string, binary: string, directory: string): Subject {
  const copy = join(directory, name);
  copyFileSync(binary, copy);
  return new Subject(name, copy);
}

/** A line that the next one takes the place of; only where somebody watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

if (positionals.length > 1 || (options.spike && positionals.length > 0)) refuse("one other binary at most");
if (!existsSync(ours)) refuse(`${ours} does not exist: build it with \`bun run build --host\``);
for (const other of positionals) if (!existsSync(other)) refuse(`${other} does not exist`);
enterOwnNetwork();

const directory = mkdtempSync(join(tmpdir(), "lambda-init-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
for (const [signal, number] of [
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const) {
  process.once(signal, () => process.exit(128 + number));
}
try {
  await main(directory);
  process.exit(0);
} catch (error) {
  progress("");
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
