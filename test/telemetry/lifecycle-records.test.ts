import { describe, expect, test } from "bun:test";
import type { InitReport } from "../../src/telemetry/events.ts";
import * as lifecycle from "../../src/telemetry/lifecycle-records.ts";
import { at, dialects, facts, logs, only, telemetry, texts } from "./dialects.ts";

const init: InitReport = {
  phase: "init",
  status: "success",
  errorType: undefined,
  durationMs: 12.3456789,
  isRuntimeTried: true,
  extensions: [],
};
const failedInit: InitReport = { ...init, phase: "invoke", status: "error", errorType: "Runtime.ExitError" };

describe("platform.initStart", () => {
  const type = "platform.initStart";

  test("is told by the Telemetry API", () => {
    expect(texts(lifecycle.initStart(at, "init", facts))).toEqual(
      only(
        telemetry,
        type,
        '{"initializationType":"on-demand","phase":"init","functionName":"fn","functionVersion":"$LATEST",' +
          '"instanceMaxMemory":134217728}',
      ),
    );
  });

  test("has the instance where it is known, and its phase", () => {
    const known = { ...facts, instanceId: "2026/01/02/[$LATEST]a", initializationType: "provisioned-concurrency" };
    expect(texts(lifecycle.initStart(at, "invoke", known))).toEqual(
      only(
        telemetry,
        type,
        '{"initializationType":"provisioned-concurrency","phase":"invoke","functionName":"fn",' +
          '"functionVersion":"$LATEST","instanceId":"2026/01/02/[$LATEST]a","instanceMaxMemory":134217728}',
      ),
    );
  });
});

describe("the end of an init", () => {
  test.each([
    [
      "platform.initRuntimeDone",
      lifecycle.initRuntimeDone(at, init, facts),
      '{"initializationType":"on-demand","phase":"init","status":"success"}',
    ],
    [
      "platform.initRuntimeDone",
      lifecycle.initRuntimeDone(at, failedInit, facts),
      '{"initializationType":"on-demand","phase":"invoke","status":"error","errorType":"Runtime.ExitError"}',
    ],
    [
      "platform.initReport",
      lifecycle.initReport(at, init, facts),
      '{"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":12.346}}',
    ],
    [
      "platform.initReport",
      lifecycle.initReport(at, failedInit, facts),
      '{"initializationType":"on-demand","phase":"invoke","status":"error","errorType":"Runtime.ExitError",' +
        '"metrics":{"durationMs":12.346}}',
    ],
  ])("is %s, told by the Telemetry API", (type, event, record) => {
    expect(texts(event)).toEqual(only(telemetry, type, record));
  });

  test("is a success of a runtime that had asked for its first event, whatever an extension did", () => {
    const event = lifecycle.initRuntimeDone(at, { ...failedInit, isRuntimeReady: true }, facts);
    expect(texts(event)).toEqual(
      only(
        telemetry,
        "platform.initRuntimeDone",
        '{"initializationType":"on-demand","phase":"invoke","status":"success"}',
      ),
    );
  });

  test("is the state of each extension, told everywhere", () => {
    const extension = { name: "a", state: "Ready", events: ["INVOKE", "SHUTDOWN"], errorType: undefined };
    expect(texts(lifecycle.extensionState(at, extension))).toEqual(
      only(dialects, "platform.extension", '{"name":"a","state":"Ready","events":["INVOKE","SHUTDOWN"]}'),
    );
    const broken = { name: "a", state: "InitError", events: [], errorType: "Extension.Own" };
    expect(texts(lifecycle.extensionState(at, broken))).toEqual(
      only(dialects, "platform.extension", '{"name":"a","state":"InitError","events":[],"errorType":"Extension.Own"}'),
    );
  });
});

describe("a restore", () => {
  const good = { status: "success", errorType: undefined, durationMs: 70.8765 } as const;
  const failed = { status: "error", errorType: "Runtime.AfterRestoreError", durationMs: 1 } as const;
  const inAll = (type: string, ofLogs: string, ofTelemetry: string) => ({
    ...only(logs, type, ofLogs),
    ...Object.fromEntries(telemetry.map((dialect) => [dialect, `"${type}","record":${ofTelemetry}`])),
  });

  test("begins with platform.restoreStart", () => {
    const instance = '{"functionName":"fn","functionVersion":"$LATEST","instanceMaxMemory":134217728}';
    expect(texts(lifecycle.restoreStart(at, facts))).toEqual(inAll("platform.restoreStart", "{}", instance));
  });

  test.each([
    [good, '{"status":"success"}'],
    [failed, '{"status":"error","errorType":"Runtime.AfterRestoreError"}'],
  ])("is done with platform.restoreRuntimeDone: %j", (report, record) => {
    expect(texts(lifecycle.restoreRuntimeDone(at, report))).toEqual(
      only(telemetry, "platform.restoreRuntimeDone", record),
    );
  });

  test.each([
    [
      good,
      '{"metrics":{"durationMs":70.877,"billedDurationMs":71}}',
      '{"status":"success","metrics":{"durationMs":70.877}}',
    ],
    [
      failed,
      '{"metrics":{"durationMs":1,"billedDurationMs":1}}',
      '{"status":"error","errorType":"Runtime.AfterRestoreError","metrics":{"durationMs":1}}',
    ],
  ])("ends with platform.restoreReport: %j", (report, ofLogs, ofTelemetry) => {
    expect(texts(lifecycle.restoreReport(at, report))).toEqual(inAll("platform.restoreReport", ofLogs, ofTelemetry));
  });
});
