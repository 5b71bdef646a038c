import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { findTestFiles } from "./support/test-files.ts";

let repository: string;

beforeEach(() => {
  repository = mkdtempSync(`${tmpdir()}/init-test-files-`);
});
afterEach(() => rmSync(repository, { recursive: true }));

function write(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(`${repository}/${path}`), { recursive: true });
    writeFileSync(`${repository}/${path}`, "");
  }
}

test("a new folder is a room, with the test files of the folders below it", () => {
  write("test/clock.test.ts", "test/new/a.test.ts", "test/new/inner/deeper/b.test.ts", "test/new/helper.ts");
  expect(findTestFiles(repository)).toEqual({
    rooms: new Map([
      ["test", ["test/clock.test.ts"]],
      ["test/new", ["test/new/a.test.ts", "test/new/inner/deeper/b.test.ts"]],
    ]),
    e2e: [],
    stray: [],
    empty: [],
  });
});

test("a room without a test is named", () => {
  write("test/clock.test.ts", "test/new/helper.ts");
  expect(findTestFiles(repository).empty).toEqual(["test/new"]);
});

const places = [
  "a.test.ts",
  "src/room/a.test.ts",
  "src/a_test.js",
  "src/a.spec.tsx",
  "examples/deep/a.test.mts",
  "docs/a.test.ts",
  "test/bench/a.test.ts",
  "test/fixtures/a.test.ts",
  "test/support/a.test.ts",
  "test/e2e/support/a.test.ts",
  "test/localstack/support/a.test.ts",
];

test.each(places)("a test file that no run takes is named: %s", (place) => {
  write("test/clock.test.ts", place);
  expect(findTestFiles(repository).stray).toEqual([place]);
});

test("tests in LocalStack have a run of their own, and are no room", () => {
  write("test/clock.test.ts", "test/localstack/a.test.ts", "test/localstack/run.ts");
  expect(findTestFiles(repository)).toEqual({
    rooms: new Map([["test", ["test/clock.test.ts"]]]),
    e2e: [],
    stray: [],
    empty: [],
  });
});

test("packages, what was built and hidden folders are not the project's", () => {
  write("test/clock.test.ts", "test/e2e/a.test.ts", "node_modules/p/a.test.js", "dist/a.test.js", ".cache/a.test.ts");
  expect(findTestFiles(repository)).toMatchObject({ e2e: ["test/e2e/a.test.ts"], stray: [] });
});
