import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { findBootstrap, makeExecutable } from "../../src/prepare/bootstrap.ts";

const directory = () => mkdtempSync(`${tmpdir()}/init-bootstrap-`);

describe("without a command", () => {
  test("the first file of the search is the runtime; a directory is passed over, a link followed", () => {
    const root = directory();
    mkdirSync(`${root}/a`);
    writeFileSync(`${root}/real`, "", { mode: 0o755 });
    symlinkSync(`${root}/real`, `${root}/b`);
    symlinkSync(`${root}/missing`, `${root}/dangling`);
    const paths = [`${root}/dangling`, `${root}/a`, `${root}/b`, `${root}/real`];
    expect(findBootstrap([], "", "/elsewhere", paths)).toEqual({
      command: [`${root}/b`],
      cwd: "/var/task",
      handler: "",
    });
  });

  test("with none to be found the first path stands", () => {
    expect(findBootstrap([], "", "/", ["/missing/1", "/missing/2"]).command).toEqual(["/missing/1"]);
  });
});

describe("a file to be executed", () => {
  test.each([
    [0o644, 0o755],
    [0o400, 0o755],
    [0o744, 0o744],
  ] as const)("of mode %o has %o then", (mode, becomes) => {
    const path = `${directory()}/bootstrap`;
    writeFileSync(path, "");
    chmodSync(path, mode);
    makeExecutable(path, new Set());
    expect(statSync(path).mode & 0o777).toBe(becomes);
  });

  test("behind a link is made so, but not behind one of an archive", () => {
    const root = directory();
    writeFileSync(`${root}/real`, "", { mode: 0o600 });
    mkdirSync(`${root}/task`);
    symlinkSync("../real", `${root}/task/bootstrap`);
    symlinkSync("task", `${root}/link`);
    for (const path of [`${root}/task/bootstrap`, `${root}/link/bootstrap`]) {
      makeExecutable(path, new Set([`${root}/task/bootstrap`]));
      expect(statSync(`${root}/real`).mode & 0o777).toBe(0o600);
    }
    makeExecutable(`${root}/task/bootstrap`, new Set());
    expect(statSync(`${root}/real`).mode & 0o777).toBe(0o755);
  });

  test("that is missing, or looked for in PATH, is nothing to do", () => {
    makeExecutable("/missing/bootstrap", new Set());
    makeExecutable("sh", new Set());
  });
});

describe("the handler", () => {
  test.each([
    [["sh"], "", ""],
    [["sh", "x"], "", "x"],
    [["sh", "x", "app.handler"], "", "app.handler"],
    [["sh", "x"], "env", "env"],
  ])("of %j with %j in the environment is %j", (args, given, handler) => {
    expect(findBootstrap(args, given, "/here")).toEqual({ command: args, cwd: "/here", handler });
  });
});
