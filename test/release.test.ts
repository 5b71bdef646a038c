/** Checksums, the second build, the text of a hosted release, and the workflow files that make one. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { releaseNotes } from "../.ci/release/changelog.ts";
import { checksums, checksumsText } from "../.ci/release/checksums.ts";
import { writeSbomAndChecksums } from "../.ci/release/release.ts";
import { compare } from "../.ci/release/reproduce.ts";

describe("checksums", () => {
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(`${tmpdir()}/init-checksums-`);
    for (const file of ["b", "a", "with space", "empty"]) writeFileSync(`${directory}/${file}`, file.repeat(100_000));
    writeFileSync(`${directory}/empty`, "");
    const sums = await checksums(directory, ["b", "a", "with space", "empty"]);
    writeFileSync(`${directory}/SHA256SUMS`, checksumsText(sums));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const check = () => Bun.spawnSync(["sha256sum", "--strict", "-c", "SHA256SUMS"], { cwd: directory });

  test("stand in the order of names, and sha256sum -c finds them right", () => {
    const { exitCode, stdout } = check();
    expect(stdout.toString()).toBe("a: OK\nb: OK\nempty: OK\nwith space: OK\n");
    expect(exitCode).toBe(0);
  });

  test("of a file with another byte are wrong", () => {
    writeFileSync(`${directory}/empty`, "x");
    const { exitCode, stdout } = check();
    expect(exitCode).toBe(1);
    expect(stdout.toString()).toContain("empty: FAILED");
  });
});

test("two builds are compared file by file", () => {
  const text = (sums: Record<string, string>) =>
    checksumsText(new Map(Object.entries(sums).map(([name, digit]) => [name, digit.repeat(64)])));
  expect(compare(text({ a: "0", "b c": "1" }), text({ a: "0", "b c": "1" }))).toEqual([]);
  expect(compare(text({ a: "0", "b c": "1" }), text({ a: "0", "b c": "2" }))).toEqual(["b c"]);
  expect(compare(text({ a: "0", b: "1" }), text({ b: "1", c: "3" }))).toEqual(["a", "c"]);
});

test("a release with packages from outside is refused: its bytes would depend on where they lie", async () => {
  const inputs = { "src/main.ts": {}, "../elsewhere/node_modules/hono/index.js": {} };
  expect(writeSbomAndChecksums("/nowhere", inputs, [])).rejects.toThrow(
    "../elsewhere/node_modules/hono/index.js is not",
  );
});

describe("the text of a hosted release", () => {
  const changelog = `# Changelog

## 1.2.3 (2026-11-25)

- One.
- Two.

## 1.2.2

- Before.
`;

  test("is the changelog's section", () => {
    expect(releaseNotes(changelog, "1.2.3", "v1.2.3")).toBe("- One.\n- Two.\n");
    expect(releaseNotes(changelog, "1.2.2", "v1.2.2")).toBe("- Before.\n");
  });

  test.each([
    ["1.2.3", "v1.2.4", "the tag is v1.2.4, the version in package.json 1.2.3"],
    ["1.2.3", "1.2.3", "the tag is 1.2.3, the version"],
    ["1.2.3", "", "the tag is , the version"],
    ["1.2", "v1.2", "the changelog has no section 1.2"],
    ["1.2.30", "v1.2.30", "the changelog has no section 1.2.30"],
  ])("version %s with the tag %s is refused", (version, tag, message) => {
    expect(() => releaseNotes(changelog, version, tag)).toThrow(message);
  });

  test("one that is still unreleased is refused", () => {
    const unreleased = changelog.replace("2026-11-25", "unreleased");
    expect(() => releaseNotes(unreleased, "1.2.3", "v1.2.3")).toThrow('the changelog says "1.2.3 (unreleased)"');
  });
});

describe("workflow files", () => {
  const folder = new URL("../.github/workflows/", import.meta.url).pathname;
  const files = readdirSync(folder).filter((file) => file.endsWith(".yml"));

  interface Job {
    readonly steps?: readonly { readonly uses?: string; readonly run?: string; readonly with?: object }[];
    readonly permissions?: Readonly<Record<string, string>>;
    readonly "timeout-minutes"?: number;
    readonly uses?: string;
  }
  interface Workflow {
    readonly permissions?: Readonly<Record<string, string>>;
    readonly jobs: Readonly<Record<string, Job>>;
  }
  const parsed = files.map((file): [string, Workflow] => [
    file,
    Bun.YAML.parse(readFileSync(`${folder}${file}`, "utf8")) as Workflow,
  ]);

  test("there is one for every change and one for releases", () => {
    expect(files.sort()).toEqual(["release.yml", "test.yml"]);
  });

  test.each(parsed)("%s: actions are pinned by commit, with the version beside it", (file, workflow) => {
    const text = readFileSync(`${folder}${file}`, "utf8");
    const used = Object.values(workflow.jobs).flatMap(({ steps }) => steps?.flatMap(({ uses }) => uses ?? []) ?? []);
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
    const lines = text.split("\n").filter((line) => /\buses: (?!\.\/)/.test(line));
    expect(lines.length).toBe(used.length);
    for (const line of lines) expect(line).toMatch(/ # v\d+\.\d+\.\d+$/);
  });

  test.each(parsed)("%s: nothing may be written but where a release is made", (_file, workflow) => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    const writing = Object.entries(workflow.jobs).filter(([, { permissions = {} }]) =>
      Object.values(permissions).includes("write"),
    );
    expect(writing.map(([name]) => name).filter((name) => name !== "release")).toEqual([]);
  });

  test.each(parsed)("%s: every job that runs something has a limit", (_file, workflow) => {
    for (const { uses, "timeout-minutes": minutes } of Object.values(workflow.jobs)) {
      if (uses === undefined) expect(minutes).toBeGreaterThan(0);
    }
  });
});
