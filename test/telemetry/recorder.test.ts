import { beforeEach, describe, expect, spyOn, test } from "bun:test";
import { log } from "../../src/log.ts";
import type { InitReport, InvocationReport } from "../../src/telemetry/events.ts";
import { maxLineLength } from "../../src/telemetry/log/line-splitter.ts";
import { JsonFormat, type LogFormat, TextFormat } from "../../src/telemetry/log/log-format.ts";
import { SingleLog, SortedLogs } from "../../src/telemetry/log/log-store.ts";
import { Recorder } from "../../src/telemetry/recorder.ts";
import { type FunctionFacts, JsonText, type TelemetryEvent } from "../../src/telemetry/records.ts";
import { TelemetryService } from "../../src/telemetry/subscribers/service.ts";
import type { Subscription } from "../../src/telemetry/subscribers/subscription.ts";
import { FakeClock } from "../support/fake-clock.ts";

const facts: FunctionFacts = {
  functionName: "fn",
  functionVersion: "$LATEST",
  memorySizeMb: 128,
  initializationType: "on-demand",
  instanceId: "",
};

/** Notes what it is told, instead of sending it. */
class NotingService extends TelemetryService {
  readonly told: { type: string; record: unknown }[] = [];
  flushes: number[] = [];
  ends = 0;

  override record(event: TelemetryEvent): void {
    const rendered = event.render("telemetry 2025-01-29") ?? event.render("logs 2021-03-18");
    if (rendered) this.told.push(rendered);
    super.record(event);
  }

  override async flush(ms: number): Promise<void> {
    this.flushes.push(ms);
  }

  override endSubscriptions(): void {
    this.ends++;
    super.endSubscriptions();
  }

  get types(): string[] {
    return this.told.map(({ type }) => type);
  }

  get lines(): unknown[] {
    return this.told.filter(({ type }) => !type.startsWith("platform")).map(({ record }) => record);
  }
}

let clock: FakeClock;
let telemetry: NotingService;
let buffer: SingleLog;
let shown: Uint8Array[];
let recorder: Recorder;

function record(format: "text" | "json" = "text"): Recorder {
  const levels = { application: "TRACE", system: "DEBUG" } as const;
  const isJsonFormat = format === "json";
  const logFormat: LogFormat = isJsonFormat ? new JsonFormat(buffer, facts, levels) : new TextFormat(buffer, facts);
  const show = (chunk: Uint8Array) => void shown.push(chunk);
  recorder = new Recorder({ clock, format: logFormat, telemetry, facts, isJsonFormat, show, flushMs: 1234 });
  return recorder;
}

beforeEach(() => {
  clock = new FakeClock();
  telemetry = new NotingService(clock, { newCarrier: () => ({ async send() {}, close() {} }) });
  buffer = new SingleLog();
  shown = [];
  record();
});

const subscription: Subscription = {
  api: "Telemetry",
  dialect: "telemetry 2025-01-29",
  types: ["platform"],
  buffering: { maxItems: 10_000, maxBytes: 262_144, timeoutMs: 1000 },
  destination: { protocol: "TCP", port: 1 },
};

const init: InitReport = {
  phase: "init",
  status: "success",
  errorType: undefined,
  durationMs: 10,
  isRuntimeTried: true,
  extensions: [
    { name: "a", state: "Ready", events: [], errorType: undefined },
    { name: "b", state: "Ready", events: [], errorType: undefined },
  ],
};

const begun = { requestId: "id-1", traceId: "" };

const ended: InvocationReport = {
  ...begun,
  status: "success",
  errorType: undefined,
  faultReason: undefined,
  durationMs: 2,
  runtimeMs: 2,
  producedBytes: 4,
  spans: [],
  maxMemoryMb: 30,
  initDurationMs: undefined,
};

/** Begins and ends an init, with a subscriber or without. */
function initialize(hasSubscriber: boolean): void {
  recorder.initStarted("init");
  if (hasSubscriber) telemetry.subscribe("a", subscription);
  recorder.initEnded(init);
  telemetry.told.length = 0;
}

