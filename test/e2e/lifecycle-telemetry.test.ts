/** What log and subscribers are told beyond the on-demand walk: `docs/contract/lifecycle-2.md 2.6` and `docs/contract/lifecycle-2.md 4.6`. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { type ExtensionWorld, startWithExtensions } from "./support/extensions.ts";
import { isRoot, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

const withRoot = test.skipIf(!isRoot);

/** What subscriber a has been told of, from its last subscription on. */
function lastStory(world: ExtensionWorld): { type: string; record: Record<string, unknown> }[] {
  const told = world.records("a");
  const types = told.map(({ type }) => type);
  return told.slice(types.lastIndexOf("platform.initStart")).map(({ type, record }) => ({ type, record }));
}

describe("an init that runs again inside an invocation", () => {
  const initializationType = "on-demand";
  const subscriber = { a: { telemetry: { types: ["platform"], schemaVersion: "2022-12-13" } } };

  withRoot("A24: tells of its phase, and its invocation's report has no Init Duration", async () => {
    const marker = `${mkdtempSync(`${tmpdir()}/init-slow-`)}/started`;
    const command = runFixture("slow-the-first-time.sh", marker, ...runFixture("does-what-the-event-says.ts"));
    const world = startWithExtensions(command, subscriber, { env: { LOCALSTACK_INIT_PHASE_TIMEOUT: "5" } });
    const { id, logs } = await world.init.invoke("{}");
    await world.record("a", "platform.report");
    // The first attempt's subscriber was told of its end before it was ended itself.
    expect(world.records("a").find(({ type }) => type === "platform.initReport")?.record).toMatchObject({
      phase: "init",
      status: "timeout",
    });
    const told = lastStory(world).filter(({ type }) => /init|start|report/i.test(type));
    expect(told.map(({ type }) => type)).toEqual([
      ...["platform.initStart", "platform.initRuntimeDone", "platform.initReport"],
      ...["platform.start", "platform.report"],
    ]);
    expect(told.slice(0, 3).map(({ record }) => record)).toMatchObject([
      { initializationType, phase: "invoke" },
      { initializationType, phase: "invoke", status: "success" },
      { initializationType, phase: "invoke", status: "success" },
    ]);
    expect(told[4]?.record).toMatchObject({ requestId: id, status: "success" });
    expect(told[4]?.record.metrics).not.toHaveProperty("initDurationMs");
    expect(logs).toMatch(/^INIT_REPORT Init Duration: \d{4}\.\d\d ms\tPhase: init\tStatus: timeout\nSTART /);
    expect(logs).not.toMatch(/\tInit Duration|Status: error/);
  });

  withRoot("A25: tells of the error that the runtime reports each time", async () => {
    const error = JSON.stringify({ errorMessage: "m", errorType: "E" });
    const reports = runFixture("reports-an-init-error.bash", error, "1");
    const command = runFixture("runs-once-all-have-subscribed.sh", ...reports);
    const world = startWithExtensions(command, subscriber, { env: { LOCALSTACK_INIT_FAILURE: "invoke" } });
    const { id, logs } = await world.init.invoke("{}");
    const failed = { status: "error", errorType: "Runtime.ImportModuleError" };
    await world.record("a", "platform.report");
    const told = (type: string) => lastStory(world).find((record) => record.type === type)?.record;
    expect(told("platform.initRuntimeDone")).toMatchObject({ ...failed, phase: "invoke" });
    expect(told("platform.initReport")).toMatchObject({ ...failed, phase: "invoke" });
    expect(told("platform.report")).toMatchObject({ ...failed, requestId: id });
    const line = (phase: string) =>
      `INIT_REPORT Init Duration: \\d+\\.\\d\\d ms\\tPhase: ${phase}\\tStatus: error\\tError Type: Runtime.ImportModuleError\\n`;
    expect(logs).toMatch(
      new RegExp(
        `${line("init")}[^]*${line("invoke")}START RequestId: ${id} [^]*END RequestId: ${id}\\nREPORT .*\\tStatus: error\\tError Type: Runtime.ImportModuleError\\n$`,
      ),
    );
  });
});

