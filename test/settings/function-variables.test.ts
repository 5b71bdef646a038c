import { describe, expect, test } from "bun:test";
import { functionVariables } from "../../src/settings/function-variables.ts";
import { settings } from "../../src/settings/settings.ts";

describe("in LocalStack the function sees", () => {
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
    "__proto__",
  ];
  test.each(kept)("%s as it was given", (name) => {
    const given = Object.fromEntries([[name, " a=b\n"]]);
    expect(Object.entries(functionVariables(given, "localstack"))).toEqual([[name, " a=b\n"]]);
  });

  test.each([
    "LOCALSTACK_SOMETHING_NEW",
    "LOCALSTACK_HOSTNAME_EXTERNAL",
    "LOCALSTACK_",
    "HOME",
    "HOSTNAME",
    "_X_AMZN_TRACE_ID",
  ])("no %s", (name) => {
    expect(functionVariables({ [name]: "x" }, "localstack")).toEqual({});
  });

  test.each(Object.values(settings).map(({ variable, seenBy }) => [variable, seenBy]))(
    "%s if it is for %s",
    (name, seenBy) => {
      const isSeen = name in functionVariables({ [name]: "1" }, "localstack");
      expect(isSeen).toBe(seenBy === "init and function");
    },
  );

  test("empty values, and none that are absent", () => {
    expect(functionVariables({ EMPTY: "", ABSENT: undefined }, "localstack")).toEqual({ EMPTY: "" });
  });
});

test.each(["HOME", "HOSTNAME", "TZ", "BUN_OPTIONS", "_X_AMZN_TRACE_ID", "LOCALSTACK_HOSTNAME", "LOCALSTACK_ANY"])(
  "in the emulator the function sees %s",
  (name) => {
    expect(functionVariables({ [name]: "x" }, "emulator")).toEqual({ [name]: "x" });
  },
);

describe.each(["localstack", "emulator"] as const)("in mode %s", (mode) => {
  // Runtimes go by the presence of the variable.
  test.each(["0", "abc", "", "-1", "1.5"])(
    "AWS_LAMBDA_MAX_CONCURRENCY=%j, which selects nothing, is withheld",
    (text) => {
      expect(functionVariables({ AWS_LAMBDA_MAX_CONCURRENCY: text }, mode)).toEqual({});
    },
  );

  test.each(["1", "64"])("AWS_LAMBDA_MAX_CONCURRENCY=%s is seen", (text) => {
    const given = { AWS_LAMBDA_MAX_CONCURRENCY: text };
    expect(functionVariables(given, mode)).toEqual(given);
  });
});
