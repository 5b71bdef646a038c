import { describe, expect, test } from "bun:test";
import { ConfigurationError, readCallbackAddress, readConfig, settings } from "../../src/settings/settings.ts";

const required = {
  LOCALSTACK_RUNTIME_ENDPOINT: "http://localhost:4566/_localstack_lambda/abc",
  LOCALSTACK_RUNTIME_ID: "abc",
  AWS_LAMBDA_FUNCTION_TIMEOUT: "3",
  AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
  AWS_REGION: "us-east-1",
};

/** The message of the refusal; empty when there is none. */
function refusal(env: Record<string, string | undefined>): string {
  try {
    readConfig(env);
    return "";
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
}

test("defaults are LocalStack's", () => {
  expect(readConfig(required)).toEqual({
    runtimeEndpoint: "http://localhost:4566/_localstack_lambda/abc",
    runtimeId: "abc",
    accountId: "000000000000",
    invokePort: 9563,
    tracingPort: 9564,
    user: "sbx_user1051",
    allowRoot: "0",
    codeArchives: [],
    hotReloadingPaths: [],
    fileWatcherStrategy: "auto",
    xrayTelemetry: "",
    logLevel: "warn",
    postInvokeWaitMs: 0,
    maxPayloadBytes: 6_291_556,
    chmodPaths: "[]",
    localstackHostname: "",
    edgePort: 4566,
    timeoutSeconds: 3,
    functionVersion: "$LATEST",
    memorySizeMb: 128,
    region: "us-east-1",
    functionName: "test_function",
    initializationType: "on-demand",
    logStreamName: "",
    logFormat: "Text",
    applicationLogLevel: "INFO",
    systemLogLevel: "INFO",
    handler: "",
    maxConcurrency: undefined,
    accessKeyId: "",
    secretAccessKey: "",
    sessionToken: "",
    initFailure: undefined,
    initPhaseTimeoutSeconds: undefined,
    availabilityZoneId: "use1-az1",
  });
});

test.each(Object.keys(required))("%s is required, and empty is missing", (variable) => {
  for (const value of [undefined, ""]) {
    expect(refusal({ ...required, [variable]: value })).toStartWith(`${variable} is missing: it must be `);
  }
});

describe("a value", () => {
  const accepted: [variable: string, text: string, key: keyof typeof settings, value: unknown][] = [
    ["LOCALSTACK_RUNTIME_ENDPOINT", "https://host/x/", "runtimeEndpoint", "https://host/x"],
    ["LOCALSTACK_INTEROP_PORT", "1", "invokePort", 1],
    ["LOCALSTACK_INTEROP_PORT", "65535", "invokePort", 65_535],
    ["LOCALSTACK_USER", "", "user", ""],
    ["LOCALSTACK_ALLOW_ROOT", "1", "allowRoot", "1"],
    ["LOCALSTACK_HOT_RELOADING_PATHS", "/a,/b,", "hotReloadingPaths", ["/a", "/b"]],
    ["LOCALSTACK_FILE_WATCHER_STRATEGY", "polling", "fileWatcherStrategy", "polling"],
    ["LOCALSTACK_INIT_LOG_LEVEL", "trace", "logLevel", "trace"],
    ["LOCALSTACK_POST_INVOKE_WAIT_MS", "50", "postInvokeWaitMs", 50],
    ["LOCALSTACK_MAX_PAYLOAD_SIZE", "1", "maxPayloadBytes", 1],
    ["AWS_LAMBDA_FUNCTION_TIMEOUT", "900", "timeoutSeconds", 900],
    ["LOCALSTACK_INIT_FAILURE", "invoke", "initFailure", "invoke"],
    ["LOCALSTACK_INIT_PHASE_TIMEOUT", "0", "initPhaseTimeoutSeconds", 0],
    ["LOCALSTACK_INIT_PHASE_TIMEOUT", "25", "initPhaseTimeoutSeconds", 25],
    ["LOCALSTACK_AVAILABILITY_ZONE_ID", "usw2-az3", "availabilityZoneId", "usw2-az3"],
    ["AWS_LAMBDA_MAX_CONCURRENCY", "1", "maxConcurrency", 1],
    ["AWS_ACCESS_KEY_ID", "key", "accessKeyId", "key"],
    ["LOCALSTACK_CODE_ARCHIVES", '[{"url":"u","target_path":"t"}]', "codeArchives", [{ url: "u", target_path: "t" }]],
  ];
  test.each(accepted)("%s=%s is taken", (variable, text, key, value) => {
    expect(readConfig({ ...required, [variable]: text })[key]).toEqual(value as never);
  });

  const refused: [variable: string, text: string][] = [
    ["LOCALSTACK_RUNTIME_ENDPOINT", "ftp://host"],
    ["LOCALSTACK_RUNTIME_ENDPOINT", "http://"],
    ["LOCALSTACK_RUNTIME_ID", "a/b"],
    ["LOCALSTACK_RUNTIME_ID", "a b"],
    ["LOCALSTACK_FUNCTION_ACCOUNT_ID", "1234"],
    ["LOCALSTACK_INTEROP_PORT", "0"],
    ["LOCALSTACK_INTEROP_PORT", "65536"],
    ["LOCALSTACK_INTEROP_PORT", "-1"],
    ["LOCALSTACK_INTEROP_PORT", "1e3"],
    ["LOCALSTACK_INIT_LOG_LEVEL", "WARN"],
    ["LOCALSTACK_MAX_PAYLOAD_SIZE", "0"],
    ["LOCALSTACK_ALLOW_ROOT", "true"],
    ["AWS_LAMBDA_FUNCTION_TIMEOUT", "2147484"],
    ["AWS_LAMBDA_FUNCTION_TIMEOUT", "0x10"],
    ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0"],
    ["LOCALSTACK_INIT_FAILURE", "both"],
    ["LOCALSTACK_CODE_ARCHIVES", "[1]"],
    ["LOCALSTACK_CODE_ARCHIVES", '[{"url":1,"target_path":"t"}]'],
    ["LOCALSTACK_CODE_ARCHIVES", "broken"],
  ];
  test.each(refused)("%s=%s is refused with its name, its value and what is allowed", (variable, text) => {
    const { allowed } = Object.values(settings).find((row) => row.variable === variable) ?? {};
    expect(refusal({ ...required, [variable]: text })).toBe(
      `${variable} is ${JSON.stringify(text)}: it must be ${allowed}`,
    );
  });
});

test("all that is wrong is named at once", () => {
  const message = refusal({ ...required, AWS_REGION: undefined, EDGE_PORT: "x" });
  expect(message).toContain('EDGE_PORT is "x"');
  expect(message).toContain("AWS_REGION is missing");
});

describe("a bad value that is no reason to end", () => {
  const rows: [variable: string, text: string, key: keyof typeof settings, value: unknown][] = [
    ["LOCALSTACK_INIT_PHASE_TIMEOUT", "abc", "initPhaseTimeoutSeconds", "default"],
    ["LOCALSTACK_INIT_PHASE_TIMEOUT", "-3", "initPhaseTimeoutSeconds", "default"],
    ["LOCALSTACK_INIT_PHASE_TIMEOUT", "1.5", "initPhaseTimeoutSeconds", "default"],
    ["AWS_LAMBDA_MAX_CONCURRENCY", "0", "maxConcurrency", undefined],
    ["AWS_LAMBDA_MAX_CONCURRENCY", "abc", "maxConcurrency", undefined],
  ];
  test.each(rows)("%s=%s is one warning", (variable, text, key, value) => {
    const warnings: string[] = [];
    const config = readConfig({ ...required, [variable]: text }, (sentence) => warnings.push(sentence));
    expect(config[key]).toEqual(value as never);
    expect(warnings).toEqual([expect.stringContaining(`${variable} is "${text}": it must be `)]);
  });
});

describe("an empty text counts as absent", () => {
  test.each(
    Object.values(settings)
      .filter(({ isRequired, variable }) => !isRequired && variable !== "LOCALSTACK_USER")
      .map(({ variable }) => variable),
  )("%s", (variable) => {
    const warnings: string[] = [];
    const warn = (sentence: string) => void warnings.push(sentence);
    expect(readConfig({ ...required, [variable]: "" }, warn)).toEqual(readConfig(required, warn));
    expect(warnings).toEqual([]);
  });

  test.each([
    ["a", "b", "a"],
    ["", "b", "b"],
    [undefined, "b", "b"],
    ["a", "", "a"],
    ["", "", ""],
  ])("AWS_LAMBDA_FUNCTION_HANDLER=%j with _HANDLER=%j is the handler %j", (first, second, handler) => {
    const env = { ...required, AWS_LAMBDA_FUNCTION_HANDLER: first, _HANDLER: second };
    expect(readConfig(env).handler).toBe(handler);
  });
});

test("LocalStack can be told of a bad setting when it is known where and as whom", () => {
  const { LOCALSTACK_RUNTIME_ENDPOINT, LOCALSTACK_RUNTIME_ID } = required;
  expect(readCallbackAddress({ LOCALSTACK_RUNTIME_ENDPOINT, LOCALSTACK_RUNTIME_ID })).toEqual({
    runtimeEndpoint: LOCALSTACK_RUNTIME_ENDPOINT,
    runtimeId: "abc",
  });
  expect(readCallbackAddress({ LOCALSTACK_RUNTIME_ENDPOINT })).toBeUndefined();
  expect(readCallbackAddress({ LOCALSTACK_RUNTIME_ENDPOINT: "nowhere", LOCALSTACK_RUNTIME_ID })).toBeUndefined();
});
