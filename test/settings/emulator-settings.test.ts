import { describe, expect, test } from "bun:test";
import { readEmulatorCommandLine } from "../../src/settings/emulator-flags.ts";
import { emulatorVariables, readEmulatorSettings } from "../../src/settings/emulator-settings.ts";

type Env = Record<string, string>;

function read(env: Env, args: string[] = []) {
  const warnings: string[] = [];
  const { flags } = readEmulatorCommandLine(args, {});
  const settings = readEmulatorSettings(flags, env, (sentence) => warnings.push(sentence));
  return { settings, warnings, variables: () => emulatorVariables(flags, settings, env) };
}

test("defaults are those of AWS's emulator", () => {
  expect(read({}).settings).toEqual({
    timeoutSeconds: 300,
    memorySizeMb: 3008,
    functionName: "test_function",
    functionVersion: "$LATEST",
    logGroupName: "/aws/lambda/Functions",
    logStreamName: "$LATEST",
    region: "us-east-1",
    accountId: "012345678912",
    systemLogLevel: "INFO",
    logLevel: "info",
    handler: "",
    initializationType: "on-demand",
    logFormat: "Text",
    applicationLogLevel: "INFO",
    maxConcurrency: undefined,
    accessKeyId: "",
    secretAccessKey: "",
    sessionToken: "",
    availabilityZoneId: "use1-az1",
  });
});

test.each([
  ["AWS_LAMBDA_FUNCTION_TIMEOUT", ["abc", "0", "-1", "3.5"], "timeoutSeconds", 300],
  ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ["abc", "0"], "memorySizeMb", 3008],
  ["AWS_LAMBDA_MAX_CONCURRENCY", ["abc", "0"], "maxConcurrency", undefined],
  ["AWS_ACCOUNT_ID", ["1"], "accountId", "012345678912"],
  ["LOG_LEVEL", ["verbose"], "logLevel", "info"],
] as const)("%s=%j is one warning and the default", (name, texts, key, value) => {
  for (const text of texts) {
    const { settings, warnings } = read({ [name]: text });
    expect(settings[key]).toBe(value as never);
    expect(warnings).toEqual([expect.stringContaining(`${name} is "${text}": it must be `)]);
  }
});

describe("what wins", () => {
  test.each([
    [{ AWS_LAMBDA_FUNCTION_TIMEOUT: "7" }, [], { timeoutSeconds: 7 }],
    [{ AWS_LAMBDA_FUNCTION_TIMEOUT: "7" }, ["--timeout", "8"], { timeoutSeconds: 8 }],
    [{ AWS_LAMBDA_FUNCTION_NAME: "a" }, ["--function-name", "b"], { functionName: "b" }],
    [{ AWS_DEFAULT_REGION: "eu-west-1" }, [], { region: "eu-west-1", availabilityZoneId: "euw1-az1" }],
    [{ AWS_REGION: "eu-west-2", AWS_DEFAULT_REGION: "eu-west-1" }, [], { region: "eu-west-2" }],
    [{}, ["--availability-zone-id", "x"], { availabilityZoneId: "x" }],
    [{ LOG_LEVEL: "WARNING" }, [], { logLevel: "warn" }],
    [{ LOG_LEVEL: "error" }, ["--log-level", "trace"], { logLevel: "trace" }],
    [{ AWS_LAMBDA_FUNCTION_HANDLER: "", _HANDLER: "x" }, [], { handler: "x" }],
    [{}, ["--enable-init-caching"], { initializationType: "snap-start" }],
    [
      { AWS_LAMBDA_MAX_CONCURRENCY: "4" },
      ["--enable-init-caching"],
      { maxConcurrency: 4, initializationType: "lambda-managed-instances" },
    ],
    [{ AWS_LAMBDA_FUNCTION_VERSION: "" }, [], { functionVersion: "$LATEST" }],
  ] as [Env, string[], object][])("%j with %j", (env, args, settings) => {
    expect(read(env, args).settings).toMatchObject(settings);
  });
});

describe("what the function sees", () => {
  const added = {
    AWS_LAMBDA_FUNCTION_NAME: "test_function",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "3008",
    AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/Functions",
    AWS_LAMBDA_LOG_STREAM_NAME: "$LATEST",
  };

  test("everything, and what AWS's emulator adds; no empty key", () => {
    const env = { HOME: "/root", TZ: ":UTC", BUN_OPTIONS: "--x", _X_AMZN_TRACE_ID: "t", AWS_ACCESS_KEY_ID: "" };
    expect(read(env).variables()).toEqual({ ...env, ...added });
  });

  test("the flags' values", () => {
    const env = { AWS_LAMBDA_FUNCTION_TIMEOUT: "7", AWS_LAMBDA_FUNCTION_NAME: "a" };
    expect(read(env, ["--timeout", "8", "--memory", "128", "--function-name", "b"]).variables()).toEqual({
      ...added,
      AWS_LAMBDA_FUNCTION_TIMEOUT: "8",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
      AWS_LAMBDA_FUNCTION_NAME: "b",
    });
  });

  test("which kind of environment it is, where that was chosen here", () => {
    expect(read({ AWS_LAMBDA_MAX_CONCURRENCY: "4" }).variables()).toEqual({
      ...added,
      AWS_LAMBDA_MAX_CONCURRENCY: "4",
      AWS_LAMBDA_INITIALIZATION_TYPE: "lambda-managed-instances",
    });
    expect(read({ AWS_LAMBDA_MAX_CONCURRENCY: "many" }).variables()).toEqual(added);
  });
});
