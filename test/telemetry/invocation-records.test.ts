import { describe, expect, test } from "bun:test";
import type { InvocationReport } from "../../src/telemetry/events.ts";
import * as invocation from "../../src/telemetry/invocation-records.ts";
import * as records from "../../src/telemetry/records.ts";
import { at, dialects, facts, logs, newLogs, only, telemetry, texts, time } from "./dialects.ts";

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

describe("platform.start", () => {
  const plain = '{"requestId":"id-1","version":"$LATEST"}';

  test("is told everywhere", () => {
    expect(texts(invocation.start(at, begun, facts))).toEqual(only(dialects, "platform.start", plain));
  });

  test.each([
    ["arn:aws:lambda:us-east-1:000000000000:function:fn", "arn:aws:lambda:us-east-1:000000000000:function:fn"],
    ["arn:aws:lambda:us-east-1:000000000000:function:fn:live", "arn:aws:lambda:us-east-1:000000000000:function:fn"],
    ["arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:fn"],
  ])("has the function of %j, without qualifier, in the newer schemas", (invokedFunctionArn, functionArn) => {
    const withArn = `{"requestId":"id-1","functionArn":"${functionArn}","version":"$LATEST"}`;
    expect(texts(invocation.start(at, { ...begun, invokedFunctionArn }, facts))).toEqual({
      ...Object.fromEntries(dialects.map((dialect) => [dialect, `"platform.start","record":${plain}`])),
      ...Object.fromEntries(dialects.slice(3).map((dialect) => [dialect, `"platform.start","record":${withArn}`])),
    });
  });

  test("has no function where none is named", () => {
    expect(texts(invocation.start(at, { ...begun, invokedFunctionArn: "" }, facts))).toEqual(
      only(dialects, "platform.start", plain),
    );
  });

  test("has the trace in the Telemetry API", () => {
    expect(texts(invocation.start(at, { ...begun, traceId }, facts))).toEqual({
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
    const text = records.serialize(invocation.start(at, { ...begun, traceId: header }, facts), "telemetry 2022-07-01");
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
    expect(texts(invocation.runtimeDone(at, ended))).toEqual(
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
    expect(texts(invocation.runtimeDone(at, report))).toEqual(
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
    const event = invocation.runtimeDone(at, { ...ended, status });
    const statusIn = (dialect: records.Dialect) =>
      JSON.parse(records.serialize(event, dialect) as string).record.status;
    expect([statusIn("telemetry 2025-01-29"), statusIn(newLogs)]).toEqual([status, inLogs]);
  });

  test("has the size of an empty response", () => {
    const text = records.serialize(invocation.runtimeDone(at, { ...ended, producedBytes: 0 }), "telemetry 2022-07-01");
    expect(JSON.parse(text as string).record.metrics).toEqual({ durationMs: 9.877, producedBytes: 0 });
  });
});

test("platform.end is told by the Logs API", () => {
  expect(texts(invocation.invocationEnd(at, ended))).toEqual(only(logs, "platform.end", '{"requestId":"id-1"}'));
});

describe("platform.fault", () => {
  test("is a text, told by the Logs API", () => {
    const broken = {
      ...ended,
      faultReason: "Runtime exited with error: exit status 3",
      errorType: "Runtime.ExitError",
    };
    expect(texts(invocation.fault(at, broken))).toEqual(
      only(
        logs,
        "platform.fault",
        '"RequestId: id-1 Error: Runtime exited with error: exit status 3\\nRuntime.ExitError"',
      ),
    );
  });

  test("has no type where there is none, as in a timeout", () => {
    const late = { ...ended, faultReason: "Task timed out after 1.00 seconds", errorType: undefined };
    expect(texts(invocation.fault(at, late))).toEqual(
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
    expect(texts(invocation.report(at, ended, facts))).toEqual(
      inAll(`{"requestId":"id-1",${metrics}}`, `{"requestId":"id-1","status":"success",${metrics}}`),
    );
  });

  test("bills init where AWS does, in one rounding", () => {
    const report = { ...ended, durationMs: 1233.96, initDurationMs: 463.512 };
    const billed = (billsInit: boolean) =>
      JSON.parse(
        records.serialize(invocation.report(at, report, { ...facts, billsInit }), "telemetry 2025-01-29") ?? "",
      ).record.metrics.billedDurationMs;
    expect([billed(false), billed(true)]).toEqual([1234, 1698]);
  });

  test("has the restore it was for", () => {
    const event = invocation.report(at, { ...ended, restoreDurationMs: 398.9666 }, facts);
    for (const dialect of dialects) {
      expect(JSON.parse(records.serialize(event, dialect) ?? "").record.metrics.restoreDurationMs).toBe(398.967);
    }
  });

  test("has what extensions took in the Telemetry API", () => {
    const overhead = { name: "extensionOverhead", startMs: at - 1000, durationMs: 1000 } as const;
    const event = invocation.report(at, ended, facts, overhead);
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
    expect(texts(invocation.report(at, report, { ...facts, isManaged: true }))).toEqual(
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
    expect(texts(invocation.report(at, report as InvocationReport, facts))).toEqual(
      inAll(
        `{"requestId":"id-1",${metrics}}`,
        `{"requestId":"id-1","status":"timeout","errorType":"Own",${metrics},${tracing}}`,
      ),
    );
  });
});
