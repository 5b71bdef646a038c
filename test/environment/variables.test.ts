import { describe, expect, test } from "bun:test";
import { extensionEnvironment, runtimeEnvironment } from "../../src/environment/variables.ts";

const api = { runtimeApi: "127.0.0.1:9001", metadataToken: "token" };
const added = {
  AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001",
  AWS_LAMBDA_METADATA_API: "127.0.0.1:9001",
  AWS_LAMBDA_METADATA_TOKEN: "token",
};

describe("the runtime's environment", () => {
  test("has what is given, as it is given", () => {
    const seen = { PATH: "/bin", EMPTY: "", ODD: " a=b\n", LOCALSTACK_HOSTNAME: "x" };
    expect(runtimeEnvironment(seen, "", api)).toEqual({ ...seen, ...added });
  });

  test("has a variable named __proto__", () => {
    const seen = Object.fromEntries([["__proto__", "x"]]);
    expect(Object.entries(runtimeEnvironment(seen, "", api))).toContainEqual(["__proto__", "x"]);
  });

  test("has the address of our APIs, whatever was given (E4)", () => {
    const given = {
      AWS_LAMBDA_RUNTIME_API: "elsewhere:1",
      AWS_LAMBDA_METADATA_API: "a:1",
      AWS_LAMBDA_METADATA_TOKEN: "b",
    };
    expect(runtimeEnvironment(given, "", api)).toEqual(added);
  });

  test("has where to get the keys of a function with a snapshot", () => {
    const credentials = { url: "http://127.0.0.1:9001/2021-04-23/credentials", token: "secret" };
    expect(runtimeEnvironment({}, "", { ...api, credentials })).toEqual({
      ...added,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: credentials.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "secret",
    });
  });

  test.each([
    ["app.handler", {}, "app.handler"],
    ["app.handler", { _HANDLER: "other.handler" }, "app.handler"],
    ["", { _HANDLER: "other.handler" }, "other.handler"],
    ["", {}, undefined],
  ])("with the handler %j and %j has _HANDLER=%j", (handler, seen, expected) => {
    expect(runtimeEnvironment(seen as Record<string, string>, handler, api)._HANDLER).toBe(expected as string);
  });

  test("has nothing else: no credentials endpoint, no invented names", () => {
    expect(runtimeEnvironment({}, "h", api)).toEqual({ _HANDLER: "h", ...added });
  });
});

describe("an extension's environment", () => {
  test("has where to ask for metadata (E4)", () => {
    expect(extensionEnvironment(runtimeEnvironment({}, "h", api))).toEqual(added);
  });

  test.each([
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "_LAMBDA_TELEMETRY_LOG_FD",
    "_X_AMZN_TRACE_ID",
    "_",
    "__proto__",
  ])("has no %s", (name) => {
    const given = Object.fromEntries([[name, "x"]]);
    expect(extensionEnvironment({ ...added, ...given })).toEqual(added);
  });

  test.each([
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_LOG_FORMAT",
    "AWS_LAMBDA_LOG_GROUP_NAME_2",
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_XRAY_DAEMON_ADDRESS_2",
    "LAMBDA_TASK_ROOTS",
    "lambda_task_root",
    "LD_LIBRARY_PATH",
    "PATH",
    "TZ",
    "HANDLER",
    "MY_",
  ])("has %s as the runtime has it", (name) => {
    expect(extensionEnvironment({ [name]: " a=b\n" })).toEqual({ [name]: " a=b\n" });
  });

  test("has empty values, and leaves the runtime's as it is", () => {
    const runtime = { EMPTY: "", _HANDLER: "h" };
    expect(extensionEnvironment(runtime)).toEqual({ EMPTY: "" });
    expect(runtime).toEqual({ EMPTY: "", _HANDLER: "h" });
  });
});
