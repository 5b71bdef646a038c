import { describe, expect, test } from "bun:test";
import { readCommandLine } from "../../src/settings/command-line.ts";
import { ConfigurationError } from "../../src/settings/setting.ts";

describe("the command line", () => {
  const runtimeApi = { hostname: "127.0.0.1", port: 9001 };
  test.each([
    [[], { action: "run", runtimeApi, command: [] }],
    [["sh", "--version"], { action: "run", runtimeApi, command: ["sh", "--version"] }],
    [["--version"], { action: "version", runtimeApi, command: [] }],
    [["--licenses"], { action: "licenses", runtimeApi, command: [] }],
    [["sh", "--licenses"], { action: "run", runtimeApi, command: ["sh", "--licenses"] }],
    [["--licenses", "--version"], { action: "version", runtimeApi, command: [] }],
    [["-h"], { action: "help", runtimeApi, command: [] }],
    [["--help", "--version", "sh"], { action: "help", runtimeApi, command: ["sh"] }],
    [
      ["sh", "--runtime-api-address", "x"],
      { action: "run", runtimeApi, command: ["sh", "--runtime-api-address", "x"] },
    ],
    [["--", "--odd-name"], { action: "run", runtimeApi, command: ["--odd-name"] }],
    [
      ["--runtime-api-address", "0.0.0.0:80", "x"],
      { action: "run", runtimeApi: { hostname: "0.0.0.0", port: 80 }, command: ["x"] },
    ],
    [["--runtime-api-address=[::1]:80"], { action: "run", runtimeApi: { hostname: "[::1]", port: 80 }, command: [] }],
  ])("%j", (args, read) => {
    expect(readCommandLine(args)).toEqual(read as never);
  });

  test.each([
    [["--nope"], "the flag --nope does not exist: see --help"],
    [["--runtime-api-adress=x"], "the flag --runtime-api-adress does not exist: did you mean --runtime-api-address?"],
    [["--runtime-api-address", "nowhere"], '--runtime-api-address is "nowhere": it must be HOST:PORT'],
    [["--runtime-api-address", ":80"], '--runtime-api-address is ":80"'],
    [["--runtime-api-address"], "--runtime-api-address has no value"],
    [["--runtime-api-address", "--help"], "--runtime-api-address has no value"],
    [["--help=now"], '--help is "now": it must be given without a value'],
  ])("%j is refused", (args, message) => {
    expect(() => readCommandLine(args)).toThrow(ConfigurationError);
    expect(() => readCommandLine(args)).toThrow(message);
  });
});
