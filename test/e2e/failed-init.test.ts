/** The rows A1 to A23 of how a failed init is told, in the way "status" and in the way "invoke". */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { stopwatch } from "../support/stopwatch.ts";
import { isBeyondQemu } from "../support/target.ts";
import { startWithExtensions } from "./support/extensions.ts";
import { fixture, type Init, isRoot, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

const inInvoke = { LOCALSTACK_INIT_FAILURE: "invoke" };
const provisioned = { AWS_LAMBDA_INITIALIZATION_TYPE: "provisioned-concurrency" };

const kindsOf = (init: Init) => init.double.callbacks.map(({ kind }) => kind);

/** A runtime whose first `count` starts are a shell command, and whose later ones echo. */
function runtime(count: number, command: string, later = runFixture("echoes.ts")) {
  const file = `${mkdtempSync(`${tmpdir()}/init-e2e-`)}/starts`;
  return {
    command: runFixture("differs-at-its-first-starts.sh", file, String(count), command, ...later),
    /** The pids of its starts so far. */
    starts: () => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map(Number) : []),
  };
}

/** An extension that does not end when it is asked to. */
const stubborn = { onShutdown: { ignore: true }, ignoresSigterm: true };

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

/** Posts an init error as a runtime client would, and exits with 1. */
function reports(body: string): string {
  return `exec bash ${fixture("reports-an-init-error.bash")} '${body}' 1`;
}

const own = '{"errorMessage":"m","errorType":"E","trace":["t"]}';

describe("in the way status", () => {
  test("A1: an init of 12 s is told ready when it has ended, for there is no limit", async () => {
    const startedAt = performance.now();
    const { command } = runtime(1, "sleep 12", runFixture("echoes.ts"));
    const init = startInit(command);
    await init.double.waitForReady();
    expect(performance.now() - startedAt).toBeGreaterThan(12_000);
    await init.invoke("1");
    expect(kindsOf(init)).toEqual(["ready", "logs", "response"]);
  }, 30_000);

  test("A2: an error of init is told once, ends init, and has no report of its own", async () => {
    const init = startInit(runtime(99, reports(own)).command);
    expect(await init.exited()).toBe(1);
    expect(kindsOf(init)).toEqual(["status error"]);
    expect(JSON.parse(init.double.callbacks[0]?.text ?? "")).toEqual({ ...JSON.parse(own), requestId: "" });
    expect(init.stdout + init.stderr).not.toContain("INIT_REPORT");
  });

  test("A22: an id that was answered runs again later", async () => {
    const init = startInit(runFixture("scripted-runtime.ts"));
    const script = JSON.stringify({ respond: "first" });
    expect((await init.invoke(script, { id: "again" })).body).toBe("first");
    await init.invoke(JSON.stringify({ sleepMs: 1100 }));
    await init.send(script, { id: "again" });
    await init.double.waitFor("a second answer", () => {
      return (
        init.double.callbacks.filter(({ kind, requestId }) => kind === "response" && requestId === "again").length === 2
      );
    });
  });

  test("A23: an environment of another type answers after a failed invocation", async () => {
    const init = startInit(runFixture("does-what-the-event-says.ts"), { env: provisioned });
    expect((await init.invoke('{"exit":3}')).kind).toBe("error");
    expect((await init.invoke('{"respond":"well"}')).body).toBe("well");
    expect(kindsOf(init)).toEqual(["ready", "status error", "logs", "error", "logs", "response"]);
  });
});

