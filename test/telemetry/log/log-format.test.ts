import { beforeEach, describe, expect, test } from "bun:test";
import type { InitReport, InvocationReport } from "../../../src/telemetry/events.ts";
import type { LogLevels } from "../../../src/telemetry/log/json-levels.ts";
import { JsonFormat, type LogFormat, TextFormat } from "../../../src/telemetry/log/log-format.ts";
import { SingleLog, SortedLogs } from "../../../src/telemetry/log/log-store.ts";
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

let buffer: SingleLog;
beforeEach(() => {
  buffer = new SingleLog();
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
    if (format.takesLines) format.line(type, line, at, false);
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

  const crash = { status: "error", errorType: "Runtime.ExitError", faultReason: "Runtime exited" } as const;
  const handlerError = { status: "failure", errorType: "Own" } as const;
  const initError = { status: "error", errorType: "Runtime.Own", isInitFailure: true } as const;

  test.each<[string, Partial<InvocationReport>, boolean, string]>([
    ["a timeout", { status: "timeout", faultReason: "Task timed out" }, false, "\tStatus: timeout\n"],
    ["a crash", crash, false, "\tStatus: error\tError Type: Runtime.ExitError\n"],
    ["a crash after the answer", crash, true, "\tStatus: error\tError Type: Runtime.ExitError\n"],
    ["a fault of the environment", { ...crash, status: "failure" }, false, "\tError Type: Runtime.ExitError\n"],
    ["an error of the handler", handlerError, true, "\t\n"],
    ["too large a response", { status: "error", errorType: "Function.ResponseSizeTooLarge" }, true, "\t\n"],
    ["a failed init, told by LocalStack", initError, false, "\t\n"],
    ["a failed init", initError, true, "\tStatus: error\tError Type: Runtime.Own\n"],
  ])("ends the report of %s as AWS does", (_, how, initReports, end) => {
    new TextFormat(buffer, facts, { initReports }).ended(at, { ...ended, ...how });
    expect(buffer.take().text()).toEndWith(end);
  });

  test("names what broke before END, and nothing of a timeout", () => {
    const format = new TextFormat(buffer, facts);
    format.output(Buffer.from("last words"));
    format.ended(at, { ...ended, ...crash });
    expect(buffer.take().text()).toStartWith(
      "last words\nRequestId: id-1 Error: Runtime exited\nRuntime.ExitError\nEND RequestId: id-1\nREPORT ",
    );
    format.ended(at, { ...ended, status: "timeout", faultReason: "Task timed out after 3.00 seconds" });
    expect(buffer.take().text()).toStartWith("END ");
  });

  test("shows END and REPORT in one, for those who read write by write", () => {
    const shown: string[] = [];
    const logs = new SingleLog({ showLine: (text) => void shown.push(text) });
    new TextFormat(logs, facts).ended(at, ended);
    expect(shown).toEqual([expect.stringMatching(/^END RequestId: id-1\nREPORT RequestId: id-1\t.*\n$/)]);
  });

  test.each([
    [false, 3],
    [true, 103],
  ])("bills init (%p)", (billsInit, billed) => {
    new TextFormat(buffer, { ...facts, billsInit }).ended(at, ended);
    expect(buffer.take().text()).toContain(`\tBilled Duration: ${billed} ms\t`);
  });

  describe("of an init", () => {
    const inits: [string, string, Partial<InitReport>, string][] = [
      ["a good one", "on-demand", {}, ""],
      ["a good one", "provisioned-concurrency", {}, "INIT_REPORT Init Duration: 10.00 ms\n"],
      ["a good one inside an invocation", "on-demand", { phase: "invoke" }, ""],
      ["a good one inside an invocation", "provisioned-concurrency", { phase: "invoke" }, ""],
      [
        "one that was overdue",
        "on-demand",
        { status: "timeout" },
        "INIT_REPORT Init Duration: 10.00 ms\tPhase: init\tStatus: timeout\n",
      ],
      [
        "one that failed",
        "on-demand",
        { status: "error", errorType: "Runtime.ExitError" },
        "INIT_REPORT Init Duration: 10.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n",
      ],
      [
        "one that failed inside an invocation",
        "on-demand",
        { status: "error", errorType: "Extension.Crash", phase: "invoke" },
        "INIT_REPORT Init Duration: 10.00 ms\tPhase: invoke\tStatus: error\tError Type: Extension.Crash\n",
      ],
    ];

    test.each(inits)("%s (%s) has the line AWS writes", (_, initializationType, how, line) => {
      new TextFormat(buffer, { ...facts, initializationType }, { initReports: true }).initEnded(at, {
        ...init,
        ...how,
      });
      expect(buffer.take().text()).toBe(line);
    });

    test.each(inits)("%s (%s) has none where LocalStack writes it", (_, initializationType, how) => {
      new TextFormat(buffer, { ...facts, initializationType }).initEnded(at, { ...init, ...how });
      expect(buffer.take().text()).toBe("");
    });
  });

  test("sorts lines where invocations run side by side", () => {
    const logs = new SortedLogs();
    const format = new TextFormat(logs, facts);
    expect(format.takesLines).toBe(true);
    format.started(at, begun);
    format.started(at, { ...begun, requestId: "id-2" });
    format.line("function", '{"requestId":"id-2"}');
    format.ended(at, { ...ended, requestId: "id-2" });
    expect(logs.take("id-2").text()).toMatch(/^START .*\n\{"requestId":"id-2"\}\nEND .*\nREPORT .*\n$/);
    format.ended(at, ended);
    expect(logs.take("id-1").text()).toMatch(/^START .*\nEND .*\nREPORT .*\n$/);
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

  test("has a restore by its level, too", () => {
    const restored = { status: "success", errorType: undefined, durationMs: 70.87 } as const;
    for (const system of ["DEBUG", "INFO", "WARN"] as const) {
      const format = json({ system });
      format.restoreStarted(at);
      format.restoreEnded(at, restored);
      format.restoreEnded(at, { ...restored, status: "timeout" });
    }
    expect(typesOf()).toEqual([
      ...["restoreStart", "restoreRuntimeDone", "restoreReport", "restoreRuntimeDone", "restoreReport"],
      ...["restoreReport", "restoreRuntimeDone", "restoreReport"],
      ...["restoreRuntimeDone", "restoreReport"],
    ]);
  });

  test("has only a report of an invocation on a managed instance", () => {
    const format = new JsonFormat(buffer, { ...facts, isManaged: true }, { application: "INFO", system: "DEBUG" });
    format.ended(at, ended);
    expect(lines()).toEqual([
      record("report", '{"requestId":"id-1","status":"success","metrics":{"durationMs":2.5},"spans":[]}'),
      "",
    ]);
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
      format.line(type, debug, at, false);
      format.line(type, "text", at, false);
    }
    expect(lines()).toEqual([debug, "text", ""]);
  });

  test("keeps what is only a piece of a line, which has no level of its own", () => {
    const format = json({ application: "FATAL" });
    const piece = '{"level":"ERROR","message":"';
    format.line("function", piece, at, true);
    format.line("function", piece, at, false);
    expect(lines()).toEqual([piece, ""]);
  });

  test("has a timestamp in each object of the function, and leaves an extension's alone", () => {
    const format = json();
    format.line("function", '{"a":1}', at, false);
    format.line("extension", '{"a":1}', at, false);
    expect(lines()).toEqual([`{"a":1,"timestamp":"${time}"}`, '{"a":1}', ""]);
  });
});
