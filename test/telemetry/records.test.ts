import { describe, expect, test } from "bun:test";
import type { InitReport, InvocationReport } from "../../src/telemetry/events.ts";
import * as records from "../../src/telemetry/records.ts";

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const time = "2026-01-02T03:04:05.006Z";

const dialects = [
  "logs 2020-08-15",
  "logs 2021-03-18",
  "telemetry 2022-07-01",
  "telemetry 2022-12-13",
  "telemetry 2025-01-29",
] as const satisfies records.Dialect[];
const [oldLogs, newLogs] = dialects;
const telemetry = dialects.slice(2);
const logs = [oldLogs, newLogs];

/** The record's JSON text in each dialect, without the time; `undefined` where there is none. */
function texts(event: records.TelemetryEvent): Record<string, string | undefined> {
  const entries = dialects.map((dialect) => {
    const text = records.serialize(event, dialect);
    if (text === undefined) return [dialect, undefined];
    const start = `{"time":"${time}","type":`;
    expect(text).toStartWith(start);
    return [dialect, text.slice(start.length, -1)];
  });
  return Object.fromEntries(entries);
}

/** What `texts` gives for a record that these dialects have, and no other. */
function only(having: readonly records.Dialect[], type: string, record: string) {
  return Object.fromEntries(
    dialects.map((dialect) => [dialect, having.includes(dialect) ? `"${type}","record":${record}` : undefined]),
  );
}

const facts: records.FunctionFacts = {
  functionName: "fn",
  functionVersion: "$LATEST",
  memorySizeMb: 128,
  initializationType: "on-demand",
  instanceId: "",
};

const init: InitReport = {
  phase: "init",
  status: "success",
  errorType: undefined,
  durationMs: 12.3456789,
  isRuntimeTried: true,
  extensions: [],
};
const failedInit: InitReport = { ...init, phase: "invoke", status: "error", errorType: "Runtime.ExitError" };

const begun = { requestId: "id-1", traceId: "" };
const traceId = "Root=1-a;Parent=b;Sampled=1";
const tracing = `"tracing":{"spanId":"b","type":"X-Amzn-Trace-Id","value":"${traceId}"}`;

const ended: InvocationReport = {
  ...begun,
  status: "success",
  errorType: undefined,
  faultReason: undefined,
  durationMs: 10.0004,
  runtimeMs: 9.8765432,
  producedBytes: 2,
  spans: [],
  maxMemoryMb: 36,
  initDurationMs: undefined,
};

