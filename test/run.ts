/**
 * Everything there is to pass, in one command: types, lint and format, unit tests, both builds, end-to-end tests.
 * Its last line counts all of it: `N passed, N failed, N skipped`.
 */
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { installClients } from "./e2e/support/clients.ts";
import { installRealExtensions } from "./e2e/support/real-extensions.ts";
import { installSdkClients } from "./e2e/support/sdk-clients.ts";
import { hasNamespaces } from "./support/namespaces.ts";
import { Slots } from "./support/slots.ts";
import { findTestFiles } from "./support/test-files.ts";

const repository = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const results = await mkdtemp(`${tmpdir()}/init-test-`);
/** Where tests put their files, for all of it to be removed at the end; open to every user a test may become. */
const scratch = `${results}/tmp`;
await chmod(results, 0o755);
await mkdir(scratch);
const total = { passed: 0, failed: 0, skipped: 0 };

/** Seconds one step may take. */
const stepLimit = 600;

/** Most tests wait for processes and timers most of the time, so more run at once than there are processors. */
const slots = new Slots(2 * Math.max(2, availableParallelism()));

/**
 * With a network of its own each end-to-end file can use the ports of a container. Without, all share one network, and
 * with it the X-Ray daemon's port: then they run one after another.
 */
const e2eSlots = hasNamespaces ? slots : new Slots(1);

interface Ended {
  readonly ok: boolean;
  readonly output: string;
}

async function run(command: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = Bun.spawn([...command], {
    cwd: repository,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: stepLimit * 1000,
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { ok: code === 0, output: out + err };
}

/** A step that is one test by itself. */
async function step(name: string, command: readonly string[]): Promise<boolean> {
  const { ok, output } = await run(command);
  count(name, ok ? { passed: 1 } : { failed: 1 });
  if (!ok) console.log(output);
  return ok;
}

/** Runs test files and counts the tests in them; a file that cannot be loaded, or has no test, is a failure. */
async function bunTest(name: string, files: readonly string[], wrap: (command: string[]) => string[] = (c) => c) {
  const report = `${results}/${name.replaceAll("/", "-")}.xml`;
  const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
  const paths = files.map((file) => `./${file}`);
  const command = wrap([process.execPath, "test", "--timeout", "60000", ...reporter, ...paths]);
  const began = performance.now();
  const { ok, output } = await run(command, { TMPDIR: scratch, ...(hasNamespaces ? { E2E_OWN_NETWORK: "1" } : {}) });
  const seconds = (performance.now() - began) / 1000;
  const xml = await Bun.file(report)
    .text()
    .catch(() => "");
  const [, tests = 0, failed = 0, skipped = 0] = (
    xml.match(/<testsuites[^>]* tests="(\d+)"[^>]* failures="(\d+)"[^>]* skipped="(\d+)"/) ?? []
  ).map(Number);
  const notRun = files.filter((file) => !xml.includes(`<testsuite name="${file}"`));
  const isBroken = !ok && failed === 0 && notRun.length === 0;
  const allFailed = failed + notRun.length + (isBroken ? 1 : 0);
  count(name, { passed: tests - failed - skipped, failed: allFailed, skipped }, seconds);
  for (const [, skippedName] of xml.matchAll(/<testcase name="([^"]*)"[^>]*>\s*<skipped/g))
    console.log(`  skipped: ${skippedName}`);
  for (const file of notRun) console.log(`  no test was run in ${file}`);
  if (allFailed > 0)
    console.log(
      output
        .split("\n")
        .filter((line) => !line.startsWith("(pass)"))
        .join("\n"),
    );
}

function count(name: string, { passed = 0, failed = 0, skipped = 0 }, seconds?: number): void {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  const time = seconds === undefined ? "" : ` (${seconds.toFixed(1)} s)`;
  console.log(
    `${failed > 0 ? "FAILED" : "ok    "} ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped${time}`,
  );
}

function inOwnNetwork(command: string[]): string[] {
  return hasNamespaces ? ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", ...command] : command;
}

/** Runs one end-to-end file. Those that drive programs of others wait until these are installed. */
async function endToEnd(file: string): Promise<void> {
  const text = await Bun.file(`${repository}/${file}`).text();
  if (/support\/(browser|clients|real-extensions|sdk-clients)\.ts"/.test(text)) await installations;
  await e2eSlots.use(() => bunTest(file.replace("test/", ""), [file], inOwnNetwork));
}

if (!hasNamespaces) console.log("no namespaces here (they need root): end-to-end tests that need one are skipped");
const bin = `${repository}/node_modules/.bin`;
const found = findTestFiles(repository);
for (const file of found.stray) count(`${file} lies where no tests are run`, { failed: 1 });
for (const room of found.empty) count(`${room} has no test`, { failed: 1 });

const installations = Promise.all([installClients(), installRealExtensions(), installSdkClients()]);
const [isBuilt] = await Promise.all([
  step("build for both architectures", [process.execPath, "run", "build.ts"]),
  step("types", [`${bin}/tsc`, "--noEmit"]),
  step("lint and format", [`${bin}/biome`, "check"]),
]);

// The largest file first, as it is likely to take longest: one that begins last would be waited for alone.
const size = (file: string) => Bun.file(`${repository}/${file}`).size;
const endToEndFiles = isBuilt ? [...found.e2e].sort((a, b) => size(b) - size(a)) : [];
await Promise.all([
  ...endToEndFiles.map(endToEnd),
  ...[...found.rooms].map(([room, files]) => slots.use(() => bunTest(room, files))),
]);

const { passed, failed, skipped } = total;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
// An ordinary user cannot remove what tests left in directories without rights for anybody.
await run(["chmod", "-R", "u+rwX", results]);
await rm(results, { recursive: true, force: true });
process.exit(failed > 0 || passed === 0 ? 1 : 0);
