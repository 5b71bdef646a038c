import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { followPath } from "../../src/prepare/follow-path.ts";

/** `real/inner/file`, and links beside it. */
function place() {
  const root = mkdtempSync(`${tmpdir()}/init-path-`);
  mkdirSync(`${root}/real/inner`, { recursive: true });
  writeFileSync(`${root}/real/inner/file`, "");
  symlinkSync("real", `${root}/link`);
  symlinkSync(`${root}/link/inner`, `${root}/absolute`);
  symlinkSync("inner/../../link", `${root}/real/round`);
  symlinkSync("circle", `${root}/circle`);
  return root;
}

describe("a path", () => {
  test.each([
    ["real/inner/file", "real/inner/file", []],
    ["link/inner", "real/inner", []],
    ["absolute/file", "real/inner/file", []],
    ["real/round/inner", "real/inner", []],
    ["link/new/deep", "real", ["new", "deep"]],
    ["./link//inner/../new", "real", ["new"]],
  ])("%s leads to %s, and %j is missing", (path, real, missing) => {
    const root = place();
    expect(followPath(`${root}/${path}`, new Set())).toEqual({
      real: `${root}/${real}`,
      missing,
      archiveLink: undefined,
    });
  });

  test("the root is its own", () => {
    expect(followPath("/", new Set())).toEqual({ real: "/", missing: [], archiveLink: undefined });
  });

  test("in circles is an error", () => {
    expect(() => followPath(`${place()}/circle/x`, new Set())).toThrow("more than 40 symbolic links");
  });

  test.each(["link/inner", "absolute", "real/round/inner", "link"])("%s ends at an archive's link", (path) => {
    const root = place();
    expect(followPath(`${root}/${path}`, new Set([`${root}/link`])).archiveLink).toBe(`${root}/link`);
  });
});