describe("a limit", () => {
  const limit = { LOCALSTACK_INIT_PHASE_TIMEOUT: "1" };
  /** Seconds enough for an extension to start and register. */
  const ampleLimit = { LOCALSTACK_INIT_PHASE_TIMEOUT: "5" };

  test("A3: ends a slow init; the environment is ready without its processes, and init runs again inside the invocation", async () => {
    const [startedAt, elapsed] = [performance.now(), stopwatch()];
    const { command, starts } = runtime(1, "echo first; sleep 30");
    const init = startInit(command, { env: limit });
    await init.double.waitForReady();
    expect(elapsed()).toBeLessThan(4000);
    expect(performance.now() - startedAt).toBeGreaterThan(1000);
    expect(starts().map(isAlive)).toEqual([false]);
    const { id, kind, logs } = await init.invoke('"well"');
    expect(kind).toBe("response");
    expect(logs).toMatch(
      new RegExp(
        `^first\\nINIT_REPORT Init Duration: \\d{4}\\.\\d\\d ms\\tPhase: init\\tStatus: timeout\\nSTART RequestId: ${id} `,
      ),
    );
    expect(logs.match(/INIT_REPORT/g)).toHaveLength(1);
    expect(logs.slice(logs.indexOf("REPORT RequestId"))).not.toMatch(/Init Duration|Status/);
    expect(kindsOf(init)).toEqual(["ready", "logs", "response"]);
  });

  test("A4: leaves a second slow init to the function's timeout, and the next one to the next invocation", async () => {
    const { command, starts } = runtime(2, "sleep 30");
    const init = startInit(command, { env: { ...limit, AWS_LAMBDA_FUNCTION_TIMEOUT: "2" } });
    await init.double.waitForReady();
    const [sentAt, elapsed] = [performance.now(), stopwatch()];
    const { id, kind, body, logs } = await init.invoke("1");
    expect(elapsed()).toBeLessThan(4500);
    expect(performance.now() - sentAt).toBeGreaterThan(2000);
    expect([kind, body]).toEqual([
      "error",
      `{"errorMessage":"RequestId: ${id} Error: Task timed out after 2.00 seconds","errorType":"Sandbox.Timedout"}`,
    ]);
    expect(logs).toMatch(/\tDuration: 2000\.00 ms\t.*\tStatus: timeout\n$/);
    expect((await init.invoke('"well"')).kind).toBe("response");
    expect(starts()).toHaveLength(3);
    expect(kindsOf(init)).toEqual(["ready", "logs", "error", "logs", "response"]);
  });

  test("A13: ends an environment of another type, which is told by a status error", async () => {
    const init = startInit(["sleep", "30"], { env: { ...limit, ...provisioned } });
    const { text } = await init.double.waitForStatusError();
    expect(JSON.parse(text)).toEqual({
      errorMessage: expect.stringMatching(/^RequestId: [0-9a-f-]{36} Error: Init phase timed out after 1 seconds$/),
      errorType: "Sandbox.Timeout",
    });
    expect(await init.stop()).toBe(1);
    expect(kindsOf(init)).toEqual(["status error"]);
  });

  test("A14: of 0 is none", async () => {
    const startedAt = performance.now();
    const { command } = runtime(1, "sleep 12");
    const init = startInit(command, { env: { LOCALSTACK_INIT_PHASE_TIMEOUT: "0" } });
    await init.double.waitForReady();
    expect(performance.now() - startedAt).toBeGreaterThan(12_000);
  }, 30_000);

  test.each([
    ["abc", 1],
    ["-3", 1],
    ["1.5", 1],
    ["", 0],
  ])("A15: of %j costs %d warnings, and nothing else", async (text, warnings) => {
    const init = startInit(runFixture("echoes.ts"), { env: { LOCALSTACK_INIT_PHASE_TIMEOUT: text } });
    expect((await init.invoke("1")).kind).toBe("response");
    expect(await init.stop()).toBe(0);
    expect(init.stderr.match(/LOCALSTACK_INIT_PHASE_TIMEOUT/g) ?? []).toHaveLength(warnings);
  });

  test("A16: is not the function's to see, nor is how a failed init is told", async () => {
    const env = { ...inInvoke, LOCALSTACK_INIT_PHASE_TIMEOUT: "5" };
    const init = startInit(runFixture("scripted-runtime.ts"), { env });
    const { env: seen } = JSON.parse((await init.invoke("{}")).body) as { env: Record<string, string> };
    expect(Object.keys(seen).filter((name) => name.startsWith("LOCALSTACK_INIT"))).toEqual([]);
  });

  test.skipIf(!isRoot)("A17: ends also an extension that does not want to end, before ready", async () => {
    const elapsed = stopwatch();
    const { command, starts } = runtime(1, "sleep 30");
    const { init } = startWithExtensions(command, { one: stubborn }, { env: ampleLimit });
    await init.double.waitForReady();
    expect(elapsed()).toBeLessThan(8500);
    expect(starts().map(isAlive)).toEqual([false]);
    expect((await init.invoke("1")).kind).toBe("response");
  });

  test("A18: that passes as the runtime asks for its first event makes one ready and one answer, whoever wins", async () => {
    for (let run = 0; run < 6; run++) {
      const { command, starts } = runtime(1, `sleep ${0.9 + run * 0.02}`, runFixture("echoes.ts"));
      const init = startInit(command, { env: limit });
      expect((await init.invoke('"well"')).body).toBe('"well"');
      expect(starts().filter(isAlive)).toHaveLength(1);
      expect(await init.stop()).toBe(0);
      expect(kindsOf(init)).toEqual(["ready", "logs", "response"]);
    }
  }, 60_000);

  test.skipIf(!isRoot)("A20: and SIGTERM while its reset runs ends init without a word", async () => {
    const { command } = runtime(1, "sleep 30");
    const world = startWithExtensions(command, { one: stubborn }, { env: ampleLimit });
    const { init } = world;
    await world.saw("one", "event", ({ text }) => String(text).includes("SHUTDOWN"));
    const elapsed = stopwatch();
    expect(await init.stop()).toBe(0);
    expect(elapsed()).toBeLessThan(3500);
    expect(kindsOf(init)).toEqual([]);
  });
});