const output = (kind: "function" | "extension" = "function") => {
  const receive = recorder.receiveOutput(kind === "function" ? { kind } : { kind, name: "a" });
  return (text: string | Uint8Array) => receive(typeof text === "string" ? Buffer.from(text) : text);
};

describe("an init", () => {
  test("is told whole, to those who may yet subscribe", () => {
    recorder.initStarted("init");
    output()("early\n");
    recorder.initEnded(init);
    expect(telemetry.types).toEqual([
      "platform.initStart",
      "function",
      "platform.initRuntimeDone",
      "platform.extension",
      "platform.extension",
      "platform.initReport",
    ]);
  });

  test("has nothing to tell of a runtime that was not tried", () => {
    recorder.initStarted("invoke");
    recorder.initEnded({ ...init, isRuntimeTried: false, extensions: [] });
    expect(telemetry.types).toEqual(["platform.initStart", "platform.initReport"]);
    expect(telemetry.told[0]?.record).toMatchObject({ phase: "invoke" });
  });

  test("can be subscribed to until it has ended, its last records included", () => {
    recorder.initStarted("init");
    expect(telemetry.isListening).toBe(true);
    recorder.initEnded(init);
    expect(telemetry.isListening).toBe(false);
  });

  test("is logged too, with the times of the moment", async () => {
    recorder = record("json");
    recorder.initStarted("init");
    await clock.advance(1500);
    recorder.initEnded({ ...init, extensions: [] });
    const lines = buffer.take().text().trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line)).map((told) => [told.time, told.type])).toEqual([
      ["2023-11-14T22:13:20.000Z", "platform.initStart"],
      ["2023-11-14T22:13:21.500Z", "platform.initRuntimeDone"],
      ["2023-11-14T22:13:21.500Z", "platform.initReport"],
    ]);
  });
});

describe("an invocation", () => {
  test("is told from its dispatch to its report", () => {
    initialize(true);
    recorder.invocationStarted(begun);
    expect(telemetry.types).toEqual([]);
    recorder.invocationDispatched(begun);
    recorder.invocationEnded(ended);
    expect(telemetry.types).toEqual(["platform.start", "platform.runtimeDone", "platform.end", "platform.report"]);
  });

  test("has a fault where its processes broke", () => {
    initialize(true);
    recorder.invocationEnded({ ...ended, status: "error", errorType: "Runtime.ExitError", faultReason: "why" });
    expect(telemetry.types).toEqual(["platform.runtimeDone", "platform.fault", "platform.end", "platform.report"]);
  });

  test("is logged as text from its start to its report", () => {
    initialize(false);
    recorder.invocationStarted(begun);
    output()("line\n");
    recorder.invocationDispatched(begun);
    recorder.invocationEnded(ended);
    expect(buffer.take().text()).toBe(
      "START RequestId: id-1 Version: $LATEST\nline\nEND RequestId: id-1\n" +
        "REPORT RequestId: id-1\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\n",
    );
  });
});

describe("what is shown", () => {
  test("holds up its writer for as long as whoever shows it asks for", () => {
    const goOn = Promise.resolve();
    const show = () => goOn;
    const format = new TextFormat(buffer, facts);
    recorder = new Recorder({ clock, format, telemetry, facts, isJsonFormat: false, show, flushMs: 1 });
    expect(recorder.receiveOutput({ kind: "function" })(Buffer.from("a"))).toBe(goOn);
  });

  test("is nothing while a character has only begun", () => {
    output()(Buffer.from([0xe2, 0x82]));
    expect(shown).toEqual([]);
  });
});

