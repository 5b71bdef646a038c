/**
 * Measures the compiled binary, alone or in turn with another one that LocalStack could start in its place.
 *
 *     npm run bench                     dist/aws-lambda-rie-<arch>
 *     npm run bench -- OTHER            … and the binary OTHER, with the ratio ours / other
 *     npm run bench -- --spike          … and the spike, see spike.ts
 *     --ours BINARY                     this one instead of the one in dist
 *     --only ROW                        only this row of the table; may be given more than once
 *     --quick                           about one minute instead of five
 *     --json                            everything that was measured as JSON instead of the table
 */
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { buildSpike } from "./build-spike.ts";
import { describeMachine, hashOf, load } from "./machine.ts";
import { canHaveNetworks, OwnNetwork, sharedNetwork } from "./network.ts";
import { fullPlan, quickPlan } from "./plan.ts";
import { toJson, toTable } from "./report.ts";
import { isRow, rowNames, rows } from "./rows.ts";
import { makeRuntime } from "./runtime-command.ts";
import { Samples } from "./samples.ts";
import { sections } from "./sections.ts";
import { SideBySide } from "./side-by-side.ts";

const { values: options, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    spike: { type: "boolean", default: false },
    ours: { type: "string" },
    only: { type: "string", multiple: true, default: [] },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

interface Binary {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
}

function refuse(reason: string): never {
  console.error(`bench: ${reason}`);
  process.exit(2);
}

async function main(directory: string): Promise<void> {
  const binaries = [await binaryOf("ours", ours, directory)];
  const [other] = positionals;
  if (options.spike) {
    const built = join(directory, "built");
    await buildSpike(built);
    binaries.push(await binaryOf("spike", built, directory));
  } else if (other !== undefined) {
    const name = basename(other);
    binaries.push(await binaryOf(name === "ours" ? "other" : name, other, directory));
  }

  const loadAtStart = load();
  const startedAt = performance.now();
  const runtime = makeRuntime(directory);
  const paths = binaries.map(({ path }) => path);
  const sideBySide = new SideBySide(paths, runtime.command, networksFor(binaries));
  const samples = new Samples();
  const bench = { plan: options.quick ? quickPlan : fullPlan, sideBySide, samples };
  for (const section of new Set(wanted.map((row) => rows[row].section))) {
    progress(section);
    await sections[section](bench);
  }
  progress("");
  await sideBySide.end();

  const figures = samples.figures().filter(({ row }) => wanted.includes(row));
  const names = binaries.map(({ name }) => name);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const about = { seconds, machine: describeMachine(), load: { start: loadAtStart, end: load() } };
  if (options.json) {
    console.log(toJson(names, figures, { ...about, runtime: runtime.description, plan: bench.plan, binaries }));
    return;
  }
  console.log(`${toTable(names, figures)}\n`);
  for (const { name, sha256 } of binaries) console.log(`${name}: SHA-256 ${sha256}`);
  console.log(`${about.machine}; runtime: ${runtime.description}.`);
  console.log(`${seconds} s; load average ${loadAtStart} at the start, ${about.load.end} at the end.`);
}

/**
 * All binaries are copied the same way first: how a file came into the page cache decides how much of it the kernel
 * maps at once, and thereby some MB of the resident memory.
 */
async function binaryOf(name: string, file: string, directory: string): Promise<Binary> {
  const path = join(directory, name);
  copyFileSync(file, path);
  chmodSync(path, 0o755);
  return { name, path, sha256: await hashOf(path) };
}

function networksFor(binaries: readonly Binary[]): (OwnNetwork | typeof sharedNetwork)[] {
  if (canHaveNetworks()) return binaries.map(() => new OwnNetwork());
  if (binaries.length === 1) return [sharedNetwork];
  return refuse("two binaries side by side need networks of their own: run it as root, or behind `unshare -r`");
}

/** A line that the next one takes the place of; only where somebody watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

const arch = process.arch === "arm64" ? "arm64" : "x86_64";
const ours = options.ours ?? join(import.meta.dir, `../../dist/aws-lambda-rie-${arch}`);
if (positionals.length > 1 || (options.spike && positionals.length > 0)) refuse("one other binary at most");
if (!existsSync(ours)) refuse(`${ours} does not exist: build it with \`npm run build -- --host\``);
for (const other of positionals) if (!existsSync(other)) refuse(`${other} does not exist`);
for (const name of options.only) if (!isRow(name)) refuse(`--only ${name}: the rows are ${rowNames.join(", ")}`);
const wanted = options.only.length > 0 ? options.only.filter(isRow) : rowNames;

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
