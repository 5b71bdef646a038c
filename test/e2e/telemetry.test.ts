import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { TelemetryPlan } from "../fixtures/extension.ts";
import { type DeliveredRecord, type ExtensionWorld, startWithExtensions } from "./support/extensions.ts";
import { Gate } from "./support/gate.ts";
import { isRoot, runFixture, stopAll } from "./support/init.ts";

afterEach(stopAll);

const withRoot = test.skipIf(!isRoot);

let world: ExtensionWorld;

function start(telemetry: TelemetryPlan, options: Parameters<typeof startWithExtensions>[2] = {}): void {
  const onInvoke = [{ print: "from the extension for $id\n" }];
  world = startWithExtensions(runFixture("does-what-the-event-says.ts"), { a: { telemetry, onInvoke } }, options);
}

const say = (instruction: object) => world.init.invoke(JSON.stringify(instruction));

const types = (records: readonly DeliveredRecord[]) => records.map(({ type }) => type);

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const tracing = { spanId: "b", type: "X-Amzn-Trace-Id", value: "Root=1-a;Parent=b;Sampled=1" };

/** Whether the extension is still at work when the runtime is done is up to the two of them. */
function withoutOverhead({ type, record }: { type: string; record: unknown }) {
  if (type !== "platform.report") return { type, record };
  const { spans: _, ...rest } = record as Record<string, unknown>;
  return { type, record: rest };
}

const span = (name: string) => ({ name, start: expect.stringMatching(time), durationMs: expect.any(Number) });

const functionArn = "arn:aws:lambda:us-east-1:000000000000:function:fn";

/** What one init and one invocation of a good function that prints two lines are in the Telemetry API. */
const wholeStory = (id: string, schemaVersion = "2022-12-13") => [
  {
    type: "platform.initStart",
    record: {
      initializationType: "on-demand",
      phase: "init",
      functionName: "fn",
      functionVersion: "$LATEST",
      instanceMaxMemory: 128 * 1024 * 1024,
    },
  },
  {
    type: "platform.telemetrySubscription",
    record: { name: "a", state: "Subscribed", types: ["platform", "function"] },
  },
  { type: "platform.initRuntimeDone", record: { initializationType: "on-demand", phase: "init", status: "success" } },
  { type: "platform.extension", record: { name: "a", state: "Ready", events: ["INVOKE", "SHUTDOWN"] } },
  {
    type: "platform.initReport",
    record: {
      initializationType: "on-demand",
      phase: "init",
      status: "success",
      metrics: { durationMs: expect.any(Number) },
    },
  },
  {
    type: "platform.start",
    record: {
      requestId: id,
      ...(schemaVersion === "2022-07-01" ? {} : { functionArn }),
      version: "$LATEST",
      tracing,
    },
  },
  { type: "function", record: "one" },
  { type: "function", record: "two, without an end" },
  {
    type: "platform.runtimeDone",
    record: {
      requestId: id,
      status: "success",
      metrics: { durationMs: expect.any(Number), producedBytes: 2 },
      spans: [span("responseLatency"), span("responseDuration"), span("runtimeOverhead")],
      tracing,
    },
  },
  {
    type: "platform.report",
    record: {
      requestId: id,
      status: "success",
      metrics: {
        durationMs: expect.any(Number),
        billedDurationMs: expect.any(Number),
        memorySizeMB: 128,
        maxMemoryUsedMB: expect.any(Number),
        initDurationMs: expect.any(Number),
      },
      tracing,
    },
  },
];

const twoLines = { print: "one\ntwo, without an end", respond: "ok" };
const platformAndFunction = ["platform", "function"];

