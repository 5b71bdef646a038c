import { expect, test } from "bun:test";
import { chooseMode } from "../../src/settings/mode.ts";
import { ConfigurationError } from "../../src/settings/setting.ts";

const endpoint = { LOCALSTACK_RUNTIME_ENDPOINT: "http://x" };
const id = { LOCALSTACK_RUNTIME_ID: "i" };

test.each([
  [{}, "emulator"],
  [{ LOCALSTACK_RUNTIME_ENDPOINT: "", LOCALSTACK_RUNTIME_ID: "" }, "emulator"],
  [{ LOCALSTACK_USER: "root", LOCALSTACK_HOSTNAME: "h" }, "emulator"],
  [{ ...endpoint, ...id }, "localstack"],
  [{ LOCALSTACK_RUNTIME_ENDPOINT: "nonsense", ...id }, "localstack"],
] as const)("%j is mode %s", (env, mode) => {
  expect(chooseMode(env)).toBe(mode);
});

test.each([
  [endpoint, "LOCALSTACK_RUNTIME_ID is missing, while LOCALSTACK_RUNTIME_ENDPOINT is set"],
  [id, "LOCALSTACK_RUNTIME_ENDPOINT is missing, while LOCALSTACK_RUNTIME_ID is set"],
  [{ ...id, LOCALSTACK_RUNTIME_ENDPOINT: "" }, "LOCALSTACK_RUNTIME_ENDPOINT is missing"],
])("%j is neither", (env, message) => {
  expect(() => chooseMode(env)).toThrow(ConfigurationError);
  expect(() => chooseMode(env)).toThrow(message);
});
