import { expect, test } from "bun:test";
import { cleanEnvironment } from "../../src/settings/hostile-variables.ts";

test("an ordinary environment needs no restart and is given as it is", () => {
  const env = { PATH: "/bin", NODE_OPTIONS: "--x", TZ: ":UTC", UNSET: undefined };
  expect(cleanEnvironment(env)).toEqual({
    given: { PATH: "/bin", NODE_OPTIONS: "--x", TZ: ":UTC" },
    restartWith: undefined,
    withhold: [],
  });
});

test.each(["BUN_INSPECT", "BUN_JSC_logGC", "MIMALLOC_VERBOSE", "FORCE_COLOR"])(
  "%s is out of the way after a restart, and given to the function all the same",
  (name) => {
    const env = { PATH: "/bin", [name]: "value" };
    const first = cleanEnvironment(env);
    expect(first.given).toEqual(env);
    expect(first.restartWith).not.toHaveProperty(name);
    const second = cleanEnvironment(first.restartWith ?? {});
    expect(second.given).toEqual(env);
    expect(second.restartWith).toBeUndefined();
    expect(second.withhold).toHaveLength(1);
  },
);

test.each(["HTTP_PROXY", "https_proxy", "ALL_PROXY", "no_proxy", "NODE_TLS_REJECT_UNAUTHORIZED", "SSL_CERT_FILE"])(
  "%s is kept from init's own connections without a restart",
  (name) => {
    expect(cleanEnvironment({ [name]: "value" })).toEqual({
      given: { [name]: "value" },
      restartWith: undefined,
      withhold: [name],
    });
  },
);

test.each(["LOCALSTACK_USER", "LOCALSTACK_RUNTIME_ID", "HTTP_PROXY", "PATH", "", "X_BUN_OPTIONS"])(
  "a variable of the function that looks as if %j were held stays the function's, also over a restart",
  (name) => {
    const env = { PATH: "/bin", FORCE_COLOR: "1", [`_LAMBDA_RUNTIME_INIT_HELD_${name}`]: "value" };
    const first = cleanEnvironment(env);
    expect(first.given).toEqual(env);
    const second = cleanEnvironment(first.restartWith ?? {});
    expect(second.given).toEqual(env);
    expect(second.restartWith).toBeUndefined();
    expect(second.withhold).toEqual(["_LAMBDA_RUNTIME_INIT_HELD_FORCE_COLOR"]);
  },
);

test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "length"])(
  "a variable named %s is one like any other, also over a restart",
  (name) => {
    const entries: [string, string][] = [
      ["PATH", "/bin"],
      ["FORCE_COLOR", "1"],
      [name, "value"],
    ];
    const first = cleanEnvironment(Object.fromEntries(entries));
    expect(Object.entries(first.given)).toEqual(entries);
    const second = cleanEnvironment(first.restartWith ?? {});
    expect(Object.entries(second.given)).toEqual(entries);
  },
);
