import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { findBootstrap } from "../../src/prepare/bootstrap.ts";

const directory = () => mkdtempSync(`${tmpdir()}/init-bootstrap-`);

describe("without a command", () => {
  test("the first file of the search is the runtime; a directory is passed over, a link followed", () => {
    const root = directory();
    mkdirSync(`${root}/a`);
    writeFileSync(`${root}/real`, "", { mode: 0o755 });
    symlinkSync(`${root}/real`, `${root}/b`);
    symlinkSync(`${root}/missing`, `${root}/dangling`);
    const paths = [`${root}/dangling`, `${root}/a`, `${root}/b`, `${root}/real`];
    expect(findBootstrap([], {}, "/elsewhere", paths)).toEqual({
      command: [`${root}/b`],
      cwd: "/var/task",
      handler: "",
    });
  });

  test("with none to be found the first path stands", () => {
    expect(findBootstrap([], {}, "/", ["/missing/1", "/missing/2"]).command).toEqual(["/missing/1"]);
  });

  test("a file nobody may execute is made executable; one somebody may stays as it is", () => {
    const root = directory();
    for (const [mode, becomes] of [
      [0o644, 0o755],
      [0o400, 0o755],
      [0o744, 0o744],
    ] as const) {
      writeFileSync(`${root}/bootstrap`, "");
      chmodSync(`${root}/bootstrap`, mode);
      findBootstrap([], {}, "/", [`${root}/bootstrap`]);
      expect(statSync(`${root}/bootstrap`).mode & 0o777).toBe(becomes);
    }
  });
});

describe("the handler", () => {
  test.each([
    [["sh"], {}, ""],
    [["sh", "x"], {}, "x"],
    [["sh", "x", "app.handler"], {}, "app.handler"],
    [["sh", "x"], { _HANDLER: "env" }, "env"],
    [["sh", "x"], { _HANDLER: "env", AWS_LAMBDA_FUNCTION_HANDLER: "own" }, "own"],
    [["sh", "x"], { _HANDLER: "env", AWS_LAMBDA_FUNCTION_HANDLER: "" }, "x"],
  ])("of %j with %j is %p", (args, env, handler) => {
    expect(findBootstrap(args, env, "/here")).toEqual({ command: args, cwd: "/here", handler });
  });
});
