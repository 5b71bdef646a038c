/** What is told of an invocation that is over. */
import { describe, expect, test } from "bun:test";
import type { AnswerStream, StreamEnd } from "../../src/environment/answer-stream.ts";
import { Invocation, type Mark, type Outcome, type Settlement } from "../../src/environment/invocation.ts";
import { reportOn } from "../../src/environment/report.ts";
import type { Fault } from "../../src/errors.ts";
import type { Span } from "../../src/telemetry/events.ts";
import { requestOf } from "../runtime-api/fixture.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { response, timedOut, World } from "./world.ts";

const measured = {
  durationMs: 12.5,
  maxMemoryMb: 30,
  initDurationMs: undefined,
  restoreDurationMs: undefined,
  isInitFailure: false,
  areExtensionsBusy: false,
};

/** The report on an invocation that reached these steps, at these milliseconds of a clock that stands at 100. */
async function reported(settlement: Settlement, marks: Partial<Record<Mark, number>> = {}) {
  const clock = new FakeClock();
  let now = 0;
  const invocation = new Invocation(requestOf({ invokedFunctionArn: "arn", traceId: "Root=1" }), () => now);
  for (const [step, at] of Object.entries(marks)) {
    now = at;
    invocation.mark(step as Mark);
  }
  await clock.advance(100);
  return reportOn(invocation, settlement, { ...measured, clock });
}

const settled = (outcome: Outcome, faultAfterAnswer?: Fault): Settlement =>
  faultAfterAnswer ? { outcome, faultAfterAnswer, isRuntimeReady: false } : { outcome, isRuntimeReady: true };

const exit: Fault = { type: "Runtime.ExitError", reason: "Runtime exited with error: exit status 1" };
const crash: Fault = { type: "Extension.Crash", reason: "exit status 7" };
const broken: Fault = { type: "Sandbox.Failure", reason: "unforeseen" };
const error = { kind: "error", body: "{}", contentType: "", errorType: "Function.MyError" } as const;

describe("the status", () => {
  const rows: [what: string, settlement: Settlement, status: string, type?: string | undefined, reason?: string][] = [
    ["a response", settled(response()), "success"],
    ["an error of the function's", settled(error), "failure", "Function.MyError"],
    [
      "an init error",
      settled({ kind: "init error", body: Buffer.from("why"), errorType: "Runtime.Why" }),
      "error",
      "Runtime.Why",
    ],
    ["a response that is too large", settled({ kind: "too large" }), "error", "Function.ResponseSizeTooLarge"],
    ["an end of the runtime", settled({ kind: "fault", fault: exit }), "error", exit.type, exit.reason],
    ["an end of an extension", settled({ kind: "fault", fault: crash }), "error", crash.type, crash.reason],
    ["a fault of init's own", settled({ kind: "fault", fault: broken }), "failure", broken.type, broken.reason],
    ["a timeout", settled(timedOut), "timeout", undefined, timedOut.fault.reason],
    ["a stop", settled({ kind: "stopped" }), "failure"],
    ["a response before an end", settled(response(), exit), "error", exit.type, exit.reason],
    ["an error before an end", settled(error, crash), "error", crash.type, crash.reason],
    ["a response before a fault of init's own", settled(response(), broken), "failure", broken.type, broken.reason],
  ];

  for (const [what, settlement, status, errorType, faultReason] of rows) {
    test(`of ${what}`, async () => {
      expect(await reported(settlement)).toMatchObject({ status, errorType, faultReason });
    });
  }
});

describe("the status of a streamed response", () => {
  /** The report on one whose response is a stream, after what happened to it. */
  async function streamed(happen: (invocation: Invocation, stream: AnswerStream) => void) {
    const invocation = new Invocation(requestOf({ takesStream: true }));
    const stream = invocation.stream("text/plain");
    await stream.write(Buffer.from("12345"));
    happen(invocation, stream);
    return reportOn(invocation, await invocation.over, { ...measured, clock: new FakeClock() });
  }

  const sent = (invocation: Invocation, stream: AnswerStream, end?: StreamEnd) => {
    stream.close(end);
    invocation.respond();
  };
  const truncated: Fault = { type: "Runtime.TruncatedResponse", reason: "it broke off" };

  test.each<[string, (invocation: Invocation, stream: AnswerStream) => void, object]>([
    [
      "that was sent to its end",
      (invocation, stream) => {
        sent(invocation, stream);
        invocation.polledAgain();
      },
      { status: "success", errorType: undefined, faultReason: undefined },
    ],
    [
      "that the function ended with an error",
      (invocation, stream) => {
        sent(invocation, stream, { errorType: "Function.MyError", errorBody: "{}" });
        invocation.polledAgain();
      },
      { status: "failure", errorType: "Function.MyError", faultReason: undefined },
    ],
    [
      "that became too large",
      (invocation, stream) => {
        sent(invocation, stream, { errorType: "Function.ResponseSizeTooLarge", errorBody: "{}" });
        invocation.polledAgain();
      },
      { status: "error", errorType: "Function.ResponseSizeTooLarge", faultReason: undefined },
    ],
    [
      "whose connection broke",
      (invocation) => {
        invocation.respond({ kind: "fault", fault: truncated });
        invocation.polledAgain();
      },
      { status: "error", errorType: truncated.type, faultReason: truncated.reason },
    ],
    [
      "in which the runtime ended",
      (invocation) => invocation.fail(exit),
      {
        status: "error",
        errorType: exit.type,
        faultReason: exit.reason,
      },
    ],
    [
      "whose time was over",
      (invocation) => invocation.end(timedOut),
      {
        status: "timeout",
        errorType: undefined,
        faultReason: timedOut.fault.reason,
      },
    ],
    [
      "whose next poll never came",
      (invocation, stream) => {
        sent(invocation, stream);
        invocation.end(timedOut);
      },
      { status: "success", errorType: undefined, faultReason: undefined },
    ],
    [
      "in which the environment was stopped",
      (invocation) => invocation.end({ kind: "stopped" }),
      {
        status: "failure",
        errorType: undefined,
        faultReason: undefined,
      },
    ],
  ])("%s", async (_, happen, expected) => {
    expect(await streamed(happen)).toMatchObject({ ...expected, producedBytes: 5 });
  });
});

