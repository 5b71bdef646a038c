import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { log } from "../../src/log.ts";
import { areExtensionsEnabled, findExtensions } from "../../src/prepare/extension-files.ts";

let directory: string;
let errors: { mockRestore(): void; mock: { calls: unknown[][] } };

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/init-extensions-`);
  errors = spyOn(log, "error").mockImplementation(Object.assign(() => {}, { raw() {} }));
});
afterEach(() => {
  errors.mockRestore();
  rmSync(directory, { recursive: true });
});

function touch(...names: string[]): void {
  for (const name of names) writeFileSync(`${directory}/${name}`, "");
}

const names = () => findExtensions(directory).map(({ name }) => name);

describe("extensions", () => {
  test("have the name of their file, and its whole path", () => {
    touch("a.sh");
    expect(findExtensions(directory)).toEqual([{ name: "a.sh", path: `${directory}/a.sh` }]);
  });

  test("come in byte order, not in that of any language, nor of UTF-16", () => {
    touch("b", "a", "B", "a.b", "10", "9", "ä", "é", "_", "~", "a b", "\uffee", "😀", ".hidden");
    expect(names()).toEqual([".hidden", "10", "9", "B", "_", "a", "a b", "a.b", "b", "~", "ä", "é", "\uffee", "😀"]);
  });

  test("are files whose names begin with a dot, too", () => {
    touch(".a", "..b");
    expect(names()).toEqual(["..b", ".a"]);
  });

  test("are links too, whatever they lead to", () => {
    touch("file");
    mkdirSync(`${directory}/dir`);
    symlinkSync("file", `${directory}/to-file`);
    symlinkSync("dir", `${directory}/to-directory`);
    symlinkSync("missing", `${directory}/to-nothing`);
    expect(names()).toEqual(["file", "to-directory", "to-file", "to-nothing"]);
  });

  test("are not directories, nor what lies in them", () => {
    mkdirSync(`${directory}/dir`);
    writeFileSync(`${directory}/dir/inner`, "");
    mkdirSync(`${directory}/.dir`);
    expect(names()).toEqual([]);
  });

  test("need not be executable, for starting them tells", () => {
    writeFileSync(`${directory}/plain`, "", { mode: 0o444 });
    expect(names()).toEqual(["plain"]);
  });

  test("are looked for anew each time", () => {
    expect(names()).toEqual([]);
    touch("a");
    expect(names()).toEqual(["a"]);
  });
});

describe("there are none", () => {
  test("where there is no directory, and nothing is said of it", () => {
    expect(findExtensions(`${directory}/missing`)).toEqual([]);
    expect(errors.mock.calls).toEqual([]);
  });

  // Root reads any directory: what cannot be listed for other reasons stands for one that may not be read.
  test.each([
    ["a file", (path: string) => writeFileSync(path, "")],
    ["a link to itself", (path: string) => symlinkSync("here", path)],
  ])("where the directory is %s, and an error is logged", (_, make) => {
    make(`${directory}/here`);
    expect(findExtensions(`${directory}/here`)).toEqual([]);
    expect(errors.mock.calls).toEqual([
      [expect.stringContaining(`the extensions in ${directory}/here cannot be listed, none is started: `)],
    ]);
  });
});

describe("extensions are switched off", () => {
  test("where the switch file is, of whatever type", () => {
    expect(areExtensionsEnabled(`${directory}/switch`)).toBe(true);
    touch("switch");
    expect(areExtensionsEnabled(`${directory}/switch`)).toBe(false);
    mkdirSync(`${directory}/other`);
    expect(areExtensionsEnabled(`${directory}/other`)).toBe(false);
  });

  test("not by default", () => {
    expect(areExtensionsEnabled()).toBe(true);
  });
});