describe("an invocation extensions still work on", () => {
  const busy = { ...ended, areExtensionsBusy: true };

  test("is logged at once, and reported to subscribers when they are done", async () => {
    initialize(true);
    recorder.invocationEnded(busy);
    expect(buffer.take().text()).toContain("\nREPORT RequestId: id-1\t");
    expect(telemetry.types).toEqual(["platform.runtimeDone"]);
    await clock.advance(1500);
    recorder.extensionsFinished(begun, 1500);
    expect(telemetry.types).toEqual(["platform.runtimeDone", "platform.end", "platform.report"]);
    expect(telemetry.told.at(-1)?.record).toMatchObject({
      requestId: "id-1",
      metrics: { durationMs: 2 },
      spans: [{ name: "extensionOverhead", start: "2023-11-14T22:13:20.000Z", durationMs: 1500 }],
    });
  });

  test("is reported once", () => {
    initialize(true);
    recorder.invocationEnded(busy);
    recorder.extensionsFinished(begun, 1);
    recorder.extensionsFinished(begun, 1);
    expect(telemetry.types.filter((type) => type === "platform.report")).toHaveLength(1);
  });

  test("is reported before a shutdown flushes, without what nobody will know", async () => {
    initialize(true);
    recorder.invocationEnded(busy);
    const flushed = recorder.shutdownStarted();
    expect(telemetry.types).toEqual(["platform.runtimeDone", "platform.end", "platform.report"]);
    expect(telemetry.told.at(-1)?.record).not.toHaveProperty("spans");
    await flushed;
  });

  test("of processes that are gone is nobody's any more", () => {
    initialize(true);
    recorder.invocationEnded(busy);
    recorder.processesEnded();
    telemetry.told.length = 0;
    recorder.extensionsFinished(begun, 1);
    expect(telemetry.told).toEqual([]);
  });

  test("is reported at once where they are done already", () => {
    initialize(true);
    recorder.invocationEnded({ ...busy, areExtensionsBusy: false });
    expect(telemetry.types.at(-1)).toBe("platform.report");
  });
});

describe("a restore", () => {
  const restored = { status: "success", errorType: undefined, durationMs: 398.97 } as const;

  test("is told from its beginning to its report", () => {
    initialize(true);
    recorder.restoreStarted();
    recorder.restoreEnded(restored);
    expect(telemetry.types).toEqual(["platform.restoreStart", "platform.restoreRuntimeDone", "platform.restoreReport"]);
  });

  test("has its line in front of START", () => {
    recorder.restoreStarted();
    recorder.restoreEnded(restored);
    recorder.invocationStarted(begun);
    expect(buffer.take().text()).toBe(
      "RESTORE_REPORT Restore Duration: 398.97 ms\nSTART RequestId: id-1 Version: $LATEST\n",
    );
  });
});

describe("invocations side by side", () => {
  const managed = { ...facts, initializationType: "lambda-managed-instances", isManaged: true };
  let logs: SortedLogs;
  beforeEach(() => {
    logs = new SortedLogs();
    const format = new JsonFormat(logs, managed, { application: "INFO", system: "INFO" });
    recorder = new Recorder({
      clock,
      format,
      telemetry,
      facts: managed,
      isJsonFormat: true,
      show: () => undefined,
      flushMs: 1,
    });
    initialize(true);
    logs.end("init");
    logs.take("init");
  });

  test("have no runtimeDone", () => {
    recorder.invocationStarted(begun);
    recorder.invocationDispatched(begun);
    recorder.invocationEnded(ended);
    expect(telemetry.types).toEqual(["platform.start", "platform.end", "platform.report"]);
  });

  test("each have the lines that name them, between their start and their report", () => {
    const write = output();
    const others = { ...begun, requestId: "id-2" };
    for (const start of [begun, others]) recorder.invocationStarted(start);
    const line = (requestId: string) => JSON.stringify({ timestamp: "2026-01-01T00:00:00Z", requestId });
    write(`${line("id-1")}\n${line("id-2")}\n${line("id-1").slice(0, 20)}`);
    recorder.invocationEnded({ ...ended, requestId: "id-2" });
    write(`${line("id-1").slice(20)}\n`);
    recorder.invocationEnded(ended);
    const told = (id: string) =>
      logs
        .take(id)
        .text()
        .trimEnd()
        .split("\n")
        .map((text) => JSON.parse(text))
        .map((record) => record.type ?? record.requestId);
    expect(told("id-2")).toEqual(["platform.start", "id-2", "platform.report"]);
    expect(told("id-1")).toEqual(["platform.start", "id-1", "id-1", "platform.report"]);
  });
});