test("an error type that holds a tab makes no field of its own in a line", async () => {
  const error = JSON.stringify({ errorMessage: "m", errorType: "E" });
  const command = runFixture("reports-an-init-error.bash", error, "1", "Runtime.Own\tStatus: timeout");
  const init = startInit(command, { env: { LOCALSTACK_INIT_FAILURE: "invoke" } });
  const { logs } = await init.invoke("{}");
  const lines = logs.split("\n").filter((line) => /^(INIT_)?REPORT/.test(line));
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toEndWith("\tStatus: error\tError Type: Runtime.Own");
});

test("C9: a restore has its line in front of START, and its figures in REPORT", async () => {
  const init = startInit(runFixture("restores.ts"), { env: { AWS_LAMBDA_INITIALIZATION_TYPE: "snap-start" } });
  const { id, logs } = await init.invoke("{}");
  expect(logs).toMatch(
    new RegExp(
      "^before the snapshot\\nafter the restore\\nRESTORE_REPORT Restore Duration: \\d+\\.\\d\\d ms\\n" +
        `START RequestId: ${id} Version: \\$LATEST\\nEND RequestId: ${id}\\nREPORT RequestId: ${id}\\t.*` +
        "\\tMax Memory Used: \\d+ MB\\tRestore Duration: \\d+\\.\\d\\d ms\\tBilled Restore Duration: \\d+ ms\\t\\n$",
    ),
  );
  expect(logs).not.toContain("Init Duration");
});

describe("a managed instance", () => {
  const env = {
    AWS_LAMBDA_MAX_CONCURRENCY: "4",
    AWS_LAMBDA_INITIALIZATION_TYPE: "lambda-managed-instances",
    AWS_LAMBDA_LOG_FORMAT: "JSON",
  };
  const command = runFixture("serves-several-at-a-time.ts", "4");
  const subscribed = (schemaVersion: string) =>
    startWithExtensions(
      command,
      { a: { events: ["SHUTDOWN"], telemetry: { types: ["platform"], schemaVersion } } },
      { env },
    );

  withRoot("D7: has telemetry in the newest schema only", async () => {
    const old = await subscribed("2022-12-13").saw("a", "subscribed");
    expect([old.status, JSON.parse(old.text as string).errorType]).toEqual([400, "ValidationError"]);
    await stopAll();
    expect(await subscribed("2025-01-29").saw("a", "subscribed")).toMatchObject({ status: 200, text: '"OK"' });
  });

  withRoot("D8: reports an invocation in short", async () => {
    const world = subscribed("2025-01-29");
    const { id } = await world.init.invoke("{}");
    const { record } = await world.record("a", "platform.report");
    const span = (name: string) => ({ name, start: expect.any(String), durationMs: expect.any(Number) });
    expect(record).toEqual({
      requestId: id,
      status: "success",
      metrics: { durationMs: expect.any(Number) },
      spans: [span("responseLatency"), span("responseDuration")],
      tracing: expect.any(Object),
    });
    const types = world.records("a").map(({ type }) => type);
    expect([types.includes("platform.start"), types.includes("platform.runtimeDone")]).toEqual([true, false]);
  });

  test("D11: has each invocation's own lines between its start and its report", async () => {
    const init = startInit(command, { env });
    await init.double.waitForReady();
    const ids = await Promise.all(Array.from({ length: 4 }, () => init.send('{"together":4}')));
    for (const id of ids) {
      const { logs } = await init.double.waitForResult(id);
      const told = logs.trimEnd().split("\n");
      const lines = told
        .map((line) => JSON.parse(line))
        .map((line) => [line.type ?? line.message, (line.record ?? line).requestId]);
      // Lines of nobody, such as those of init, may come along with whichever ends first.
      expect(lines.filter(([, requestId]) => requestId !== undefined)).toEqual([
        ["platform.start", id],
        ["begins", id],
        ["ends", id],
        ["platform.report", id],
      ]);
    }
  });
});
