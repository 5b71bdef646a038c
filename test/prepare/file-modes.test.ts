import { afterEach, describe, expect, spyOn, test } from "bun:test";
import * as fs from "node:fs";
import {
  chmodSync,
  chownSync,
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { log } from "../../src/log.ts";
import { applyFileModes } from "../../src/prepare/file-modes.ts";
import { runApart } from "../process/children.ts";

const isRoot = process.getuid?.() === 0;
const roots: string[] = [];

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

/** A new directory with these files in it; a name that ends in a slash is a directory. All start as 0755. */
function tree(...names: string[]): string {
  const root = mkdtempSync(`${tmpdir()}/init-file-modes-`);
  roots.push(root);
  chmodSync(root, 0o755);
  for (const name of names) {
    if (name.endsWith("/")) mkdirSync(`${root}/${name}`);
    else writeFileSync(`${root}/${name}`, "");
    chmodSync(`${root}/${name}`, 0o755);
  }
  return root;
}

function modeOf(path: string): string {
  return (lstatSync(path).mode & 0o7777).toString(8);
}

function modesIn(root: string, ...names: string[]): string[] {
  return names.map((name) => modeOf(`${root}/${name}`));
}

/** Applies a list and tells the warnings it caused. */
function warningsOf(list: unknown): string[] {
  const warn = spyOn(log, "warn").mockImplementation((() => {}) as never);
  try {
    applyFileModes(typeof list === "string" ? list : JSON.stringify(list));
    return warn.mock.calls.map((args) => args.join(" "));
  } finally {
    warn.mockRestore();
  }
}

describe("the mode", () => {
  test.each([
    ["644", "644"],
    ["0700", "700"],
    ["0o640", "640"],
    ["0O640", "640"],
    ["01777", "1777"],
    ["4755", "4755"],
    ["2750", "2750"],
    ["0", "0"],
    [755, "755"],
    [1777, "1777"],
  ])("%p is octal", (mode, becomes) => {
    const path = `${tree("file")}/file`;
    chmodSync(path, 0o111);
    expect(warningsOf([{ path, mode }])).toEqual([]);
    expect(modeOf(path)).toBe(becomes);
  });

  test.each([
    "",
    "8",
    "0x1ed",
    "rwx",
    "-755",
    " 755",
    "755\n",
    "10000",
    "0o",
    493,
    -1,
    7.5,
    null,
    undefined,
    [["755"]],
  ])("%p is refused: a warning tells what is allowed, the other entries count", (mode) => {
    const root = tree("a", "b", "c");
    const warnings = warningsOf([
      { path: `${root}/a`, mode: "600" },
      { path: `${root}/b`, mode },
      { path: `${root}/c`, mode: "600" },
    ]);
    expect(modesIn(root, "a", "b", "c")).toEqual(["600", "755", "600"]);
    expect(warnings).toEqual([
      `LOCALSTACK_CHMOD_PATHS: entry 2, ${JSON.stringify({ path: `${root}/b`, mode })}, is left out: ` +
        'its mode must be octal digits, 0 to 7777, such as "755", "0755" or "0o755"',
    ]);
  });
});

describe("a list", () => {
  test.each(["", "[", "{}", "null", '"[]"', "755"])("that is %j is one warning", (text) => {
    expect(warningsOf(text)).toEqual([
      `LOCALSTACK_CHMOD_PATHS: the value ${text} is left out: it must be a JSON list of {"path": "…", "mode": "…"}`,
    ]);
  });

  test("without entries does nothing and says nothing", () => {
    expect(warningsOf("[]")).toEqual([]);
  });

  test("takes entries in their order: the last one wins", () => {
    const root = tree("a/", "a/b");
    warningsOf([
      { path: root, mode: "700" },
      { path: `${root}/a`, mode: "750" },
    ]);
    expect([modeOf(root), ...modesIn(root, "a", "a/b")]).toEqual(["700", "750", "750"]);
  });

  test.each([
    null,
    5,
    "x",
    [[]],
    { mode: "755" },
    { path: "", mode: "755" },
    { path: 7, mode: "755" },
    { path: "a\0b" },
  ])("passes over %j", (entry) => {
    const path = `${tree("file")}/file`;
    const warnings = warningsOf([entry, { path, mode: "600" }]);
    expect(modeOf(path)).toBe("600");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^LOCALSTACK_CHMOD_PATHS: entry 1, .* is left out: (it|its path) must be /);
  });

  test("passes over a path that does not exist, with one warning that names it", () => {
    const root = tree("file");
    const warnings = warningsOf([
      { path: `${root}/none/at all`, mode: "600" },
      { path: `${root}/file`, mode: "600" },
    ]);
    expect(modesIn(root, "file")).toEqual(["600"]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`${root}/none/at all`);
    expect(warnings[0]).toContain("ENOENT");
  });

  test("cannot flood the log by one long entry", () => {
    const [warning] = warningsOf([{ path: "/", mode: "x".repeat(100_000) }]);
    expect(warning?.length).toBeLessThan(500);
  });
});

