import { beforeEach, describe, expect, test } from "bun:test";
import type { InitReport, InvocationReport } from "../../../src/telemetry/events.ts";
import type { LogLevels } from "../../../src/telemetry/log/json-levels.ts";
import { LogBuffer } from "../../../src/telemetry/log/log-buffer.ts";
import { JsonFormat, type LogFormat, TextFormat } from "../../../src/telemetry/log/log-format.ts";
import type { FunctionFacts } from "../../../src/telemetry/records.ts";

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const time = "2026-01-02T03:04:05.006Z";

const facts: FunctionFacts = {
  functionName: "fn",
  functionVersion: "7",
  memorySizeMb: 128,
  initializationType: "on-demand",
  instanceId: "",
};

const begun = { requestId: "id-1", traceId: "" };

const ended: InvocationReport = {
  ...begun,
  status: "success",
  errorType: undefined,
  faultReason: undefined,
  durationMs: 2.5,
  runtimeMs: 2.25,
  producedBytes: 4,
  spans: [],
  maxMemoryMb: 30,
  initDurationMs: 100,
};
const failed: InvocationReport = { ...ended, status: "error", errorType: "Runtime.ExitError" };

const init: InitReport = {
  phase: "init",
  status: "success",
  errorType: undefined,
  durationMs: 10,
  isRuntimeTried: true,
  extensions: [{ name: "a", state: "Ready", events: [], errorType: undefined }],
};
const failedInit: InitReport = {
  ...init,
  status: "error",
  errorType: "Extension.InitError",
  extensions: [
    { name: "a", state: "Ready", events: [], errorType: undefined },
    { name: "b", state: "InitError", events: [], errorType: "Own" },
  ],
};

let buffer: LogBuffer;
beforeEach(() => {
  buffer = new LogBuffer();
});

/** One init, one invocation with a line of everybody. */
function tell(format: LogFormat, initReport: InitReport, report: InvocationReport): void {
  format.initStarted(at, initReport.phase);
  format.initEnded(at, initReport);
  format.started(at, begun);
  for (const [type, line] of [
    ["function", "of the function"],
    ["extension", "of an extension"],
  ] as const) {
    if (format.takesLines) format.line(type, line, at);
    else format.output(Buffer.from(`${line}\n`));
  }
  format.ended(at, report);
}

describe("the text format", () => {
  test("takes output as it comes", () => {
    expect(new TextFormat(buffer, facts).takesLines).toBe(false);
  });

  test("has START, the output of all, END and REPORT, and nothing of init", () => {
    tell(new TextFormat(buffer, facts), init, ended);
    expect(buffer.take().text()).toBe(
      "START RequestId: id-1 Version: 7\nof the function\nof an extension\nEND RequestId: id-1\n" +
        "REPORT RequestId: id-1\tDuration: 2.50 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\t" +
        "Max Memory Used: 30 MB\tInit Duration: 100.00 ms\t\n",
    );
  });

  test.each([
    ["timeout", "Status: timeout\n"],
    ["error", "\t\n"],
    ["failure", "\t\n"],
  ] as const)("ends the report of the status %s with %j", (status, end) => {
    new TextFormat(buffer, facts).ended(at, { ...ended, status });
    expect(buffer.take().text()).toEndWith(end);
  });

  test("leaves what is unfinished to its writer", () => {
    const format = new TextFormat(buffer, facts);
    format.output(Buffer.from("un"));
    format.output(Buffer.from("finished"));
    format.ended(at, ended);
    expect(buffer.take().text()).toStartWith("unfinished\nEND RequestId: id-1\n");
  });
});

describe("the JSON format", () => {
  const lines = () => buffer.take().text().split("\n");
  const json = (levels: Partial<LogLevels> = {}) =>
    new JsonFormat(buffer, facts, { application: "INFO", system: "INFO", ...levels });

  test("takes whole lines", () => {
    expect(json().takesLines).toBe(true);
  });

  const record = (type: string, text: string) => `{"time":"${time}","type":"platform.${type}","record":${text}}`;
  const extension = record("extension", '{"name":"a","state":"Ready","events":[]}');
  const start = record("start", '{"requestId":"id-1","version":"7"}');
  const metrics =
    '"metrics":{"durationMs":2.5,"billedDurationMs":3,"memorySizeMB":128,"maxMemoryUsedMB":30,"initDurationMs":100}';
  const report = record("report", `{"requestId":"id-1","status":"success",${metrics}}`);
  const output = ["of the function", "of an extension"];

  test("has one record a line, and what succeeds in short", () => {
    tell(json(), init, ended);
    expect(lines()).toEqual([extension, start, ...output, report, ""]);
  });

  test("has all where the system's level is DEBUG", () => {
    tell(json({ system: "DEBUG" }), init, ended);
    expect(lines()).toEqual([
      record(
        "initStart",
        '{"initializationType":"on-demand","phase":"init","functionName":"fn","functionVersion":"7",' +
          '"instanceMaxMemory":134217728}',
      ),
      record("initRuntimeDone", '{"initializationType":"on-demand","phase":"init","status":"success"}'),
      extension,
      record(
        "initReport",
        '{"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":10}}',
      ),
      start,
      ...output,
      record(
        "runtimeDone",
        '{"requestId":"id-1","status":"success","metrics":{"durationMs":2.25,"producedBytes":4},"spans":[]}',
      ),
      report,
      "",
    ]);
  });

  const typesOf = () =>
    lines()
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line).type.slice("platform.".length));

  test("has nothing of a success where the system's level is WARN", () => {
    tell(json({ system: "WARN" }), init, ended);
    expect(typesOf()).toEqual([]);
  });

  test("has all that failed where the system's level is WARN", () => {
    tell(json({ system: "WARN" }), failedInit, failed);
    expect(typesOf()).toEqual(["initRuntimeDone", "extension", "initReport", "runtimeDone", "report"]);
  });

  test("names the extension that failed, not the others, where the system's level is WARN", () => {
    json({ system: "WARN" }).initEnded(at, failedInit);
    expect(lines()).toContain(record("extension", '{"name":"b","state":"InitError","events":[],"errorType":"Own"}'));
  });

  test("has nothing of a runtime that was not tried", () => {
    json({ system: "DEBUG" }).initEnded(at, { ...failedInit, isRuntimeTried: false, extensions: [] });
    expect(typesOf()).toEqual(["initReport"]);
  });

  test("has the init of another initialization type in short", () => {
    const provisioned = { ...facts, initializationType: "provisioned-concurrency" };
    new JsonFormat(buffer, provisioned, { application: "INFO", system: "INFO" }).initEnded(at, {
      ...init,
      extensions: [],
    });
    expect(typesOf()).toEqual(["initReport"]);
  });

  test("leaves out lines of the function below its level, and none of an extension's", () => {
    const format = json({ application: "WARN" });
    const debug = JSON.stringify({ timestamp: time, level: "DEBUG" });
    for (const type of ["function", "extension"] as const) {
      format.line(type, debug, at);
      format.line(type, "text", at);
    }
    expect(lines()).toEqual([debug, "text", ""]);
  });

  test("has a timestamp in each object of the function, and leaves an extension's alone", () => {
    const format = json();
    format.line("function", '{"a":1}', at);
    format.line("extension", '{"a":1}', at);
    expect(lines()).toEqual([`{"a":1,"timestamp":"${time}"}`, '{"a":1}', ""]);
  });
});