describe("where nobody listens", () => {
  test("nothing is recorded, and everything is logged and shown", () => {
    initialize(false);
    recorder.invocationStarted(begun);
    recorder.invocationDispatched(begun);
    const write = output();
    write("one\ntw");
    write("o");
    recorder.invocationEnded(ended);
    recorder.shutdownStarted();
    recorder.processesEnded();
    expect(telemetry.told).toEqual([]);
    expect(buffer.take().text()).toStartWith("START RequestId: id-1 Version: $LATEST\none\ntwo\nEND");
    expect(Buffer.concat(shown).toString()).toBe("one\ntwo");
  });

  test("an early line without an end does not turn up later", () => {
    recorder.initStarted("init");
    output()("early, without an end");
    recorder.initEnded(init);
    telemetry.told.length = 0;
    recorder.invocationEnded(ended);
    expect(telemetry.told).toEqual([]);
  });

  test("a JSON log has its lines all the same", () => {
    recorder = record("json");
    initialize(false);
    buffer.take().text();
    output()("one\ntwo");
    recorder.invocationEnded({ ...ended });
    expect(buffer.take().text()).toStartWith('one\ntwo\n{"time":');
    expect(telemetry.told).toEqual([]);
  });
});

describe("a line without an end", () => {
  const both = () => {
    initialize(true);
    const [ofFunction, ofExtension] = [output("function"), output("extension")];
    ofFunction("function");
    ofExtension("extension");
    expect(telemetry.lines).toEqual([]);
  };

  test.each([
    ["of the function, when the invocation has ended", () => recorder.invocationEnded(ended), ["function"]],
    ["of an extension, when the next invocation begins", () => recorder.invocationStarted(begun), ["extension"]],
    ["of the function, when a shutdown begins", () => recorder.shutdownStarted(), ["function"]],
    ["of either, when the processes have ended", () => recorder.processesEnded(), ["function", "extension"]],
    ["of nobody, when an event is given out", () => recorder.invocationDispatched(begun), []],
    ["of nobody, when init ends", () => recorder.initEnded(init), []],
  ])("is taken for one %s", (_, happens, lines) => {
    both();
    happens();
    expect(telemetry.lines).toEqual(lines);
  });

  test("comes before the records of the end", () => {
    both();
    recorder.invocationEnded(ended);
    expect(telemetry.types[0]).toBe("function");
  });

  test("is logged before the start of the next invocation, and the end of its own", () => {
    record("json");
    initialize(true);
    buffer.take().text();
    const [ofFunction, ofExtension] = [output("function"), output("extension")];
    ofExtension("of the extension");
    recorder.invocationStarted(begun);
    ofFunction("of the function");
    recorder.invocationEnded(ended);
    const lines = buffer.take().text().split("\n");
    expect([lines[0], lines[2]]).toEqual(["of the extension", "of the function"]);
  });

  test("that still comes of processes that are gone is nobody's", () => {
    record("json");
    const late = output();
    recorder.processesEnded();
    late("late");
    recorder.invocationEnded(ended);
    expect(buffer.take().text()).not.toContain("late");
  });

  test("of processes that are gone is not told again", () => {
    both();
    recorder.processesEnded();
    telemetry.told.length = 0;
    initialize(true);
    recorder.invocationEnded(ended);
    recorder.processesEnded();
    expect(telemetry.lines).toEqual([]);
  });
});

