import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Told } from "../fixtures/scripted-runtime.ts";
import { freePort } from "../support/free-port.ts";
import { hasNamespaces } from "../support/namespaces.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { type Emulator, scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";

afterEach(stopEmulators);

const directory = () => mkdtempSync(`${tmpdir()}/emulator-`);

describe("the command line", () => {
  test("T38: with one argument has its handler from _HANDLER", async () => {
    const cwd = directory();
    const program = `${cwd}/entry`;
    writeFileSync(program, `#!/bin/sh\nexec ${scriptedRuntime.join(" ")} "$@"\n`, { mode: 0o755 });
    const emulator = await startEmulator([program], { cwd, env: { _HANDLER: "app.h" } });
    const told = await emulator.ask();
    expect([told.env._HANDLER, told.cwd, told.argv]).toEqual(["app.h", cwd, []]);
    expect(emulator.stderr).toContain(`exec '${program}' (cwd=${cwd}, handler=)`);
  });

  test("T39: has AWS's flags anywhere, and the rest is the runtime's", async () => {
    const port = freePort();
    const address = ["--runtime-interface-emulator-address", `127.0.0.1:${port}`];
    const emulator = await startEmulator([...scriptedRuntime, "a", "--timeout", ...address, "c"]);
    const answer = await fetch(`http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`, {
      method: "POST",
      body: "{}",
    });
    const told = (await answer.json()) as Told;
    expect([told.argv, told.env._HANDLER]).toEqual([["a", "--timeout", "c"], "c"]);
    expect(emulator.stderr).toContain("handler=c)");
  });

  test.each([["--help"], ["--version"]])(
    "T40: %s is ours before the command, and the function's behind it",
    async (flag) => {
      const alone = await startEmulator([flag], { mayFail: true });
      expect([await alone.exited(), alone.stdout.length > 0, alone.stderr]).toEqual([0, true, ""]);
      const behind = await startEmulator([...scriptedRuntime, flag]);
      expect((await behind.ask()).argv).toEqual([flag]);
    },
  );

  test("T41: with a flag misspelt is refused, with the one that was meant", async () => {
    const emulator = await startEmulator(["--tiemout", "3", ...scriptedRuntime], { mayFail: true });
    expect(await emulator.exited()).toBe(2);
    expect(emulator.stderr.trim().split("\n")).toHaveLength(1);
    expect(emulator.stderr).toContain("--timeout");
  });

  test("T42: has its address from a variable, unless a flag names one", async () => {
    const [named, other] = [freePort(), freePort()];
    const flags = ["--runtime-api-address", `127.0.0.1:${freePort()}`];
    const env = { RUNTIME_INTERFACE_EMULATOR_ADDRESS: `127.0.0.1:${named}` };
    const answers = async (port: number) =>
      await fetch(`http://127.0.0.1:${port}/`, { method: "POST" }).then(
        ({ status }) => status,
        () => "nothing",
      );
    if (process.env.E2E_OWN_NETWORK === "1") {
      const first = await startEmulator(scriptedRuntime, { env });
      expect(await answers(named)).toBe(405);
      await first.stop();
    }
    await startEmulator(scriptedRuntime, {
      flags: [...flags, "--runtime-interface-emulator-address", `127.0.0.1:${other}`],
      env,
    });
    expect([await answers(named), await answers(other)]).toEqual(["nothing", 405]);
  });

  test.skipIf(!hasNamespaces)("T37: without a command takes the first bootstrap there is", async () => {
    const root = directory();
    for (const place of ["task", "opt", "runtime"]) mkdirSync(`${root}/${place}`);
    for (const [place, path] of [
      ["runtime", "/var/runtime/bootstrap"],
      ["opt", "/opt/bootstrap"],
      ["task", "/var/task/bootstrap"],
    ]) {
      writeFileSync(`${root}/${place}/bootstrap`, `#!/bin/sh\nexec ${scriptedRuntime.join(" ")} ${place}\n`, {
        mode: 0o755,
      });
      const mounts = ["task", "opt", "runtime"].map(
        (name) =>
          `mkdir -p ${name === "opt" ? "/opt" : `/var/${name}`}; mount --bind ${root}/${name} ${name === "opt" ? "/opt" : `/var/${name}`};`,
      );
      const prefix = ["unshare", "-m", "sh", "-c", `${mounts.join(" ")} exec "$@"`, "sh"];
      const emulator = await startEmulator([], { prefix });
      const told = await emulator.ask();
      expect([told.argv, told.cwd]).toEqual([[place as string], "/var/task"]);
      expect(emulator.stderr).toContain(`exec '${path}' (cwd=/var/task, handler=)`);
      await emulator.stop();
    }
  });
});

