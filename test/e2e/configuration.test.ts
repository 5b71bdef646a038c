import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import packageJson from "../../package.json" with { type: "json" };
import { binary, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

/** The runtime of these tests: it must never be started. */
const command = ["sh", "-c", "echo STARTED; exit 3"];

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

describe("a setting that is missing or bad ends init before anything starts, with status 2 and one line", () => {
  const rows: [variable: string, value: string | undefined, told: string][] = [
    ["AWS_LAMBDA_FUNCTION_TIMEOUT", undefined, "AWS_LAMBDA_FUNCTION_TIMEOUT is missing: it must be "],
    ["AWS_LAMBDA_FUNCTION_TIMEOUT", "", "AWS_LAMBDA_FUNCTION_TIMEOUT is missing: it must be "],
    ["AWS_LAMBDA_FUNCTION_TIMEOUT", "0", 'AWS_LAMBDA_FUNCTION_TIMEOUT is "0": it must be '],
    ["AWS_LAMBDA_FUNCTION_TIMEOUT", "-1", 'AWS_LAMBDA_FUNCTION_TIMEOUT is "-1": it must be '],
    ["AWS_LAMBDA_FUNCTION_TIMEOUT", "3s", 'AWS_LAMBDA_FUNCTION_TIMEOUT is "3s": it must be '],
    ["AWS_LAMBDA_FUNCTION_VERSION", undefined, "AWS_LAMBDA_FUNCTION_VERSION is missing: it must be "],
    ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE", undefined, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE is missing: it must be "],
    ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1.5", 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE is "1.5": it must be '],
    ["AWS_REGION", undefined, "AWS_REGION is missing: it must be "],
    ["LOCALSTACK_INTEROP_PORT", "70000", 'LOCALSTACK_INTEROP_PORT is "70000": it must be a port'],
    ["LOCALSTACK_RUNTIME_TRACING_PORT", "x", 'LOCALSTACK_RUNTIME_TRACING_PORT is "x": it must be a port'],
    ["EDGE_PORT", "x", 'EDGE_PORT is "x": it must be a port'],
    ["LOCALSTACK_MAX_PAYLOAD_SIZE", "6MB", 'LOCALSTACK_MAX_PAYLOAD_SIZE is "6MB": it must be bytes'],
    ["LOCALSTACK_POST_INVOKE_WAIT_MS", "soon", 'LOCALSTACK_POST_INVOKE_WAIT_MS is "soon": it must be milliseconds'],
    ["LOCALSTACK_INIT_LOG_LEVEL", "loud", 'LOCALSTACK_INIT_LOG_LEVEL is "loud": it must be one of trace, debug, info'],
    ["LOCALSTACK_FILE_WATCHER_STRATEGY", "guess", 'LOCALSTACK_FILE_WATCHER_STRATEGY is "guess": it must be one of'],
    ["LOCALSTACK_FUNCTION_ACCOUNT_ID", "12", 'LOCALSTACK_FUNCTION_ACCOUNT_ID is "12": it must be an AWS account id'],
    ["LOCALSTACK_CODE_ARCHIVES", "{}", 'LOCALSTACK_CODE_ARCHIVES is "{}": it must be a JSON list'],
  ];
  test.each(rows)("%s = %p", async (variable, value, told) => {
    const init = startInit(command, { env: { [variable]: value } });
    expect(await init.exited()).toBe(2);
    expect(init.stdout).toBe("");
    expect(init.stderr).toMatch(/^lambda-runtime-init: [^\n]+\n$/);
    expect(init.stderr).toStartWith(`lambda-runtime-init: ${told}`);
    expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
    const body = JSON.parse(init.double.callbacks[0]?.text ?? "") as Record<string, string>;
    expect(Object.keys(body)).toEqual(["errorMessage", "errorType"]);
    expect(body.errorType).toBe("Runtime.InvalidTaskConfig");
    expect(body.errorMessage).toMatch(new RegExp(`^RequestId: ${uuid} Error: `));
    expect(body.errorMessage).toContain(told);
  });

  test.each([
    ["LOCALSTACK_RUNTIME_ENDPOINT", undefined],
    ["LOCALSTACK_RUNTIME_ENDPOINT", "localhost:4566"],
    ["LOCALSTACK_RUNTIME_ID", undefined],
    ["LOCALSTACK_RUNTIME_ID", "a/b"],
  ])("%s = %p, where LocalStack cannot be told", async (variable, value) => {
    const init = startInit(command, { env: { [variable]: value } });
    expect(await init.exited()).toBe(2);
    expect(init.stderr).toMatch(new RegExp(`^lambda-runtime-init: ${variable} is [^\\n]+\\n$`));
    expect(init.double.callbacks).toEqual([]);
  });
});

