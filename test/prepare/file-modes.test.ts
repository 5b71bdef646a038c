import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { modeOf, modesIn, removeTrees, tree, warningsOf } from "./archives/file-trees.ts";

afterEach(removeTrees);

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