describe("output", () => {
  test("of two streams is told apart, though they interleave within characters", () => {
    initialize(true);
    const [left, right] = [output("function"), output("extension")];
    const bytes = [Buffer.from("é€😀\n"), Buffer.from("😀ü𝄞\n")] as const;
    for (let index = 0; index < Math.max(bytes[0].length, bytes[1].length); index++) {
      left(bytes[0].subarray(index, index + 1));
      right(bytes[1].subarray(index, index + 1));
    }
    expect(telemetry.told).toEqual([
      { type: "function", record: "é€😀" },
      { type: "extension", record: "😀ü𝄞" },
    ]);
  });

  test("is shown as it came, byte for byte", () => {
    const write = output();
    const chunks = [Buffer.from([0xff, 0xe2]), Buffer.from([0x82]), Buffer.from([0xac, 0x0a])];
    for (const chunk of chunks) write(chunk);
    // Cut between characters only, whatever stands there: others read our stdout chunk by chunk.
    expect(shown.map((chunk) => [...chunk])).toEqual([[0xff], [0xe2, 0x82, 0xac, 0x0a]]);
    expect(buffer.take().text()).toBe("\ufffd€\n");
  });

  test("that ends within a character is not lost", () => {
    initialize(true);
    output()(Buffer.from([0x61, 0xe2, 0x82]));
    recorder.processesEnded();
    expect(telemetry.lines).toEqual(["a\ufffd"]);
    expect(Buffer.concat(shown)).toEqual(Buffer.from([0x61, 0xe2, 0x82]));
    expect(buffer.take().text()).toBe("a\ufffd");
  });

  test("of a long line is judged whole, by log and subscribers alike", () => {
    recorder = new Recorder({
      clock,
      format: new JsonFormat(buffer, facts, { application: "ERROR", system: "WARN" }),
      telemetry,
      facts,
      isJsonFormat: true,
      show: () => undefined,
      flushMs: 1,
    });
    initialize(true);
    const line = JSON.stringify({
      timestamp: "2026-01-01T00:00:00Z",
      message: "x".repeat(1_000_000),
      level: "ERROR",
    });
    const write = output();
    for (let from = 0; from < line.length; from += 65_536) write(line.slice(from, from + 65_536));
    write("\n");
    expect(buffer.take().text() === `${line}\n`).toBe(true);
    expect(telemetry.lines).toEqual([new JsonText(line)]);
  });

  test("of a line beyond all measure is cut, kept and warned of with a count", () => {
    const warn = spyOn(log, "warn").mockImplementation(Object.assign(() => {}, { raw() {} }));
    record("json");
    const write = output();
    for (let count = 0; count < 2; count++) write(`${"x".repeat(maxLineLength + 1)}\n`);
    const warnings = warn.mock.calls.map(([text]) => text);
    warn.mockRestore();
    expect(warnings).toEqual([
      `a line of the function has more than ${maxLineLength} characters and was cut, 1 so far`,
      `a line of the function has more than ${maxLineLength} characters and was cut, 2 so far`,
    ]);
    expect(buffer.take().byteLength).toBe(2 * (maxLineLength + 1 + 2 * 2));
  });

  test("has its byte order mark", () => {
    output()("\ufeffone\n");
    expect(buffer.take().text()).toBe("\ufeffone\n");
  });

  test.each([
    ["json", new JsonText('{"level":"INFO"}')],
    ["text", '{"level":"INFO"}'],
  ] as const)("of a function that logs %s has records of %j", (format, record_) => {
    record(format);
    initialize(true);
    output("function")('{"level":"INFO"}\n');
    output("extension")('{"level":"INFO"}\n');
    expect(telemetry.lines).toEqual([record_, record_]);
  });

  test("below the level of the log is told to subscribers all the same", () => {
    recorder = new Recorder({
      clock,
      format: new JsonFormat(buffer, facts, { application: "ERROR", system: "WARN" }),
      telemetry,
      facts,
      isJsonFormat: true,
      show: () => {},
      flushMs: 1,
    });
    initialize(true);
    output()("text\n");
    expect([buffer.take().text(), telemetry.lines]).toEqual(["", ["text"]]);
  });
});

describe("the end", () => {
  test("of the runtime lets subscribers have what waits, within the budget", async () => {
    initialize(true);
    await recorder.shutdownStarted();
    expect([telemetry.flushes, telemetry.ends]).toEqual([[1234], 0]);
  });

  test("of all processes is the end of their subscriptions", () => {
    recorder.processesEnded();
    expect([telemetry.flushes, telemetry.ends]).toEqual([[], 1]);
  });
});