test("several bad settings are all named in the one line", async () => {
  const init = startInit(command, { env: { AWS_REGION: undefined, EDGE_PORT: "x" } });
  expect(await init.exited()).toBe(2);
  expect(init.stderr).toMatch(/^lambda-runtime-init: AWS_REGION is missing[^\n]*; EDGE_PORT is "x"[^\n]*\n$/);
});

test("an empty setting is its default", async () => {
  const init = startInit(command, { env: { LOCALSTACK_POST_INVOKE_WAIT_MS: "", LOCALSTACK_INIT_LOG_LEVEL: "" } });
  expect(await init.exited()).toBe(1);
});

test("a port that is taken is named, to LocalStack too", async () => {
  const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const address = `127.0.0.1:${taken.port}`;
  const init = startInit(command, { flags: ["--runtime-api-address", address] });
  expect(await init.exited()).toBe(1);
  taken.stop(true);
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
  expect(init.double.callbacks[0]?.text).toContain(`the Runtime API cannot listen on ${address}: it is in use`);
});

test("a taken invoke port is one status error, and never a ready", async () => {
  const taken = Bun.listen({ hostname: "0.0.0.0", port: 0, socket: { data() {} } });
  const init = startInit(command, { env: { LOCALSTACK_INTEROP_PORT: String(taken.port) } });
  expect(await init.exited()).toBe(1);
  taken.stop(true);
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
  expect(init.double.callbacks[0]?.text).toContain(`the invoke server cannot listen on 0.0.0.0:${taken.port}`);
});

describe("the command line", () => {
  const run = (...args: string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([binary, ...args], { env: { PATH: process.env.PATH ?? "" } });
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  };

  test("tells the version", () => {
    expect(run("--version")).toEqual({ exitCode: 0, stdout: `${packageJson.version}\n`, stderr: "" });
  });

  test("tells the licences of all it contains: the notices that are beside it", () => {
    const { exitCode, stdout, stderr } = run("--licenses");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toStartWith(`Third-party notices of ${packageJson.name} ${packageJson.version}\n`);
    expect(stdout).toBe(readFileSync(new URL("../../dist/THIRD-PARTY-NOTICES.txt", import.meta.url), "utf8"));
  });

  test("waits with the licences for a reader that takes its time, and is not troubled by one that leaves", async () => {
    const slow = Bun.spawnSync(["sh", "-c", '"$0" --licenses | (sleep 1.5; wc -c)', binary]);
    const { size } = Bun.file(new URL("../../dist/THIRD-PARTY-NOTICES.txt", import.meta.url));
    expect(Number(slow.stdout)).toBe(size);
    const left = Bun.spawnSync(["bash", "-o", "pipefail", "-c", '"$0" --licenses | head -c 10', binary]);
    expect([left.exitCode, left.stdout.toString(), left.stderr.toString()]).toEqual([0, "Third-part", ""]);
  });

  test("tells every flag and variable", () => {
    const { exitCode, stdout } = run("--help");
    expect(exitCode).toBe(0);
    for (const word of [
      "--version",
      "--runtime-api-address",
      "LOCALSTACK_RUNTIME_ENDPOINT",
      "AWS_LAMBDA_FUNCTION_TIMEOUT",
    ]) {
      expect(stdout).toContain(word);
    }
  });

  test.each([
    [["--no-such-flag"], "the flag --no-such-flag does not exist"],
    [["--runtime-api-address", "9001"], '--runtime-api-address is "9001": it must be HOST:PORT'],
    [["--runtime-api-address"], "--runtime-api-address has no value: it must be HOST:PORT"],
  ])("%p is refused", (args, told) => {
    const { exitCode, stderr } = run(...args);
    expect(exitCode).toBe(2);
    expect(stderr).toStartWith(`lambda-runtime-init: ${told}`);
  });
});

