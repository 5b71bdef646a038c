import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { isOfSavedEvents, readSavedName, SavedEvents } from "../../../../src/frontend/emulator/page/saved-events.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/init-saved-`);
  file = `${directory}/lambda-events.json`;
});
afterEach(() => rmSync(directory, { recursive: true }));

const contents = () => readFileSync(file, "utf8");

describe("saved events", () => {
  test("are none without a file, and make none", async () => {
    expect(await new SavedEvents(file).list()).toEqual({ file, events: [] });
    expect(readdirSync(directory)).toEqual([]);
  });

  test("are a file to be read and committed", async () => {
    const saved = new SavedEvents(file);
    await saved.save("order", '{"item":"tea","n":12345678901234567890,"x":1.0}');
    await saved.save("empty", "{}");
    expect(contents()).toBe(
      '{\n  "order": {\n    "item": "tea",\n    "n": 12345678901234567890,\n    "x": 1.0\n  },\n  "empty": {}\n}\n',
    );
    expect((await saved.save("order", "[1]")).events.map(({ name, event }) => [name, JSON.parse(event)])).toEqual([
      ["order", [1]],
      ["empty", {}],
    ]);
    expect((await saved.remove("order")).events).toHaveLength(1);
    expect(readdirSync(directory)).toEqual(["lambda-events.json"]);
  });

  test("keep what an editor has put into the file meanwhile, its mode, and a link to it", async () => {
    writeFileSync(`${directory}/elsewhere.json`, '{"by hand": 1}');
    chmodSync(`${directory}/elsewhere.json`, 0o640);
    symlinkSync("elsewhere.json", file);
    await new SavedEvents(file).save("__proto__", "2");
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(contents()).toBe('{\n  "by hand": 1,\n  "__proto__": 2\n}\n');
  });

  test("are all there when many are saved at once", async () => {
    const saved = new SavedEvents(file);
    await Promise.all(Array.from({ length: 20 }, (_, at) => saved.save(`e${at}`, String(at))));
    expect((await saved.list()).events).toHaveLength(20);
  });

  test.each(["{", "[]", "null", '"text"'])("never take the place of a file that holds %p", async (text) => {
    writeFileSync(file, text);
    await expect(new SavedEvents(file).save("a", "1")).rejects.toThrow(/no JSON.*correct it, or move it away/);
    await expect(new SavedEvents(file).list()).rejects.toThrow("correct it");
    expect(contents()).toBe(text);
  });

  test("are refused where the file is read-only, and leave nothing behind", async () => {
    writeFileSync(file, "{}");
    chmodSync(file, 0o444);
    await expect(new SavedEvents(file).save("a", "1")).rejects.toThrow(
      `${file} cannot be written: it or its directory is read-only`,
    );
    expect([contents(), readdirSync(directory)]).toEqual(["{}", ["lambda-events.json"]]);
  });

  test("are refused where there is no place for the file", async () => {
    const saved = new SavedEvents("/proc/lambda-events.json");
    await expect(saved.save("a", "1")).rejects.toThrow("/proc/lambda-events.json cannot be written");
  });
});

test("names have some length, and no control characters", () => {
  expect(readSavedName("  An order: 17 ")).toBe("An order: 17");
  for (const name of ["", "  ", "a\nb", "x".repeat(101)]) expect(() => readSavedName(name)).toThrow("A name has");
});

test.each([
  ["lambda-events.json", true],
  ["lambda-events.json.1f3a5b7c.tmp", true],
  ["my-lambda-events.json", false],
  ["lambda-events.json.bak", false],
  ["lambda-events.ts", false],
])("%s is a file the page writes: %p", (name, is) => {
  expect(isOfSavedEvents(name)).toBe(is);
});