describe("a tree", () => {
  test("gets the mode from its top to its last file and directory", () => {
    const root = tree("a", "d/", "d/b", "d/e/", "d/e/c", "empty/", ".hidden");
    expect(warningsOf([{ path: root, mode: "1770" }])).toEqual([]);
    const names = ["", "a", "d", "d/b", "d/e", "d/e/c", "empty", ".hidden"];
    expect(modesIn(root, ...names)).toEqual(names.map(() => "1770"));
  });

  test("is left alone where the modes are right already", () => {
    const root = tree("right", "wrong");
    chmodSync(`${root}/right`, 0o750);
    const changedAt = () => lstatSync(`${root}/right`, { bigint: true }).ctimeNs;
    const before = changedAt();
    warningsOf([{ path: root, mode: "750" }]);
    expect(changedAt()).toBe(before);
    expect(modesIn(root, "wrong")).toEqual(["750"]);
  });

  test("may hold names that are not UTF-8", () => {
    const root = tree();
    const name = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0xfe])]);
    writeFileSync(name, "");
    expect(warningsOf([{ path: root, mode: "711" }])).toEqual([]);
    expect(lstatSync(name).mode & 0o7777).toBe(0o711);
  });

  test("of ten thousand files is done in one go", () => {
    const root = tree();
    for (let directory = 0; directory < 100; directory++) {
      mkdirSync(`${root}/${directory}`);
      for (let file = 0; file < 100; file++) closeSync(openSync(`${root}/${directory}/${file}`, "w"));
    }
    const start = performance.now();
    applyFileModes(JSON.stringify([{ path: root, mode: "0700" }]));
    // Some 50 ms here; the bound only tells a walk from one that is quadratic or starts a process per file.
    expect(performance.now() - start).toBeLessThan(3000);
    const modes = readdirSync(root, { recursive: true, encoding: "utf8" }).map((name) => modeOf(`${root}/${name}`));
    expect(modes).toHaveLength(10_100);
    expect(new Set(modes)).toEqual(new Set(["700"]));
  });
});

describe("a link", () => {
  test("below the path is not followed, to a file, a directory, or nowhere", () => {
    const outside = tree("file", "directory/", "directory/file");
    const root = tree("own", "z");
    symlinkSync(`${outside}/file`, `${root}/to-file`);
    symlinkSync(`${outside}/directory`, `${root}/to-directory`);
    symlinkSync(`${outside}/none`, `${root}/to-nowhere`);
    symlinkSync(root, `${root}/to-itself`);
    expect(warningsOf([{ path: root, mode: "700" }])).toEqual([]);
    expect(modesIn(outside, "file", "directory", "directory/file")).toEqual(["755", "755", "755"]);
    expect(modesIn(root, "own", "z")).toEqual(["700", "700"]);
  });

  test("as the listed path stands for what it leads to", () => {
    const outside = tree("directory/", "directory/file");
    const root = tree("own");
    symlinkSync(`${outside}/directory`, `${root}/link`);
    expect(warningsOf([{ path: `${root}/link`, mode: "700" }])).toEqual([]);
    expect(modesIn(outside, "", "directory", "directory/file")).toEqual(["755", "700", "700"]);
    expect(modesIn(root, "own")).toEqual(["755"]);
  });
});

/** Applies one entry as a user without root's rights, who owns the tree. @returns the warnings */
function warningsOfUser(root: string, mode: string): Promise<unknown> {
  return runApart(
    `
    const { applyFileModes } = await source("prepare/file-modes.ts");
    const { log } = await source("log.ts");
    const warnings = [];
    log.setReporters([{ log: ({ args }) => warnings.push(args.join(" ")) }]);
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);
    applyFileModes(process.env.LIST);
    tell(warnings);`,
    { LIST: JSON.stringify([{ path: root, mode }]) },
  );
}

describe.skipIf(!isRoot)("without root's rights (the test needs root)", () => {
  function treeOfUser(...names: string[]): string {
    const root = tree(...names);
    for (const name of ["", ...names]) chownSync(`${root}/${name}`, 65534, 65534);
    return root;
  }

  test("a tree is walked to its end although the mode closes its directories", async () => {
    const root = treeOfUser("d/", "d/e/", "d/e/file");
    expect(await warningsOfUser(root, "0600")).toEqual([]);
    expect(modesIn(root, "", "d", "d/e", "d/e/file")).toEqual(["600", "600", "600", "600"]);
  });

  test("a tree is walked to its end although its directories were closed, when the mode opens them", async () => {
    const root = treeOfUser("d/", "d/e/", "d/e/file");
    for (const name of ["d/e/file", "d/e", "d", ""]) chmodSync(`${root}/${name}`, 0);
    expect(await warningsOfUser(root, "0755")).toEqual([]);
    expect(modesIn(root, "", "d", "d/e", "d/e/file")).toEqual(["755", "755", "755", "755"]);
  });

  test("what cannot be changed is one warning for each entry, and the rest is changed", async () => {
    const root = treeOfUser("a", "b", "c", "d/");
    for (const name of ["a", "c", "d"]) chownSync(`${root}/${name}`, 0, 0);
    const warnings = (await warningsOfUser(root, "0700")) as string[];
    expect(modesIn(root, "", "a", "b", "c", "d")).toEqual(["700", "755", "700", "755", "755"]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^LOCALSTACK_CHMOD_PATHS: entry 1, .* is not complete: EPERM: .*init-file-modes-/);
    expect(warnings[0]).toEndWith(` (and 2 more below ${root})`);
  });
});

test("a file that vanishes during the walk is no fault", () => {
  const root = tree("d/", "d/file");
  // The walk sees the directory, then finds it gone when it asks for its names or its files.
  const readDirectory = spyOn(fs, "readdirSync").mockImplementation(((path: string) => {
    readDirectory.mockRestore();
    const names = fs.readdirSync(path, "buffer");
    rmSync(`${root}/d`, { recursive: true });
    return names;
  }) as never);
  expect(warningsOf([{ path: root, mode: "700" }])).toEqual([]);
  expect(modesIn(root, "")).toEqual(["700"]);
  expect(readdirSync(root)).toEqual([]);
});
