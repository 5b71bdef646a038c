import { describe, expect, test } from "bun:test";
import { readEmulatorCommandLine } from "../../src/settings/emulator-flags.ts";
import { ConfigurationError } from "../../src/settings/setting.ts";

const read = (args: string[], env: Record<string, string> = {}) => readEmulatorCommandLine(args, env);

test("without flags it is AWS's emulator", () => {
  expect(read(["/lambda-entrypoint.sh", "app.handler"])).toEqual({
    action: "run",
    command: ["/lambda-entrypoint.sh", "app.handler"],
    installInto: undefined,
    flags: {
      logLevel: undefined,
      hostname: undefined,
      port: 8080,
      runtimeApi: { hostname: "127.0.0.1", port: 9001 },
      isInitCachingOn: false,
      concurrency: 1,
      queue: 100,
      isWatching: false,
      envFiles: [],
      timeoutSeconds: undefined,
      memorySizeMb: undefined,
      functionName: undefined,
      init: undefined,
      event: undefined,
      isTimeoutOff: false,
      isUiOff: false,
      functionUrl: undefined,
      cors: [],
      eventRetryDelayMs: undefined,
      isNameStrict: false,
      isBandwidthLimited: false,
      availabilityZoneId: undefined,
    },
  });
});

describe("the flags of AWS's emulator", () => {
  const all = ["--log-level", "DEBUG", "--runtime-interface-emulator-address=1.2.3.4:5", "--enable-init-caching"];
  const more = ["--runtime-api-address", "127.0.0.1:9002"];
  test.each([
    ["before the command", [...all, ...more, "CMD", "a", "b"]],
    ["behind it", ["CMD", ...all, "a", ...more, "b"]],
    ["last", ["CMD", "a", "b", ...more, ...all]],
    ["behind a -- of the command's", ["--port", "1", "CMD", "a", "b", ...all, ...more]],
  ])("count %s, and are taken out", (_, args) => {
    const { command, flags } = read(args);
    expect(command).toEqual(["CMD", "a", "b"]);
    expect(flags).toMatchObject({
      logLevel: "debug",
      hostname: "1.2.3.4",
      isInitCachingOn: true,
      runtimeApi: { hostname: "127.0.0.1", port: 9002 },
    });
  });

  test("behind -- are the function's", () => {
    const { command, flags } = read(["--port", "1", "--", "CMD", "--log-level", "debug"]);
    expect(command).toEqual(["CMD", "--log-level", "debug"]);
    expect(flags).toMatchObject({ port: 1, logLevel: undefined });
  });

  test("a -- of the command's stays in it and ends nothing", () => {
    expect(read(["CMD", "--", "--log-level", "debug", "x"])).toMatchObject({
      command: ["CMD", "--", "x"],
      flags: { logLevel: "debug" },
    });
  });

  test("a value that is -- is none", () => {
    expect(() => read(["--event", "--", "CMD"])).toThrow("--event has no value");
  });

  test.each(["panic", "Fatal", "ERROR", "warn", "info", "trace"])("level %s in any case", (word) => {
    expect(read(["--log-level", word]).flags.logLevel).toBe(word.toLowerCase() as never);
  });

  test("level warning is warn", () => {
    expect(read(["--log-level", "Warning"]).flags.logLevel).toBe("warn");
  });
});

describe("our own flags", () => {
  test.each([
    [["--port", "0"], { port: 0 }],
    [["--port=9000", "--host", "::1"], { port: 9000, hostname: "::1" }],
    [["--concurrency", "8", "--queue", "0"], { concurrency: 8, queue: 0 }],
    [["--watch", "--no-ui", "--no-timeout"], { isWatching: true, isUiOff: true, isTimeoutOff: true }],
    [["--env-file", "a", "--env-file=b"], { envFiles: ["a", "b"] }],
    [["--timeout", "3", "--memory", "512"], { timeoutSeconds: 3, memorySizeMb: 512 }],
    [["--function-name", "fn", "--strict-name"], { functionName: "fn", isNameStrict: true }],
    [["--init", "eager"], { init: "eager" }],
    [["--event", "-"], { event: "-" }],
    [["--event", "event.json"], { event: "event.json" }],
    [
      ["--cors", "https://a.example,http://localhost:5173", "--cors=*"],
      { cors: ["https://a.example", "http://localhost:5173", "*"] },
    ],
    [["--event-retry-delay", "0.1"], { eventRetryDelayMs: 100 }],
    [
      ["--bandwidth", "--availability-zone-id", "usw2-az2"],
      { isBandwidthLimited: true, availabilityZoneId: "usw2-az2" },
    ],
    [["--function-url", "3000"], { functionUrl: { port: 3000, mode: "BUFFERED", cors: undefined } }],
    [
      [
        "--function-url",
        "0",
        "--function-url-mode",
        "RESPONSE_STREAM",
        "--function-url-cors",
        '{"AllowOrigins":["*"],"MaxAge":60}',
      ],
      {
        functionUrl: {
          port: 0,
          mode: "RESPONSE_STREAM",
          cors: {
            AllowOrigins: ["*"],
            AllowMethods: [],
            AllowHeaders: [],
            ExposeHeaders: [],
            AllowCredentials: false,
            MaxAge: 60,
          },
        },
      },
    ],
    [["--timeout", "1", "--timeout", "2"], { timeoutSeconds: 2 }],
  ])("%j", (args, flags) => {
    const found = read([...args, "CMD", "x"]);
    expect(found.flags).toMatchObject(flags as never);
    expect(found.command).toEqual(["CMD", "x"]);
  });

  test.each([[["--timeout", "3"]], [["--help"]], [["--version"]], [["-h"]], [["--unknown"]], [["--port=1"]]])(
    "behind the command %j is the function's",
    (words) => {
      const command = ["CMD", ...words];
      expect(read(command)).toMatchObject({ action: "run", command, flags: { port: 8080, timeoutSeconds: undefined } });
    },
  );

  test("--help, --version and --licenses", () => {
    expect(read(["--help"]).action).toBe("help");
    expect(read(["-h", "CMD"]).action).toBe("help");
    expect(read(["--version", "CMD"]).action).toBe("version");
    expect(read(["--licenses", "CMD"]).action).toBe("licenses");
  });
});

