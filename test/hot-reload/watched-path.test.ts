import { afterEach, beforeEach, expect, test } from "bun:test";
import { isPseudoFileSystem, warnIfMany } from "../../src/hot-reload/watched-path.ts";
import { catchWarnings } from "./support.ts";

let caught: ReturnType<typeof catchWarnings>;

beforeEach(() => {
  caught = catchWarnings();
});

afterEach(() => caught.release());

test("a path that is probably not the one that was meant is a warning with the count", () => {
  warnIfMany("/", 64_214, "directories");
  warnIfMany("/usr", 100_001, "files");
  expect(caught.warnings).toEqual([
    expect.stringContaining("/ holds 64214 directories"),
    expect.stringContaining("/usr holds 100001 files"),
  ]);
});

test("a large project is none", () => {
  warnIfMany("/var/task", 10_000, "directories");
  warnIfMany("/var/task", 100_000, "files");
  expect(caught.warnings).toEqual([]);
});

test.each([
  ["/proc", true],
  ["/sys", true],
  ["/dev", true],
  ["/var/task/proc", false],
  ["/development", false],
])("%s is one of the kernel's own: %p", (path, is) => {
  expect(isPseudoFileSystem(path)).toBe(is);
});