describe("in the way invoke", () => {
  test("A5, A6: the error is each invocation's, which tries again; nothing is a status, and init stays", async () => {
    const { command, starts } = runtime(99, reports(own));
    const init = startInit(command, { env: inInvoke });
    const first = await init.invoke("1");
    expect(first.kind).toBe("error");
    expect(first.body).toBe(`${own.slice(0, -1)},"requestId":"${first.id}"}`);
    const reportOf = (phase: string) =>
      `INIT_REPORT Init Duration: \\d+\\.\\d\\d ms\\tPhase: ${phase}\\tStatus: error\\tError Type: Runtime\\.ImportModuleError\\n`;
    const end = `START RequestId: ${first.id} .*END RequestId: ${first.id}\\nREPORT .*\\tStatus: error\\tError Type: Runtime\\.ImportModuleError\\n$`;
    expect(first.logs).toMatch(new RegExp(`${reportOf("init")}.*${reportOf("invoke")}.*${end}`, "s"));
    const second = await init.invoke("2");
    expect(second.kind).toBe("error");
    expect(second.logs).toMatch(new RegExp(reportOf("invoke")));
    expect(second.logs).not.toContain("Phase: init");
    expect(starts()).toHaveLength(3);
    expect(kindsOf(init)).toEqual(["ready", "logs", "error", "logs", "error"]);
    expect(await init.stop()).toBe(0);
  });

  test("A7: a start that works clears the failure", async () => {
    const { command, starts } = runtime(2, reports(own));
    const init = startInit(command, { env: inInvoke });
    expect((await init.invoke("1")).kind).toBe("error");
    const second = await init.invoke("2");
    expect(second.kind).toBe("response");
    expect(second.logs.slice(second.logs.indexOf("REPORT RequestId"))).not.toContain("Status");
    expect((await init.invoke("3")).kind).toBe("response");
    expect(starts()).toHaveLength(3);
  });

  test.skipIf(!isRoot)("A7: with an extension, which each init starts anew", async () => {
    const { command, starts } = runtime(2, reports(own));
    const world = startWithExtensions(command, { watcher: {} }, { env: inInvoke });
    expect((await world.init.invoke("1")).kind).toBe("error");
    expect((await world.init.invoke("2")).kind).toBe("response");
    expect(starts()).toHaveLength(3);
    const seen = world.journal("watcher").filter(({ what }) => what === "registered" || what === "event");
    const invoked = seen.filter(({ text }) => String(text).includes('"INVOKE"'));
    expect([seen.filter(({ what }) => what === "registered").length, invoked.length]).toEqual([3, 1]);
  });

  test("A8: a runtime that exits is the invocation's error, by its id", async () => {
    const init = startInit(["sh", "-c", "exit 3"], { env: inInvoke });
    const { id, kind, body, logs } = await init.invoke("1");
    expect([kind, body]).toEqual([
      "error",
      `{"errorMessage":"RequestId: ${id} Error: Runtime exited with error: exit status 3","errorType":"Runtime.ExitError"}`,
    ]);
    expect(logs.match(/INIT_REPORT .*Error Type: Runtime\.ExitError\n/g)).toHaveLength(2);
    expect(kindsOf(init)).toEqual(["ready", "logs", "error"]);
  });

  test.skipIf(isBeyondQemu("errors of exec"))("A9: so is one that is missing", async () => {
    const init = startInit(["/missing/bootstrap"], { env: inInvoke });
    const { kind, body, logs } = await init.invoke("1");
    expect([kind, JSON.parse(body).errorType]).toEqual(["error", "Runtime.InvalidEntrypoint"]);
    expect(logs.match(/INIT_REPORT .*Error Type: Runtime\.InvalidEntrypoint\n/g)).toHaveLength(2);
    expect(logs).toMatch(/\nREPORT .*\tStatus: error\tError Type: Runtime\.InvalidEntrypoint\n$/);
  });

  test.skipIf(!isRoot)("A10: and an extension that ends before it registers", async () => {
    const { init } = startWithExtensions(runFixture("echoes.ts"), { one: { exitFirst: 7 } }, { env: inInvoke });
    const { id, kind, body, logs } = await init.invoke("1");
    expect([kind, body]).toEqual([
      "error",
      `{"errorMessage":"RequestId: ${id} Error: exit status 7","errorType":"Extension.Crash"}`,
    ]);
    expect(logs.match(/INIT_REPORT .*Error Type: Extension\.Crash\n/g)).toHaveLength(2);
  });

  test("A11: an init of another type that went well has a report of its own", async () => {
    const { command } = runtime(1, `echo "from init"; exec "${process.execPath}" ${fixture("echoes.ts")}`);
    const init = startInit(command, { env: { ...inInvoke, ...provisioned } });
    const { logs } = await init.invoke("1");
    expect(logs).toMatch(/^from init\nINIT_REPORT Init Duration: \d+\.\d\d ms\nSTART /);
    expect(logs.slice(logs.indexOf("REPORT RequestId"))).not.toContain("Init Duration");
  });

  test("A12: and one that failed is told by a status error", async () => {
    const { command } = runtime(1, reports(own));
    const init = startInit(command, { env: { ...inInvoke, ...provisioned } });
    expect((await init.double.waitForStatusError()).text).toBe(`${own.slice(0, -1)},"requestId":""}`);
    expect(await init.stop()).toBe(1);
    expect(kindsOf(init)).toEqual(["status error"]);
  });

  test("a crash in an invocation, or between two, is no status either", async () => {
    const init = startInit(runFixture("does-what-the-event-says.ts"), { env: inInvoke });
    expect((await init.invoke('{"exit":3}')).kind).toBe("error");
    await init.invoke('{"exitWhenIdle":4}');
    await init.double.waitFor("the second result", () => kindsOf(init).length === 5);
    await init.invoke("{}");
    expect(kindsOf(init).filter((kind) => kind === "status error")).toEqual([]);
  });

  test("A19: code that changes while init boots makes one ready, and the invocation runs the new one", async () => {
    const code = mkdtempSync(`${tmpdir()}/init-e2e-`);
    writeFileSync(`${code}/version`, "old");
    const { command } = runtime(0, "", [
      "sh",
      "-c",
      'echo up; sleep 3; VERSION=$(cat "$0/version") exec "$@"',
      code,
      ...runFixture("scripted-runtime.ts"),
    ]);
    const init = startInit(command, {
      env: { ...inInvoke, LOCALSTACK_HOT_RELOADING_PATHS: code, LOCALSTACK_INIT_LOG_LEVEL: "debug" },
    });
    await init.waitForStderr("the code is being watched");
    writeFileSync(`${code}/version`, "new");
    await init.double.waitForReady();
    // The reload is due: it follows the first ready.
    await init.waitForStdout(/up.*up/s);
    const { body } = await init.invoke("{}");
    expect(JSON.parse(body).env.VERSION).toBe("new");
    expect(kindsOf(init)).toEqual(["ready", "logs", "response"]);
  });

  test("A21: is-init-retry is taken, and takes the Init Duration away", async () => {
    const init = startInit(runFixture("echoes.ts"), { env: inInvoke });
    const { kind, logs } = await init.invoke("1", { extra: { "is-init-retry": true } });
    expect(kind).toBe("response");
    expect(logs).not.toContain("Init Duration");
  });
});