describe("what is refused, with the next step:", () => {
  test.each([
    [["--tiemout", "3", "CMD"], "the flag --tiemout does not exist: did you mean --timeout?"],
    [["--tiemout=3", "CMD"], "the flag --tiemout does not exist: did you mean --timeout?"],
    [["--enable-init-cachin"], "did you mean --enable-init-caching?"],
    [["--bogus"], "the flag --bogus does not exist: see --help"],
    [["--port", "65536"], '--port is "65536": it must be a port, a whole number, 0 to 65535'],
    [["--port"], "--port has no value"],
    [["--port", "--host", "x"], "--port has no value"],
    [["--watch=x"], '--watch is "x": it must be given without a value'],
    [["--timeout", "0"], '--timeout is "0"'],
    [["--init", "soon"], "one of eager, lazy"],
    [["--log-level", "loud"], "one of panic, fatal, error, warning, info, debug, trace"],
    [["CMD", "--log-level", "loud"], "one of panic"],
    [["CMD", "--log-level"], "--log-level has no value"],
    [["--runtime-interface-emulator-address", "8080"], "it must be HOST:PORT"],
    [["--runtime-interface-emulator-address", "nonsense"], "it must be HOST:PORT"],
    [["--function-url-mode", "BUFFERED"], "--function-url-mode is given without --function-url PORT"],
    [["--function-url-cors", "{}"], "--function-url-cors is given without --function-url PORT"],
    [["--function-url", "1", "--function-url-cors", '{"AllowOrigin":["*"]}'], "a JSON object such as"],
    [["--function-url", "1", "--function-url-cors", '{"MaxAge":86401}'], "MaxAge (0 to 86400)"],
    [["--function-url", "1", "--function-url-cors", '{"AllowCredentials":"yes"}'], "AllowCredentials (true or false)"],
    [["--event-retry-delay", "-1"], "seconds, 0 or more"],
    [["--env-file", ""], "--env-file is"],
  ])("%j", (args, message) => {
    expect(() => read(args)).toThrow(ConfigurationError);
    expect(() => read(args)).toThrow(message);
  });
});

describe("where it listens", () => {
  const name = "RUNTIME_INTERFACE_EMULATOR_ADDRESS";
  test.each([
    [[], { [name]: "127.0.0.1:81" }, "127.0.0.1", 81],
    [[], { [name]: ":81" }, "0.0.0.0", 81],
    [[], { [name]: "" }, undefined, 8080],
    [["--runtime-interface-emulator-address", "0.0.0.0:82"], { [name]: "127.0.0.1:81" }, "0.0.0.0", 82],
    [["CMD", "--runtime-interface-emulator-address", "0.0.0.0:82"], { [name]: "127.0.0.1:81" }, "0.0.0.0", 82],
    [["--port", "83"], { [name]: "127.0.0.1:81" }, "127.0.0.1", 83],
    [["--host", "h"], { [name]: "127.0.0.1:81" }, "h", 81],
    [["--runtime-interface-emulator-address", "[::1]:84"], {}, "[::1]", 84],
  ])("%j with %j is %p port %d", (args, env, hostname, port) => {
    expect(read(args, env as Record<string, string>).flags).toMatchObject({ hostname, port });
  });

  test("a bad variable is named", () => {
    expect(() => read([], { [name]: "8080" })).toThrow(`${name} is "8080": it must be HOST:PORT`);
  });
});