test("at the log level trace every line is JSON, and tells of each request and each callback", async () => {
  const init = startInit(runFixture("echoes.ts"), { env: { LOCALSTACK_INIT_LOG_LEVEL: "trace" } });
  const { id } = await init.invoke("{}");
  await init.stop();
  const lines = init.stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { level: string; msg: string });
  expect(lines).toContainEqual(expect.objectContaining({ msg: `POST /2018-06-01/runtime/invocation/${id}/response` }));
  expect(lines.some(({ level, msg }) => level === "debug" && msg.endsWith(`${id}/response answered 202`))).toBe(true);
});

describe("a value that is not used, where the function can run all the same:", () => {
  const rows: [variable: string, value: string, warnings: number][] = [
    ["LOCALSTACK_INIT_PHASE_TIMEOUT", "abc", 1],
    ["LOCALSTACK_INIT_PHASE_TIMEOUT", "-3", 1],
    ["LOCALSTACK_INIT_PHASE_TIMEOUT", "1.5", 1],
    ["LOCALSTACK_INIT_PHASE_TIMEOUT", "", 0],
    ["LOCALSTACK_INIT_FAILURE", "", 0],
    ["AWS_LAMBDA_MAX_CONCURRENCY", "0", 1],
    ["AWS_LAMBDA_MAX_CONCURRENCY", "abc", 1],
    ["AWS_LAMBDA_MAX_CONCURRENCY", "", 0],
  ];
  test.each(rows)("%s=%j, of which the function sees nothing", async (variable, value, warnings) => {
    const init = startInit(runFixture("shows-its-process.ts"), { env: { [variable]: value } });
    const { env } = JSON.parse((await init.invoke("{}")).body);
    expect(Object.keys(env)).not.toContain(variable);
    await init.stop();
    const lines = init.stderr.split("\n").filter((line) => line.includes(`${variable} is "${value}": it must be`));
    expect([lines.length, init.stderr.trim().split("\n").filter(Boolean).length]).toEqual([warnings, warnings]);
  });
});

test.each([
  ["", "x", "x"],
  [undefined, "x", "x"],
  ["own", "x", "own"],
  ["", "", undefined],
])("an empty handler counts as absent: AWS_LAMBDA_FUNCTION_HANDLER=%p, _HANDLER=%p", async (own, general, handler) => {
  const [program, ...args] = runFixture("shows-its-process.ts");
  const init = startInit([program as string, ...args], {
    env: { AWS_LAMBDA_FUNCTION_HANDLER: own, _HANDLER: general },
  });
  const { env } = JSON.parse((await init.invoke("{}")).body);
  // Without one in the environment it is the command's last word.
  expect(env._HANDLER).toBe(handler ?? args.at(-1));
});

test("only one of LocalStack's two variables is a bad setting that names the other", async () => {
  const init = startInit(command, { env: { LOCALSTACK_RUNTIME_ENDPOINT: undefined } });
  expect(await init.exited()).toBe(2);
  expect(init.stderr).toContain("LOCALSTACK_RUNTIME_ENDPOINT is missing");
});
