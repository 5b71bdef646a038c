import { describe, expect, test } from "bun:test";
import { runtimeEnvironment } from "../../src/sandbox/environment.ts";

const api = "127.0.0.1:9001";
const added = { AWS_LAMBDA_RUNTIME_API: api };

describe("the runtime's environment", () => {
  const kept = [
    "LOCALSTACK_HOSTNAME",
    "AWS_ACCESS_KEY_ID",
    "AWS_LAMBDA_FUNCTION_TIMEOUT",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_ENDPOINT_URL",
    "EDGE_PORT",
    "TZ",
    "PATH",
    "LD_LIBRARY_PATH",
    "BUN_OPTIONS",
    "BUN_BE_BUN",
    "NODE_OPTIONS",
    "HTTP_PROXY",
    "http_proxy",
    "FORCE_COLOR",
    "_HANDLER",
    "HOMEPAGE",
    "HOSTNAMES",
    "home",
    "localstack_user",
    "MY_LOCALSTACK_USER",
    "__proto__x",
  ];
  test.each(kept)("has %s as it was given", (name) => {
    expect(runtimeEnvironment({ [name]: " a=b\n" }, "", api)).toEqual({ [name]: " a=b\n", ...added });
  });

  test.each([
    "LOCALSTACK_RUNTIME_ENDPOINT",
    "LOCALSTACK_RUNTIME_ID",
    "LOCALSTACK_FILE_WATCHER_STRATEGY",
    "LOCALSTACK_USER",
    "LOCALSTACK_SOMETHING_NEW",
    "LOCALSTACK_HOSTNAME_EXTERNAL",
    "LOCALSTACK_",
    "HOME",
    "HOSTNAME",
  ])("has no %s", (name) => {
    expect(runtimeEnvironment({ [name]: "x" }, "", api)).toEqual(added);
  });

  test("has empty values, and none that are absent", () => {
    expect(runtimeEnvironment({ EMPTY: "", ABSENT: undefined }, "", api)).toEqual({ EMPTY: "", ...added });
  });

  test("has the address of our Runtime API, whatever was given", () => {
    expect(runtimeEnvironment({ AWS_LAMBDA_RUNTIME_API: "elsewhere:1" }, "", api)).toEqual(added);
  });

  test.each([
    ["app.handler", undefined, "app.handler"],
    ["app.handler", "other.handler", "app.handler"],
    ["", "other.handler", "other.handler"],
    ["", undefined, undefined],
  ])("with the handler %j and _HANDLER=%j has _HANDLER=%j", (handler, given, expected) => {
    expect(runtimeEnvironment({ _HANDLER: given }, handler, api)._HANDLER).toBe(expected as string);
  });

  test("has nothing else: no credentials endpoint, no invented names", () => {
    expect(runtimeEnvironment({}, "h", api)).toEqual({ _HANDLER: "h", ...added });
  });
});
