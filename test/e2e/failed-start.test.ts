/** A start that fails before anything runs: what LocalStack is told, and with which status init leaves. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { type Init, isRoot, type StartOptions, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

const command = ["sh", "-c", "echo STARTED"];

const badArchive = {
  LOCALSTACK_CODE_ARCHIVES: JSON.stringify([{ url: "file:///none.zip", target_path: "/tmp/none" }]),
};

describe("the exit status of a failed start stays what it is, whatever signal comes meanwhile", () => {
  const rows: (readonly [what: string, env: Record<string, string>, status: number])[] = [
    ["a bad archive", badArchive, 1],
    ["a bad setting", { EDGE_PORT: "x" }, 2],
    ...(isRoot ? ([["a user that is none", { LOCALSTACK_USER: "a:b" }, 1]] as const) : []),
  ];
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test.each(rows)(`%s, and ${signal} as soon as LocalStack is told`, async (_, env, status) => {
      for (let start = 0; start < 5; start++) {
        let init: Init | undefined;
        const misbehave: StartOptions["misbehave"] = () => {
          init?.signal(signal);
          return undefined;
        };
        init = startInit(command, { env, misbehave });
        expect(await init.process.exited).toBe(status);
        expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
        expect(init.stdout).toBe("");
      }
    });
  }
});

describe("what nobody foresaw is told as the sandbox's failure, with its text, and ends init with 1", () => {
  test.each([[command], [[]]])("a working directory that is gone, with the command %j", async (runtime) => {
    const cwd = mkdtempSync(`${tmpdir()}/init-gone-`);
    const init = startInit(runtime, { cwd, prefix: ["sh", "-c", `rmdir ${cwd}; exec "$@"`, "sh"] });
    expect(await init.exited()).toBe(1);
    expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
    const { errorType, errorMessage } = JSON.parse(init.double.callbacks[0]?.text ?? "{}");
    expect(errorType).toBe("Sandbox.Failure");
    expect(errorMessage).toMatch(/^RequestId: [0-9a-f-]{36} Error: .*ENOENT/);
    expect(init.stdout).toBe("");
  });
});
