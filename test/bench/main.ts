/**
 * Measures the compiled binary, alone or in turn with another one that LocalStack could start in its place.
 *
 *     npm run bench                     dist/aws-lambda-rie-<arch>
 *     npm run bench -- OTHER            … and the binary OTHER, with the ratio ours / other
 *     npm run bench -- --spike          … and the spike, see spike.ts
 *     npm run bench -- --check [OTHER]  … and the last release; fails where ours costs more than rows.ts allows
 *     OTHER                             path or URL of a binary
 *     --ours BINARY                     this one instead of the one in dist
 *     --only ROW                        only this row of the table; may be given more than once
 *     --quick                           about one minute instead of five
 *     --json                            everything that was measured as JSON instead of the table
 *
 * Exits with 1 where --check fails, with 2 where nothing could be measured.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Binaries, type Binary } from "./binaries.ts";
import { findFailures } from "./check.ts";
import { describeMachine, load } from "./machine.ts";
import { canHaveNetworks, OwnNetwork, sharedNetwork } from "./network.ts";
import { fullPlan, quickPlan } from "./plan.ts";
import { toJson, toTable } from "./report.ts";
import { isRow, rowNames, rows } from "./rows.ts";
import { makeRuntime } from "./runtime-command.ts";
import { Samples } from "./samples.ts";
import { sections } from "./sections.ts";
import { SideBySide } from "./side-by-side.ts";

const { values: options, positionals } = readArguments();

function readArguments() {
  try {
    return parseArgs({
      args: process.argv.slice(2),
      allowPositionals: true,
      options: {
        check: { type: "boolean", default: false },
        spike: { type: "boolean", default: false },
        ours: { type: "string" },
        only: { type: "string", multiple: true, default: [] },
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(reason: string): never {
  console.error(`bench: ${reason}`);
  process.exit(2);
}

async function gather(directory: string): Promise<Binary[]> {
  const binaries = new Binaries(directory);
  const ours = await binaries.ours(options.ours);
  const [other] = positionals;
  if (options.spike) return [ours, await binaries.spike()];
  if (other !== undefined) return [ours, await binaries.other(other)];
  return options.check ? [ours, await binaries.lastRelease()] : [ours];
}

/** @returns the status to exit with */
async function main(directory: string): Promise<number> {
  progress("gathering the binaries");
  const binaries = await gather(directory);
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
  } else {
    console.log(`${toTable(names, figures)}\n`);
    const missing = wanted.filter((name) => !figures.some(({ row }) => row === name));
    if (missing.length > 0) console.log(`Not measured, for extensions need root: ${missing.join(", ")}.`);
    for (const { name, sha256, origin } of binaries) console.log(`${name}: ${origin}\n  SHA-256 ${sha256}`);
    console.log(`${about.machine}; runtime: ${runtime.description}.`);
    console.log(`${seconds} s; load average ${loadAtStart} at the start, ${about.load.end} at the end.`);
  }
  if (!options.check) return 0;
  const failures = findFailures(figures);
  for (const failure of failures) console.error(`bench: ${failure}`);
  console.error(
    failures.length > 0 ? `bench: ${failures.length} rows fail.` : "bench: all rows are within their margins.",
  );
  return failures.length > 0 ? 1 : 0;
}

function networksFor(binaries: readonly Binary[]): (OwnNetwork | typeof sharedNetwork)[] {
  if (canHaveNetworks()) return binaries.map(() => new OwnNetwork());
  if (binaries.length === 1) return [sharedNetwork];
  return refuse("two binaries side by side need networks of their own: run it as root, or behind `unshare -rn`");
}

/** A line that the next one takes the place of; only where somebody watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

if (positionals.length > 1 || (options.spike && positionals.length > 0)) refuse("one other binary at most");
if (options.check && options.spike) refuse("--check compares with a release, not with the spike");
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
  process.exit(await main(directory));
} catch (error) {
  progress("");
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exit(2);
}
