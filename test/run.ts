/**
 * Everything there is to pass, in one command: types, lint and format, unit tests, both builds, end-to-end tests.
 * Its last line counts all of it: `N passed, N failed, N skipped`.
 */
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { installClients } from "./e2e/support/clients.ts";
import { installRealExtensions } from "./e2e/support/real-extensions.ts";

const repository = new URL("..", import.meta.url).pathname;
const isRoot = process.getuid?.() === 0;
const results = await mkdtemp(`${tmpdir()}/init-test-`);
/** Where tests put their files, for all of it to be removed at the end; open to every user a test may become. */
const scratch = `${results}/tmp`;
await chmod(results, 0o755);
await mkdir(scratch);
const total = { passed: 0, failed: 0, skipped: 0 };

/** Seconds one step may take. */
const stepLimit = 600;

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
async function step(name: string, command: readonly string[]): Promise<void> {
  const { ok, output } = await run(command);
  count(name, ok ? { passed: 1 } : { failed: 1 });
  if (!ok) console.log(output);
}

/** Runs test files and counts the tests in them; a file that cannot be loaded, or has no test, is a failure. */
async function bunTest(name: string, files: readonly string[], wrap: (command: string[]) => string[] = (c) => c) {
  const report = `${results}/${name.replaceAll("/", "-")}.xml`;
  const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
  const command = wrap([process.execPath, "test", "--timeout", "60000", ...reporter, ...files]);
  const { ok, output } = await run(command, { TMPDIR: scratch, ...(isRoot ? { E2E_OWN_NETWORK: "1" } : {}) });
  const xml = await Bun.file(report)
    .text()
    .catch(() => "");
  const [, tests = 0, failed = 0, skipped = 0] = (
    xml.match(/<testsuites[^>]* tests="(\d+)"[^>]* failures="(\d+)"[^>]* skipped="(\d+)"/) ?? []
  ).map(Number);
  const isBroken = tests === 0 || (!ok && failed === 0);
  count(name, { passed: tests - failed - skipped, failed: failed + (isBroken ? 1 : 0), skipped });
  for (const [, skippedName] of xml.matchAll(/<testcase name="([^"]*)"[^>]*>\s*<skipped/g))
    console.log(`  skipped: ${skippedName}`);
  if (!ok || isBroken)
    console.log(
      output
        .split("\n")
        .filter((line) => !line.startsWith("(pass)"))
        .join("\n"),
    );
}

function count(name: string, { passed = 0, failed = 0, skipped = 0 }): void {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  console.log(`${failed > 0 ? "FAILED" : "ok    "} ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}

/** As root each end-to-end file has a network of its own, so that all can use the ports of a container. */
function inOwnNetwork(command: string[]): string[] {
  return isRoot ? ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", ...command] : command;
}

const bin = `${repository}node_modules/.bin`;
const installations = Promise.all([installClients(), installRealExtensions()]);
await step("types", [`${bin}/tsc`, "--noEmit"]);
await step("lint and format", [`${bin}/biome`, "check"]);
await step("build for both architectures", [process.execPath, "run", "build.ts"]);

const rooms = (await readdir(`${repository}test`, { withFileTypes: true }))
  .map((entry) => (entry.isDirectory() ? `./test/${entry.name}/` : `./test/${entry.name}`))
  .filter(
    (path) =>
      path.endsWith(".test.ts") ||
      /\/(environment|frontend|hot-reload|net|prepare|process|runtime-api|settings|telemetry|xray)\/$/.test(path),
  );
await bunTest("unit tests", rooms);

const files = (await readdir(`${repository}test/e2e`)).filter((file) => file.endsWith(".test.ts")).sort();
await installations;
const queue = [...files];
const worker = async () => {
  for (let file = queue.shift(); file; file = queue.shift())
    await bunTest(`e2e/${file}`, [`./test/e2e/${file}`], inOwnNetwork);
};
// Without namespaces the files share one network, and with it the range of free ports: one after another is safe.
await Promise.all(Array.from({ length: isRoot ? Math.max(2, availableParallelism()) : 1 }, worker));

const { passed, failed, skipped } = total;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
await rm(results, { recursive: true, force: true });
process.exit(failed > 0 || passed === 0 ? 1 : 0);