describe("the Telemetry API", () => {
  for (const schemaVersion of ["2022-07-01", "2022-12-13", "2025-01-29"]) {
    for (const protocol of ["HTTP", "TCP"] as const) {
      withRoot(`tells the whole story in schema ${schemaVersion} over ${protocol}`, async () => {
        start({ schemaVersion, protocol, types: platformAndFunction });
        const { id } = await say(twoLines);
        await world.record("a", "platform.report");
        expect((await world.saw("a", "subscribed")).text).toBe('"OK"');
        const told = world.records("a");
        expect(told.map(withoutOverhead) as object[]).toEqual(wholeStory(id, schemaVersion) as object[]);
        for (const record of told) {
          expect(record.time).toMatch(time);
          expect(Object.keys(record)).toEqual(["time", "type", "record"]);
        }
        expect(told.map((record) => record.time)).toEqual(told.map((record) => record.time).sort());
      });
    }
  }

  withRoot("gives one who subscribes late what happened before", async () => {
    start({ delayMs: 500, types: ["platform"] });
    await world.record("a", "platform.initReport");
    expect(types(world.records("a")).slice(0, 2)).toEqual(["platform.initStart", "platform.telemetrySubscription"]);
  });

  withRoot("gives only what was asked for", async () => {
    start({ types: ["function"] });
    await say(twoLines);
    await world.record("a", "function", ({ record }) => record === "two, without an end");
    expect(new Set(types(world.records("a")))).toEqual(new Set(["function"]));
  });

  withRoot("tells an extension's lines apart from the function's", async () => {
    start({});
    const { id } = await say(twoLines);
    await world.record("a", "extension", ({ record }) => record === `from the extension for ${id}`);
    await world.record("a", "function", ({ record }) => record === "two, without an end");
    const lines = world.records("a").filter(({ type }) => type === "function");
    expect(lines.map(({ record }) => record)).toEqual(["one", "two, without an end"]);
  });

  withRoot("sends again what was refused, in order and without a gap", async () => {
    start({ refuses: 3, types: platformAndFunction });
    const { id } = await say(twoLines);
    await world.record("a", "platform.report");
    expect(world.records("a").map(withoutOverhead) as object[]).toEqual(wholeStory(id) as object[]);
  });

  withRoot(
    "never lets a slow subscriber slow an invocation, and tells it what it missed",
    async () => {
      const sign = `${mkdtempSync(`${tmpdir()}/init-sign-`)}/answer`;
      const env = { AWS_LAMBDA_FUNCTION_TIMEOUT: "60" };
      start({ answersOnceThereIs: sign, counts: true, types: ["function"] }, { env });
      // More than may wait for one subscriber, which is 32 MiB.
      const lines = 3 * 200_000;
      for (let count = 0; count < 3; count++) {
        expect((await say({ printBytes: 20_000_000, respond: "ok" })).kind).toBe("response");
      }
      writeFileSync(sign, "");
      const { record } = await world.record("a", "platform.logsDropped");
      expect(record.reason).toBe("Consumer seems to have fallen behind as it has not acknowledged receipt of logs.");
      const others = () =>
        world.journal("a").reduce((sum, entry) => sum + (entry.what === "batch" ? (entry.others as number) : 0), 0);
      const dropped = () =>
        world
          .records("a")
          .filter(({ type }) => type === "platform.logsDropped")
          .reduce((sum, told) => sum + told.record.droppedRecords, 0);
      await world.until("every line was taken or counted", () => (others() + dropped() >= lines ? true : undefined));
      expect(others() + dropped()).toBe(lines);
      expect(record.droppedBytes).toBeGreaterThan(record.droppedRecords * 100);
    },
    60_000,
  );

  withRoot(
    "has an extension's time in the report of the invocation it worked for, and not in the next one",
    async () => {
      const telemetry = { types: ["platform"] };
      const env = { AWS_LAMBDA_FUNCTION_TIMEOUT: "30" };
      const gate = new Gate();
      const onInvoke = [{ until: gate.path }, {}];
      world = startWithExtensions(runFixture("does-what-the-event-says.ts"), { a: { telemetry, onInvoke } }, { env });
      await world.init.double.waitForReady();
      const sentAt = performance.now();
      const first = await say({});
      const answeredAt = performance.now();
      const id = await world.init.send("{}");
      // The longer the extension stands at the gate, the clearer is whose time it counts for.
      await Bun.sleep(1000);
      const openedAt = performance.now();
      await gate.open();
      const second = await world.init.double.waitForResult(id);
      const endedAt = performance.now();
      const report = (id: string) => world.record("a", "platform.report", ({ record }) => record.requestId === id);
      const { spans, metrics } = (await report(first.id)).record;
      expect(spans).toEqual([span("extensionOverhead")]);
      expect(spans[0].durationMs).toBeGreaterThan(openedAt - answeredAt);
      // The answer did not wait for it, and neither did the figures of either invocation.
      expect(metrics.durationMs).toBeLessThan(answeredAt - sentAt);
      expect((await report(id)).record.metrics.durationMs).toBeLessThan(endedAt - openedAt);
      const loggedMs = (logs: string) => Number(/\tDuration: ([\d.]+) ms/.exec(logs)?.[1]);
      expect(loggedMs(first.logs)).toBeLessThan(answeredAt - sentAt);
      expect(loggedMs(second.logs)).toBeLessThan(endedAt - openedAt);
    },
  );

  withRoot("tells of a timeout, a crash and a function's error, and of the init that follows", async () => {
    // Long enough for the start inside the invocation that follows the crash.
    start({ types: ["platform"] }, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" } });
    const failed = await say({ error: "{}", headers: { "Lambda-Runtime-Function-Error-Type": "Function.Own" } });
    const crashed = await say({ exit: 3 });
    await world.record("a", "platform.report", ({ record }) => record.requestId === crashed.id);
    const late = await say({ hang: true });
    await world.record("a", "platform.report", ({ record }) => record.requestId === late.id);
    const recordOf = (type: string, id: string) =>
      world.records("a").find((told) => told.type === type && told.record.requestId === id)?.record;
    const told = [failed, crashed, late].map(({ id }) => {
      const { status, errorType } = recordOf("platform.runtimeDone", id);
      const report = recordOf("platform.report", id);
      expect({ status: report.status, errorType: report.errorType }).toEqual({ status, errorType });
      return [status, errorType];
    });
    expect(told).toEqual([
      ["failure", "Function.Own"],
      ["error", "Runtime.ExitError"],
      ["timeout", undefined],
    ]);
    const inits = world.records("a").filter(({ type }) => type === "platform.initReport");
    expect(inits.map(({ record }) => record.phase)).toEqual(["init", "invoke"]);
  });
});

describe("the Logs API", () => {
  withRoot("tells what its first schema knows", async () => {
    start({ api: "logs", types: platformAndFunction, path: "/lambda_logs", method: "PUT" });
    const { id } = await say(twoLines);
    await world.record("a", "platform.report");
    const told = world.records("a").map(({ type, record }) => ({ type, record }));
    expect(told).toEqual([
      {
        type: "platform.logsSubscription",
        record: { name: "a", state: "Subscribed", types: ["platform", "function"] },
      },
      { type: "platform.extension", record: { name: "a", state: "Ready", events: ["INVOKE", "SHUTDOWN"] } },
      { type: "platform.start", record: { requestId: id, version: "$LATEST" } },
      { type: "function", record: "one" },
      { type: "function", record: "two, without an end" },
      { type: "platform.end", record: { requestId: id } },
      {
        type: "platform.report",
        record: {
          requestId: id,
          metrics: {
            durationMs: expect.any(Number),
            billedDurationMs: expect.any(Number),
            memorySizeMB: 128,
            maxMemoryUsedMB: expect.any(Number),
            initDurationMs: expect.any(Number),
          },
        },
      },
    ]);
    expect(await world.saw("a", "batch")).toMatchObject({ method: "PUT", path: "/lambda_logs" });
  });

  withRoot("tells of the runtime's end in its second, and of faults", async () => {
    start({ api: "logs", schemaVersion: "2021-03-18", types: ["platform"] });
    const { id } = await say({ exit: 3 });
    await world.record("a", "platform.report");
    const told = world.records("a").filter(({ type }) => /runtimeDone|fault/.test(type));
    expect(told.map(({ type, record }) => ({ type, record }))).toEqual([
      { type: "platform.runtimeDone", record: { requestId: id, status: "failure" } },
      {
        type: "platform.fault",
        record: `RequestId: ${id} Error: Runtime exited with error: exit status 3\nRuntime.ExitError`,
      },
    ]);
  });
});

describe("a function that logs in JSON", () => {
  const env = { AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_LOG_LEVEL: "Warn" };
  const at = "2026-01-01T00:00:00.000Z";
  const line = (level: string) => JSON.stringify({ timestamp: at, level, message: level });
  const print = `${line("DEBUG")}\n${line("warn")}\ntext\n${line("ERROR")}`;

  test("has AWS's records around its lines of the wanted level", async () => {
    world = startWithExtensions(runFixture("does-what-the-event-says.ts"), {}, { env });
    const { id, logs } = await say({ print, respond: "ok" });
    const lines = logs.trimEnd().split("\n");
    expect(lines.slice(1, 3)).toEqual([line("warn"), line("ERROR")]);
    expect(lines.map((text) => JSON.parse(text)).filter(({ type }) => type)).toEqual([
      {
        time: expect.stringMatching(time),
        type: "platform.start",
        record: { requestId: id, functionArn, version: "$LATEST", tracing },
      },
      {
        time: expect.stringMatching(time),
        type: "platform.report",
        record: expect.objectContaining({ requestId: id, status: "success" }),
      },
    ]);
    expect(lines).toHaveLength(4);
  });

  test("has all of AWS's records where the system's level is DEBUG", async () => {
    world = startWithExtensions(
      runFixture("does-what-the-event-says.ts"),
      {},
      {
        env: { ...env, LOCALSTACK_SYSTEM_LOG_LEVEL: "DEBUG" },
      },
    );
    const { logs } = await say({ respond: "ok" });
    expect(
      logs
        .trimEnd()
        .split("\n")
        .map((text) => JSON.parse(text).type),
    ).toEqual([
      "platform.initStart",
      "platform.initRuntimeDone",
      "platform.initReport",
      "platform.start",
      "platform.runtimeDone",
      "platform.report",
    ]);
  });

  withRoot("is told to subscribers whole: as objects from schema 2022-12-13 on, as text before", async () => {
    for (const [schemaVersion, told] of [
      ["2022-12-13", [JSON.parse(line("DEBUG")), JSON.parse(line("warn")), "text", JSON.parse(line("ERROR"))]],
      ["2022-07-01", [line("DEBUG"), line("warn"), "text", line("ERROR")]],
    ] as const) {
      start({ schemaVersion, types: ["function"] }, { env });
      await say({ print, respond: "ok" });
      await world.until("four lines", () => (world.records("a").length >= 4 ? true : undefined));
      expect(world.records("a").map(({ record }) => record)).toEqual([...told]);
      await stopAll();
    }
  });
});
