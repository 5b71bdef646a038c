import { afterEach, describe, expect, spyOn, test } from "bun:test";
import fs, {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { applyFileModes } from "../../src/prepare/file-modes.ts";
import { runApart } from "../process/children.ts";
import { modeOf, modesIn, removeTrees, tree, warningsOf } from "./archives/file-trees.ts";

const isRoot = process.getuid?.() === 0;

afterEach(removeTrees);

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
      for (let file = 0; file < 100; file++) writeFileSync(`${root}/${directory}/${file}`, "");
    }
    const before = process.cpuUsage();
    applyFileModes(JSON.stringify([{ path: root, mode: "0700" }]));
    const { user, system } = process.cpuUsage(before);
    // Some 50 ms of a processor; the bound only tells a walk from one that is quadratic or starts a process per file.
    expect((user + system) / 1000).toBeLessThan(3000);
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

  test("that a code archive made is not followed, wherever it stands in the path", () => {
    const outside = tree("directory/", "directory/file");
    const root = tree("own");
    symlinkSync(outside, `${root}/link`);
    for (const path of [`${root}/link`, `${root}/link/directory`]) {
      applyFileModes(JSON.stringify([{ path, mode: "700" }]), new Set([`${root}/link`]));
    }
    expect(modesIn(outside, "directory", "directory/file")).toEqual(["755", "755"]);
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
    log.warn = (...args) => void warnings.push(args.join(" "));
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);
    applyFileModes(process.env.LIST);
    tell(warnings);`,
    { env: { LIST: JSON.stringify([{ path: root, mode }]) } },
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