test("what was measured, and whose it is, stand as they were given", async () => {
  expect(await reported(settled(response()))).toMatchObject({
    requestId: "id-1",
    traceId: "Root=1",
    durationMs: 12.5,
    maxMemoryMb: 30,
    initDurationMs: undefined,
  });
});

test.each<[outcome: Outcome, bytes: number | undefined]>([
  [response(""), 0],
  [response("é"), 2],
  [error, undefined],
  [{ kind: "too large" }, undefined],
  [timedOut, undefined],
])("of %j the bytes of a response are counted: %p", async (outcome, bytes) => {
  expect((await reported(settled(outcome))).producedBytes).toBe(bytes as number);
});

describe("the spans", () => {
  const epoch = 1_700_000_000_000;
  const latency = { name: "responseLatency", startMs: epoch + 10, durationMs: 5 };
  const duration = { name: "responseDuration", startMs: epoch + 15, durationMs: 7.5 };
  const overhead = { name: "runtimeOverhead", startMs: epoch + 22.5, durationMs: 17.5 };

  const rows: [what: string, marks: Partial<Record<Mark, number>>, runtimeMs: number, spans: object[]][] = [
    ["never handed over", { over: 40 }, 0, []],
    ["handed over and not answered", { handedOver: 10, over: 40 }, 30, []],
    ["whose answer was begun", { handedOver: 10, answering: 15, over: 40 }, 30, [latency]],
    [
      "that was answered and settled",
      { handedOver: 10, answering: 15, answered: 22.5, over: 40 },
      30,
      [latency, duration, overhead],
    ],
    // Not so far yet: until now.
    ["that is not settled", { handedOver: 10, answering: 15, answered: 22.5 }, 90, [latency, duration]],
  ];

  test.each(rows)("of one %s", async (_what, marks, runtimeMs, spans) => {
    const report = await reported(settled(response()), marks);
    expect(report.spans).toEqual(spans as Span[]);
    expect(report.runtimeMs).toBe(runtimeMs);
  });
});

describe("in an environment", () => {
  test("the spans follow the calls of the runtime", async () => {
    const world = await World.ready();
    await world.clock.advance(1000);
    const invoked = world.invoke();
    await world.clock.advance(20);
    const exchange = world.exchange("id-1");
    exchange.begin("response");
    await world.clock.advance(30);
    exchange.finish(response());
    await world.clock.advance(40);
    void world.poll();
    await invoked;
    const startMs = 1_700_000_001_000;
    expect(world.reports).toMatchObject([
      {
        durationMs: 90,
        runtimeMs: 90,
        producedBytes: 2,
        spans: [
          { name: "responseLatency", startMs, durationMs: 20 },
          { name: "responseDuration", startMs: startMs + 20, durationMs: 30 },
          { name: "runtimeOverhead", startMs: startMs + 50, durationMs: 40 },
        ],
      },
    ]);
  });

  test("an invocation that reached no runtime took no time of one's", async () => {
    const world = await World.ready();
    world.process.exit({ code: 1 });
    await world.flush();
    await world.invoke();
    expect(world.reports).toMatchObject([{ status: "error", errorType: "Runtime.ExitError", runtimeMs: 0, spans: [] }]);
  });

  test("an answer whose next poll never comes is a success that took all the time there was", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.clock.advance(10);
    world.answer();
    await world.clock.advance(5000);
    expect(await invoked).toEqual({ outcome: response() });
    expect(world.reports).toMatchObject([{ status: "success", durationMs: 3000, runtimeMs: 3000 }]);
  });

  test("a first invocation that is a retry has no init duration, nor has the one after it", async () => {
    const world = await World.ready();
    await world.serve({ isInitRetry: true });
    await world.serve({ requestId: "id-2" });
    expect(world.reports.map(({ initDurationMs }) => initDurationMs)).toEqual([undefined, undefined]);
  });
});