describe("the environment", () => {
  test("T61: with a timeout that is none has one warning, and the default", async () => {
    for (const timeout of ["abc", "0", "-1", "3.5"]) {
      const emulator = await startEmulator(scriptedRuntime, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: timeout } });
      const { headers } = await emulator.ask();
      const left = Number(headers["lambda-runtime-deadline-ms"]) - Date.now();
      expect([timeout, left > 290_000, left <= 300_000]).toEqual([timeout, true, true]);
      expect(emulator.stderr.match(/AWS_LAMBDA_FUNCTION_TIMEOUT/g)).toHaveLength(1);
      await emulator.stop();
    }
  });

  test("T62: reaches the function whole, and no key is invented", async () => {
    const given = {
      HOME: "/home/x",
      TZ: "Asia/Tokyo",
      BUN_OPTIONS: "--title=x",
      _X_AMZN_TRACE_ID: "Root=1",
      MINE: "1",
      EMPTY: "",
    };
    const emulator = await startEmulator(scriptedRuntime, { env: given });
    const { env } = await emulator.ask();
    expect(env).toMatchObject(given);
    expect(env).toMatchObject({
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${emulator.runtimeApiPort}`,
      AWS_LAMBDA_FUNCTION_NAME: "test_function",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "3008",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/Functions",
      AWS_LAMBDA_LOG_STREAM_NAME: "$LATEST",
    });
    expect(Object.keys(env).filter((name) => /^AWS_(ACCESS|SECRET|SESSION)/.test(name))).toEqual([]);
  });

  test("--env-file adds to it, and what was given wins", async () => {
    const file = `${directory()}/.env`;
    writeFileSync(file, "FROM_FILE=1\nBOTH=file\n");
    const emulator = await startEmulator(scriptedRuntime, { flags: ["--env-file", file], env: { BOTH: "given" } });
    expect((await emulator.ask()).env).toMatchObject({ FROM_FILE: "1", BOTH: "given" });
  });
});

describe("a debugger", () => {
  test("T45: that may wait takes every limit away", async () => {
    const env = { NODE_OPTIONS: "--inspect-brk", AWS_LAMBDA_FUNCTION_TIMEOUT: "1", SCRIPT_INIT: "sleep 1500" };
    const emulator = await startEmulator(scriptedRuntime, { env });
    const told = await emulator.ask({ sleepMs: 1500 });
    expect(Number(told.headers["lambda-runtime-deadline-ms"])).toBeGreaterThan(Date.now() + 3_600_000);
    expect(emulator.stderr.match(/time limits are off/g)).toHaveLength(1);
  });
});

describe("the end", () => {
  test("T57: SIGTERM while idle ends it soon, and well", async () => {
    const emulator = await startEmulator();
    await emulator.ask();
    const elapsed = stopwatch();
    expect(await emulator.stop("SIGTERM")).toBe(0);
    expect(elapsed()).toBeLessThan(2200);
  });

  test("T57: SIGINT in a call answers it, and ends", async () => {
    const emulator = await startEmulator(scriptedRuntime, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "30" } });
    const called = emulator.invoke({ print: "here\n", hang: true });
    await emulator.until("the function to run", ({ stdout }) => stdout.includes("here"));
    const elapsed = stopwatch();
    expect(await emulator.stop("SIGINT")).toBe(0);
    expect(elapsed()).toBeLessThan(2700);
    expect((await called).status).toBe(200);
  });

  test("T58: is at the start where a port is taken, with one line", async () => {
    for (const flag of ["--runtime-interface-emulator-address", "--runtime-api-address"]) {
      const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
      const emulator = await startEmulator([flag, `127.0.0.1:${holder.port}`, ...scriptedRuntime], { mayFail: true });
      expect(await emulator.exited()).toBe(1);
      expect(emulator.stderr.trim().split("\n")).toHaveLength(1);
      expect(emulator.stderr).toContain(`127.0.0.1:${holder.port}`);
      holder.stop(true);
    }
  });
});

describe("one call from the command line", () => {
  const call = (event: string, options: { stdin?: string } = {}): Promise<Emulator> =>
    startEmulator(scriptedRuntime, { flags: ["--event", event], mayFail: true, ...options });

  test("has its result on stdout, and everything else on stderr", async () => {
    const file = `${directory()}/event.json`;
    writeFileSync(file, '{"print":"said\\n","respond":"{\\"a\\":1}"}');
    const emulator = await call(file);
    expect([await emulator.exited(), emulator.stdout]).toEqual([0, '{"a":1}\n']);
    expect(emulator.stderr).toMatch(/START .*\nsaid\nEND .*\nREPORT /);
  });

  test("takes the event from standard input, and fails with the function", async () => {
    const emulator = await call("-", { stdin: '{"error":"{\\"errorType\\":\\"E\\"}"}' });
    expect([await emulator.exited(), emulator.stdout]).toEqual([1, '{"errorType":"E"}\n']);
  });

  test.each([
    ["/no/such/file", undefined],
    ["-", "{no json"],
  ])("with the event %s %s is refused", async (event, stdin) => {
    const emulator = await call(event, stdin === undefined ? {} : { stdin });
    expect([await emulator.exited(), emulator.stdout]).toEqual([2, ""]);
    expect(emulator.stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("the metadata endpoint", () => {
  test("T56: tells the zone to whoever has the token", async () => {
    const emulator = await startEmulator();
    const { env } = await emulator.ask();
    expect(env.AWS_LAMBDA_METADATA_API).toBe(`127.0.0.1:${emulator.runtimeApiPort}`);
    const url = `http://${env.AWS_LAMBDA_METADATA_API}/2026-01-15/metadata/execution-environment`;
    const headers = { Authorization: `Bearer ${env.AWS_LAMBDA_METADATA_TOKEN}` };
    const good = await fetch(url, { headers });
    expect([good.status, good.headers.get("content-type"), await good.text()]).toEqual([
      200,
      "application/json",
      '{"AvailabilityZoneID":"use1-az1"}',
    ]);
    expect(good.headers.get("cache-control")).toBe("private, max-age=43200, immutable");
    const without = await fetch(url);
    expect([without.status, await without.text()]).toEqual([401, "Unauthorized\n"]);
    const posted = await fetch(url, { method: "POST", headers });
    expect([posted.status, await posted.text()]).toEqual([405, "Method Not Allowed\n"]);
  });
});

describe("port 0", () => {
  test("E20: is a free one, which is told", async () => {
    const flags = ["--port", "0", "--runtime-api-address", "127.0.0.1:0"];
    const emulator = await startEmulator([...flags, ...scriptedRuntime]);
    const [, port] = /the Invoke API listens on 0\.0\.0\.0:(\d+)\n/.exec(emulator.stderr) ?? [];
    const path = "/2015-03-31/functions/function/invocations";
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body: "{}" });
    const { env } = (await answer.json()) as Told;
    expect(env.AWS_LAMBDA_RUNTIME_API).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(env.AWS_LAMBDA_RUNTIME_API).not.toBe("127.0.0.1:0");
  });
});