describe("platform.initStart", () => {
  const type = "platform.initStart";

  test("is told by the Telemetry API", () => {
    expect(texts(records.initStart(at, "init", facts))).toEqual(
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
    expect(texts(records.initStart(at, "invoke", known))).toEqual(
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
      records.initRuntimeDone(at, init, facts),
      '{"initializationType":"on-demand","phase":"init","status":"success"}',
    ],
    [
      "platform.initRuntimeDone",
      records.initRuntimeDone(at, failedInit, facts),
      '{"initializationType":"on-demand","phase":"invoke","status":"error","errorType":"Runtime.ExitError"}',
    ],
    [
      "platform.initReport",
      records.initReport(at, init, facts),
      '{"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":12.346}}',
    ],
    [
      "platform.initReport",
      records.initReport(at, failedInit, facts),
      '{"initializationType":"on-demand","phase":"invoke","status":"error","errorType":"Runtime.ExitError",' +
        '"metrics":{"durationMs":12.346}}',
    ],
  ])("is %s, told by the Telemetry API", (type, event, record) => {
    expect(texts(event)).toEqual(only(telemetry, type, record));
  });

  test("is a success of a runtime that had asked for its first event, whatever an extension did", () => {
    const event = records.initRuntimeDone(at, { ...failedInit, isRuntimeReady: true }, facts);
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
    expect(texts(records.extensionState(at, extension))).toEqual(
      only(dialects, "platform.extension", '{"name":"a","state":"Ready","events":["INVOKE","SHUTDOWN"]}'),
    );
    const broken = { name: "a", state: "InitError", events: [], errorType: "Extension.Own" };
    expect(texts(records.extensionState(at, broken))).toEqual(
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
    expect(texts(records.restoreStart(at, facts))).toEqual(inAll("platform.restoreStart", "{}", instance));
  });

  test.each([
    [good, '{"status":"success"}'],
    [failed, '{"status":"error","errorType":"Runtime.AfterRestoreError"}'],
  ])("is done with platform.restoreRuntimeDone: %j", (report, record) => {
    expect(texts(records.restoreRuntimeDone(at, report))).toEqual(
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
    expect(texts(records.restoreReport(at, report))).toEqual(inAll("platform.restoreReport", ofLogs, ofTelemetry));
  });
});

describe("platform.start", () => {
  const plain = '{"requestId":"id-1","version":"$LATEST"}';

  test("is told everywhere", () => {
    expect(texts(records.start(at, begun, facts))).toEqual(only(dialects, "platform.start", plain));
  });

  test.each([
    ["arn:aws:lambda:us-east-1:000000000000:function:fn", "arn:aws:lambda:us-east-1:000000000000:function:fn"],
    ["arn:aws:lambda:us-east-1:000000000000:function:fn:live", "arn:aws:lambda:us-east-1:000000000000:function:fn"],
    ["arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:fn"],
  ])("has the function of %j, without qualifier, in the newer schemas", (invokedFunctionArn, functionArn) => {
    const withArn = `{"requestId":"id-1","functionArn":"${functionArn}","version":"$LATEST"}`;
    expect(texts(records.start(at, { ...begun, invokedFunctionArn }, facts))).toEqual({
      ...Object.fromEntries(dialects.map((dialect) => [dialect, `"platform.start","record":${plain}`])),
      ...Object.fromEntries(dialects.slice(3).map((dialect) => [dialect, `"platform.start","record":${withArn}`])),
    });
  });

  test("has no function where none is named", () => {
    expect(texts(records.start(at, { ...begun, invokedFunctionArn: "" }, facts))).toEqual(
      only(dialects, "platform.start", plain),
    );
  });

  test("has the trace in the Telemetry API", () => {
    expect(texts(records.start(at, { ...begun, traceId }, facts))).toEqual({
      ...only(logs, "platform.start", plain),
      ...only(telemetry, "platform.start", `${plain.slice(0, -1)},${tracing}}`),
      ...Object.fromEntries(logs.map((dialect) => [dialect, `"platform.start","record":${plain}`])),
    });
  });

  test.each([
    ["Root=1-a", undefined],
    ["Parent=b", "b"],
    ["Root=1-a; Parent=53995c3f42cd8ad8 ;Sampled=1", "53995c3f42cd8ad8 "],
    ["Root=1-a;Parent=;Sampled=1", undefined],
    ["Root=1-a;GrandParent=c;Parent=b", "b"],
    ["GrandParent=c", undefined],
  ])("names as the span of %j %p", (header, spanId) => {
    const text = records.serialize(records.start(at, { ...begun, traceId: header }, facts), "telemetry 2022-07-01");
    expect(JSON.parse(text as string).record.tracing).toEqual({
      ...(spanId === undefined ? {} : { spanId }),
      type: "X-Amzn-Trace-Id",
      value: header,
    });
  });
});

describe("platform.runtimeDone", () => {
  const type = "platform.runtimeDone";
  const inAll = (ofLogs: string, ofTelemetry: string) => ({
    ...only(telemetry, type, ofTelemetry),
    [newLogs]: `"${type}","record":${ofLogs}`,
  });

  test("is unknown to the Logs API's first schema, and has a status in its second", () => {
    expect(texts(records.runtimeDone(at, ended))).toEqual(
      inAll(
        '{"requestId":"id-1","status":"success"}',
        '{"requestId":"id-1","status":"success","metrics":{"durationMs":9.877,"producedBytes":2},"spans":[]}',
      ),
    );
  });

  test("has error type, spans and trace where there are any", () => {
    const report: InvocationReport = {
      ...ended,
      traceId,
      status: "error",
      errorType: "Runtime.ExitError",
      producedBytes: undefined,
      spans: [
        { name: "responseLatency", startMs: at + 0.9, durationMs: 1.23456 },
        { name: "responseDuration", startMs: at + 1, durationMs: 0 },
        { name: "runtimeOverhead", startMs: at + 2, durationMs: 1 / 3 },
      ],
    };
    expect(texts(records.runtimeDone(at, report))).toEqual(
      inAll(
        '{"requestId":"id-1","status":"failure"}',
        '{"requestId":"id-1","status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":9.877},"spans":[' +
          `{"name":"responseLatency","start":"${time}","durationMs":1.235},` +
          '{"name":"responseDuration","start":"2026-01-02T03:04:05.007Z","durationMs":0},' +
          `{"name":"runtimeOverhead","start":"2026-01-02T03:04:05.008Z","durationMs":0.333}],${tracing}}`,
      ),
    );
  });

  test.each([
    ["success", "success"],
    ["failure", "failure"],
    ["error", "failure"],
    ["timeout", "timeout"],
  ] as const)("has the status %s, which is %s in the Logs API", (status, inLogs) => {
    const event = records.runtimeDone(at, { ...ended, status });
    const statusIn = (dialect: records.Dialect) =>
      JSON.parse(records.serialize(event, dialect) as string).record.status;
    expect([statusIn("telemetry 2025-01-29"), statusIn(newLogs)]).toEqual([status, inLogs]);
  });

  test("has the size of an empty response", () => {
    const text = records.serialize(records.runtimeDone(at, { ...ended, producedBytes: 0 }), "telemetry 2022-07-01");
    expect(JSON.parse(text as string).record.metrics).toEqual({ durationMs: 9.877, producedBytes: 0 });
  });
});

test("platform.end is told by the Logs API", () => {
  expect(texts(records.invocationEnd(at, ended))).toEqual(only(logs, "platform.end", '{"requestId":"id-1"}'));
});

describe("platform.fault", () => {
  test("is a text, told by the Logs API", () => {
    const broken = {
      ...ended,
      faultReason: "Runtime exited with error: exit status 3",
      errorType: "Runtime.ExitError",
    };
    expect(texts(records.fault(at, broken))).toEqual(
      only(
        logs,
        "platform.fault",
        '"RequestId: id-1 Error: Runtime exited with error: exit status 3\\nRuntime.ExitError"',
      ),
    );
  });

  test("has no type where there is none, as in a timeout", () => {
    const late = { ...ended, faultReason: "Task timed out after 1.00 seconds", errorType: undefined };
    expect(texts(records.fault(at, late))).toEqual(
      only(logs, "platform.fault", '"RequestId: id-1 Error: Task timed out after 1.00 seconds"'),
    );
  });
});

describe("platform.report", () => {
  const type = "platform.report";
  const inAll = (ofLogs: string, ofTelemetry: string) => ({
    ...only(logs, type, ofLogs),
    ...Object.fromEntries(telemetry.map((dialect) => [dialect, `"${type}","record":${ofTelemetry}`])),
  });

  test("has its figures everywhere, and a status in the Telemetry API", () => {
    const metrics = '"metrics":{"durationMs":10,"billedDurationMs":11,"memorySizeMB":128,"maxMemoryUsedMB":36}';
    expect(texts(records.report(at, ended, facts))).toEqual(
      inAll(`{"requestId":"id-1",${metrics}}`, `{"requestId":"id-1","status":"success",${metrics}}`),
    );
  });

  test("bills init where AWS does, in one rounding", () => {
    const report = { ...ended, durationMs: 1233.96, initDurationMs: 463.512 };
    const billed = (billsInit: boolean) =>
      JSON.parse(records.serialize(records.report(at, report, { ...facts, billsInit }), "telemetry 2025-01-29") ?? "")
        .record.metrics.billedDurationMs;
    expect([billed(false), billed(true)]).toEqual([1234, 1698]);
  });

  test("has the restore it was for", () => {
    const event = records.report(at, { ...ended, restoreDurationMs: 398.9666 }, facts);
    for (const dialect of dialects) {
      expect(JSON.parse(records.serialize(event, dialect) ?? "").record.metrics.restoreDurationMs).toBe(398.967);
    }
  });

  test("has what extensions took in the Telemetry API", () => {
    const overhead = { name: "extensionOverhead", startMs: at - 1000, durationMs: 1000 } as const;
    const event = records.report(at, ended, facts, overhead);
    for (const dialect of telemetry) {
      expect(JSON.parse(records.serialize(event, dialect) ?? "").record.spans).toEqual([
        { name: "extensionOverhead", start: "2026-01-02T03:04:04.006Z", durationMs: 1000 },
      ]);
    }
    for (const dialect of logs) expect(records.serialize(event, dialect)).not.toContain("spans");
  });

  test("on a managed instance is all there is, without what is shared", () => {
    const report: InvocationReport = {
      ...ended,
      status: "timeout",
      spans: [
        { name: "responseLatency", startMs: at, durationMs: 1 },
        { name: "responseDuration", startMs: at, durationMs: 2 },
        { name: "runtimeOverhead", startMs: at, durationMs: 3 },
      ],
    };
    expect(texts(records.report(at, report, { ...facts, isManaged: true }))).toEqual(
      only(
        telemetry,
        type,
        '{"requestId":"id-1","status":"timeout","metrics":{"durationMs":10},"spans":[' +
          `{"name":"responseLatency","start":"${time}","durationMs":1},` +
          `{"name":"responseDuration","start":"${time}","durationMs":2}]}`,
      ),
    );
  });

  test("has error type, init duration and trace where there are any", () => {
    const report = {
      ...ended,
      traceId,
      status: "timeout",
      errorType: "Own",
      initDurationMs: 5.55555,
      durationMs: 3000,
    };
    const metrics =
      '"metrics":{"durationMs":3000,"billedDurationMs":3000,"memorySizeMB":128,"maxMemoryUsedMB":36,' +
      '"initDurationMs":5.556}';
    expect(texts(records.report(at, report as InvocationReport, facts))).toEqual(
      inAll(
        `{"requestId":"id-1",${metrics}}`,
        `{"requestId":"id-1","status":"timeout","errorType":"Own",${metrics},${tracing}}`,
      ),
    );
  });
});

describe("subscriptions and drops", () => {
  test.each([
    ["telemetry 2022-07-01", "platform.telemetrySubscription"],
    ["telemetry 2025-01-29", "platform.telemetrySubscription"],
    ["logs 2020-08-15", "platform.logsSubscription"],
    ["logs 2021-03-18", "platform.logsSubscription"],
  ] as const)("a subscription in %s is %s, told everywhere", (by, type) => {
    expect(texts(records.subscription(at, "a", by, ["platform", "function"]))).toEqual(
      only(dialects, type, '{"name":"a","state":"Subscribed","types":["platform","function"]}'),
    );
  });

  test("platform.logsDropped is told everywhere", () => {
    expect(texts(records.logsDropped(at, "why", 3, 700))).toEqual(
      only(dialects, "platform.logsDropped", '{"reason":"why","droppedRecords":3,"droppedBytes":700}'),
    );
  });
});

describe("a line of output", () => {
  const object = '{"level":"INFO","n":[1,{"a":null}]}';
  const withObjects = ["telemetry 2022-12-13", "telemetry 2025-01-29"] as const;

  test.each(["function", "extension"] as const)("of the %s is a text", (type) => {
    for (const line of ["text", "", ' "quoted"\t\r', object, "\u2028€😀"]) {
      expect(texts(records.outputLine(at, type, line, false))).toEqual(only(dialects, type, JSON.stringify(line)));
    }
  });

  test.each(["function", "extension"] as const)("of the %s is its object where it logs in JSON", (type) => {
    expect(texts(records.outputLine(at, type, object, true))).toEqual({
      ...only(dialects, type, JSON.stringify(object)),
      ...Object.fromEntries(withObjects.map((dialect) => [dialect, `"${type}","record":${object}`])),
    });
  });

  test.each(["text", "", "1", "null", "true", '"text"', "[1]", "{", '{"a":1', '{"a":1} x', "{a:1}", "{'a':1}"])(
    "is a text where it is no object: %s",
    (line) => {
      expect(texts(records.outputLine(at, "function", line, true))).toEqual(
        only(dialects, "function", JSON.stringify(line)),
      );
    },
  );

  test("may have blanks and a carriage return around its object", () => {
    const text = records.serialize(records.outputLine(at, "function", ' \t{"a":1} \r', true), "telemetry 2022-12-13");
    expect(JSON.parse(text as string).record).toEqual({ a: 1 });
  });

  test("that is an object stands as it was written, whatever reading and writing it again would make of it", () => {
    const deep = `${'{"a":'.repeat(500_000)}1${"}".repeat(500_000)}`;
    const text = records.serialize(records.outputLine(at, "function", deep, true), "telemetry 2022-12-13");
    expect(text).toEndWith(`,"record":${deep}}`);
    const odd = '{ "big": 12345678901234567890, "big": 1e400 }';
    expect(records.serialize(records.outputLine(at, "function", odd, true), "telemetry 2025-01-29")).toEndWith(
      `,"record":${odd}}`,
    );
  });
});

describe("times", () => {
  test("are UTC with milliseconds, whatever came before", () => {
    for (const ms of [0, 1, 1, 999.9, 0, at, at]) expect(records.isoTime(ms)).toBe(new Date(ms).toISOString());
  });
});
