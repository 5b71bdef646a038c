/** The imports of `src/` are those that docs/architecture.md allows. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { findCircles, importsOf, isAllowed, namedFromBun, readImportTable, roomOf } from "./support/imports.ts";
import { findTestFiles } from "./support/test-files.ts";

const repository = new URL("..", import.meta.url).pathname;

/** Imports that stand against the table today. Nothing is to be added here. */
const exceptions: readonly string[] = [];

/** Circles that stand today, each with its files in alphabetical order. Nothing is to be added here. */
const circles: readonly string[] = [];

const files = (readdirSync(`${repository}src`, { recursive: true }) as string[])
  .filter((file) => /\.tsx?$/.test(file))
  .sort();
const imports = new Map(files.map((file) => [file, importsOf(file, readFileSync(`${repository}src/${file}`, "utf8"))]));
const table = readImportTable(readFileSync(`${repository}docs/architecture.md`, "utf8"));

describe("the table of rooms in docs/architecture.md", () => {
  test("has a row for each room, and no other", () => {
    expect([...table.keys()].sort()).toEqual([...new Set(files.map(roomOf))].sort());
  });

  test("allows every import between rooms", () => {
    const forbidden = [...imports].flatMap(([file, targets]) =>
      targets.filter((target) => !isAllowed(table, file, target)).map((target) => `${file} imports ${target}`),
    );
    expect(forbidden).toEqual([...exceptions]);
  });
});

test("no file of src/ imports itself through others", () => {
  expect(findCircles(imports)).toEqual([...circles]);
});

test("the modules of Bun that a start needs are imported as a whole: by their names they cost it a twelfth", () => {
  const needed = ["node:fs", "node:path", "node:buffer", "bun:ffi"];
  const named = files.flatMap((file) =>
    namedFromBun(readFileSync(`${repository}src/${file}`, "utf8"))
      .filter((from) => needed.includes(from))
      .map((from) => `${file}: ${from}`),
  );
  expect(named).toEqual([]);
});

test("what is imported exists", () => {
  const missing = [...imports].flatMap(([file, targets]) =>
    targets.filter((target) => !existsSync(`${repository}src/${target}`)).map((target) => `${file}: ${target}`),
  );
  expect(missing).toEqual([]);
});

test("every folder of tests has the name of a folder of src/", () => {
  const tested = [...findTestFiles(repository.replace(/\/$/, "")).rooms.keys()].filter((room) => room !== "test");
  const folders = new Set(files.map((file) => file.split("/")[0]));
  expect(tested.filter((room) => !folders.has(room.slice("test/".length)))).toEqual([]);
});

describe("what these tests can see", () => {
  test.each([
    ['import { readFileSync } from "node:fs";', ["node:fs"]],
    ['import {\n  a,\n  type B,\n} from "bun:ffi";', ["bun:ffi"]],
    ['import fs, { readFileSync } from "node:fs";', ["node:fs"]],
    ['import fs, { type Stats } from "node:fs";', []],
    ['import type { Stats } from "node:fs";', []],
    ['import { type Stats, type Dir } from "node:fs";', []],
    ['import fs from "node:fs";', []],
    ['import { x } from "./x.ts";', []],
  ])("values by name: %j", (text, from) => {
    expect(namedFromBun(text)).toEqual(from);
  });

  test("imports of every form, of types too", () => {
    const text = `import a from "./a.ts";
import {
  type B,
  b,
} from "../other/b.ts";
import type { C } from "./deep/c.ts";
export { d } from "./d.ts";
import "./e.ts";
const f = await import("./f.ts");
import { g } from "package";
import version from "../../package.json";
export const h = "./h.ts";
`;
    expect(importsOf("room/file.ts", text)).toEqual([
      "room/a.ts",
      "other/b.ts",
      "room/deep/c.ts",
      "room/d.ts",
      "room/e.ts",
      "room/f.ts",
    ]);
  });

  const page = `
| room | what lives there | may import |
|---|---|---|
| \`main.ts\` | all of it | everything |
| \`up/\`, \`frontend/x/\` | two | \`down/\`, \`side/file.ts\` |
| \`down/\` | one | |
`;

  test.each([
    ["up/a.ts", "down/deep/b.ts", true],
    ["up/a.ts", "up/b.ts", true],
    ["up/a.ts", "clock.ts", true],
    ["up/a.ts", "side/file.ts", true],
    ["up/a.ts", "side/file.ts.ts", false],
    ["up/a.ts", "side/other.ts", false],
    ["up/a.ts", "downstairs/a.ts", false],
    ["frontend/x/a.ts", "down/b.ts", true],
    ["frontend/x/a.ts", "frontend/y/b.ts", false],
    ["down/b.ts", "up/a.ts", false],
    ["down/b.ts", "main.ts", false],
    ["main.ts", "up/a.ts", true],
    ["unknown/a.ts", "down/b.ts", false],
  ])("%s imports %s: allowed %p", (file, target, allowed) => {
    expect(isAllowed(readImportTable(page), file, target)).toBe(allowed);
  });

  test("circles of two, of three, and of a file with itself; none where paths only meet", () => {
    const edges = (text: string) =>
      new Map(text.split(" ").map((edge) => [edge.split(":")[0] as string, (edge.split(":")[1] ?? "").split(",")]));
    expect(findCircles(edges("a:b b:a"))).toEqual(["a b"]);
    expect(findCircles(edges("a:b b:c c:a d:a"))).toEqual(["a b c"]);
    expect(findCircles(edges("a:a b:a"))).toEqual(["a"]);
    expect(findCircles(edges("a:b,c b:d c:d d:"))).toEqual([]);
  });

  test("a page without the table", () => {
    expect(() => readImportTable("# Architecture\n")).toThrow("no table with the head");
  });
});
