/** Runs test files, counts the tests in them, and says which failed and which were skipped. */
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { hasNamespaces } from "./namespaces.ts";

export const repository = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** Seconds one step may take. */
const stepLimit = 600;

export interface Ended {
  readonly ok: boolean;
  readonly output: string;
}

export interface FileOptions {
  /** Makes the command to run of the one that runs the tests. */
  readonly wrap?: (command: string[]) => string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds a test may take that says nothing else. */
  readonly testLimit?: number;
}

export class Runner {
  readonly total = { passed: 0, failed: 0, skipped: 0 };

  private constructor(private readonly results: string) {}

  static async start(): Promise<Runner> {
    const results = await mkdtemp(`${tmpdir()}/init-test-`);
    await chmod(results, 0o755);
    const runner = new Runner(results);
    await mkdir(runner.scratch);
    return runner;
  }

  /** Where tests put their files, for all of it to be removed at the end; open to every user a test may become. */
  private get scratch(): string {
    return `${this.results}/tmp`;
  }

  async run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
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
  async step(name: string, command: readonly string[]): Promise<boolean> {
    const { ok, output } = await this.run(command);
    this.count(name, ok ? { passed: 1 } : { failed: 1 });
    if (!ok) console.log(output);
    return ok;
  }

  /** Runs test files and counts the tests in them; a file that cannot be loaded, or has no test, is a failure. */
  async bunTest(name: string, files: readonly string[], options: FileOptions = {}): Promise<void> {
    const { wrap = (command: string[]) => command, env = {}, testLimit = 60_000 } = options;
    const report = `${this.results}/${name.replaceAll("/", "-")}.xml`;
    const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
    const paths = files.map((file) => `./${file}`);
    const command = wrap([process.execPath, "test", "--timeout", String(testLimit), ...reporter, ...paths]);
    const began = performance.now();
    const { ok, output } = await this.run(command, {
      TMPDIR: this.scratch,
      ...(hasNamespaces ? { E2E_OWN_NETWORK: "1" } : {}),
      ...env,
    });
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
    this.count(name, { passed: tests - failed - skipped, failed: allFailed, skipped }, seconds);
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

  count(name: string, { passed = 0, failed = 0, skipped = 0 }, seconds?: number): void {
    this.total.passed += passed;
    this.total.failed += failed;
    this.total.skipped += skipped;
    const time = seconds === undefined ? "" : ` (${seconds.toFixed(1)} s)`;
    console.log(
      `${failed > 0 ? "FAILED" : "ok    "} ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped${time}`,
    );
  }

  /** Says how many passed in one line and clears up. @returns the exit status */
  async end(): Promise<number> {
    const left = await readdir(this.scratch);
    if (left.length > 0) this.count(`left behind by tests: ${left.join(", ")}`, { failed: 1 });
    const { passed, failed, skipped } = this.total;
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    // An ordinary user cannot remove what tests left in directories without rights for anybody.
    await this.run(["chmod", "-R", "u+rwX", this.results]);
    await rm(this.results, { recursive: true, force: true });
    return failed > 0 || passed === 0 ? 1 : 0;
  }
}

/** With a network of its own each end-to-end file can use the ports of a container. */
export function inOwnNetwork(command: string[]): string[] {
  return hasNamespaces ? ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", ...command] : command;
}

/** The largest first, as it is likely to take longest: one that begins last would be waited for alone. */
export function largestFirst(files: readonly string[]): string[] {
  const size = (file: string) => Bun.file(`${repository}/${file}`).size;
  return [...files].sort((a, b) => size(b) - size(a));
}
