/** Every cell of the table in `src/environment/invocation.ts`. */
import { describe, expect, test } from "bun:test";
import { Invocation, type Outcome, type Settlement } from "../../src/environment/invocation.ts";
import { requestOf } from "../runtime-api/fixture.ts";
import { exitFault, response, timedOut } from "./world.ts";

type Phase = "waiting" | "answered" | "over";
type Event = "answer" | "polled again" | "fault" | "end";

const answer = response("the answer");
const otherAnswer = response("another answer");
const fault = exitFault("exit status 3");
const earlier: Outcome = { kind: "stopped" };

function invocationIn(phase: Phase): Invocation {
  const invocation = new Invocation(requestOf());
  if (phase === "answered") invocation.respond(answer);
  if (phase === "over") invocation.end(earlier);
  return invocation;
}

const happen: Record<Event, (invocation: Invocation) => void> = {
  answer: (invocation) => invocation.respond(otherAnswer),
  "polled again": (invocation) => invocation.polledAgain(),
  fault: (invocation) => invocation.fail(fault),
  end: (invocation) => invocation.end(timedOut),
};

async function settlementOf(invocation: Invocation): Promise<Settlement | "not over"> {
  const goesOn = new Promise<"not over">((resolve) => setImmediate(() => resolve("not over")));
  return await Promise.race([invocation.over, goesOn]);
}

const stands: Settlement = { outcome: earlier, isRuntimeReady: false };

const table: Record<Phase, Record<Event, Settlement | "not over">> = {
  waiting: {
    answer: "not over",
    "polled again": "not over",
    fault: { outcome: { kind: "fault", fault }, isRuntimeReady: false },
    end: { outcome: timedOut, isRuntimeReady: false },
  },
  answered: {
    answer: "not over",
    "polled again": { outcome: answer, isRuntimeReady: true },
    fault: { outcome: answer, faultAfterAnswer: fault, isRuntimeReady: false },
    end: { outcome: answer, isRuntimeReady: false },
  },
  over: { answer: stands, "polled again": stands, fault: stands, end: stands },
};

const cells = (Object.keys(table) as Phase[]).flatMap((phase) =>
  (Object.keys(happen) as Event[]).map((event) => [phase, event] as const),
);

describe("an invocation", () => {
  test.each(cells)("that is %s: %s", async (phase, event) => {
    const invocation = invocationIn(phase);
    happen[event](invocation);
    expect(await settlementOf(invocation)).toEqual(table[phase][event]);
  });

  test("keeps its first answer", async () => {
    const invocation = invocationIn("answered");
    invocation.respond(otherAnswer);
    invocation.polledAgain();
    expect((await invocation.over).outcome).toEqual(answer);
  });

  test.each(cells)("that is over by %s then %s is not over again by anything", async (phase, event) => {
    const invocation = invocationIn(phase);
    happen[event](invocation);
    invocation.end(timedOut);
    const first = await invocation.over;
    for (const again of Object.values(happen)) again(invocation);
    expect(await invocation.over).toBe(first);
  });

  test("waits for an answer until it has one or is over", () => {
    expect(["waiting", "answered", "over"].map((phase) => invocationIn(phase as Phase).isWaiting)).toEqual([
      true,
      false,
      false,
    ]);
  });
});

const cutOff: Outcome = { kind: "fault", fault: { type: "Runtime.TruncatedResponse", reason: "it broke off" } };

describe("a response that broke off", () => {
  test("is no answer yet: the end of the runtime says more", async () => {
    const invocation = new Invocation(requestOf());
    invocation.respond(cutOff);
    invocation.fail(fault);
    expect(await invocation.answer).toEqual({ kind: "fault", fault });
    expect(await invocation.over).toEqual({ outcome: { kind: "fault", fault }, isRuntimeReady: false });
  });

  test("is the answer when the runtime lives on", async () => {
    const invocation = new Invocation(requestOf());
    invocation.respond(cutOff);
    invocation.polledAgain();
    expect(await invocation.answer).toEqual(cutOff);
  });
});

describe("a streamed response", () => {
  type Sent = "under way" | "sent" | "cut off";

  /** One whose response is a stream: under way, sent to its end, or cut off by its sender. */
  function streaming(sent: Sent = "under way") {
    const invocation = new Invocation(requestOf({ takesStream: true }));
    const stream = invocation.stream("text/plain");
    if (sent === "sent") {
      stream.close();
      invocation.respond();
    }
    if (sent === "cut off") invocation.respond(cutOff);
    return { invocation, stream };
  }

  const stopped: Outcome = { kind: "stopped" };
  const happenings: Record<string, (invocation: Invocation) => void> = {
    "another stream": (invocation) => void invocation.stream("other/type"),
    ...happen,
    stop: (invocation) => invocation.end(stopped),
  };

  /** What becomes of the invocation, and of the stream: the type it broke off with, or "well". */
  type Cell = "goes on" | { isRuntimeReady: boolean; isFaulty?: true; end: string };
  const ready = (end: string): Cell => ({ isRuntimeReady: true, end });
  const over = (end: string): Cell => ({ isRuntimeReady: false, end });
  const failed = (end: string): Cell => ({ isRuntimeReady: false, isFaulty: true, end });

  const cellsOf: Record<Sent, Record<string, Cell>> = {
    "under way": {
      "another stream": "goes on",
      answer: "goes on",
      "polled again": "goes on",
      fault: failed("Runtime.ExitError"),
      end: over("Sandbox.Timedout"),
      stop: over("Sandbox.Failure"),
    },
    sent: {
      "another stream": "goes on",
      answer: "goes on",
      "polled again": ready("well"),
      fault: failed("well"),
      end: over("well"),
      stop: over("well"),
    },
    "cut off": {
      "another stream": "goes on",
      answer: "goes on",
      "polled again": ready("Runtime.TruncatedResponse"),
      // The end of the runtime says more than that its connection broke.
      fault: failed("Runtime.ExitError"),
      end: over("Runtime.TruncatedResponse"),
      stop: over("Runtime.TruncatedResponse"),
    },
  };

  const all = Object.entries(cellsOf).flatMap(([sent, row]) =>
    Object.entries(row).map(([event, cell]) => [sent as Sent, event, cell] as const),
  );

  test.each(all)("that is %s: %s", async (sent, event, cell) => {
    const { invocation, stream } = streaming(sent);
    happenings[event]?.(invocation);
    const settlement = await settlementOf(invocation);
    if (cell === "goes on") {
      expect(settlement).toBe("not over");
      return;
    }
    expect(settlement).toMatchObject({ outcome: { kind: "stream" }, isRuntimeReady: cell.isRuntimeReady });
    expect((settlement as Settlement).faultAfterAnswer).toEqual(cell.isFaulty && fault);
    expect((await stream.ended)?.errorType ?? "well").toBe(cell.end);
    expect(stream.isOpen).toBe(false);
  });

  test("is the answer from its head on", async () => {
    const { invocation, stream } = streaming();
    expect(await invocation.answer).toMatchObject({ kind: "stream", contentType: "text/plain", body: stream.body });
    expect([invocation.isWaiting, invocation.isOver]).toEqual([true, false]);
  });

  test.each(["answered", "over"] as const)("that comes when it is %s goes nowhere", async (phase) => {
    const invocation = invocationIn(phase);
    const before = await settlementOf(invocation);
    const stream = invocation.stream("text/plain");
    expect(stream.isOpen).toBe(false);
    expect([await settlementOf(invocation), invocation.streamedBytes]).toEqual([before, undefined]);
  });

  test("has a body that names the request where it was broken off", async () => {
    const { invocation, stream } = streaming();
    invocation.fail(fault);
    expect(await stream.ended).toEqual({
      errorType: "Runtime.ExitError",
      errorBody: JSON.stringify({ errorMessage: `RequestId: id-1 Error: ${fault.reason}`, errorType: fault.type }),
    });
  });

  test("counts its bytes", async () => {
    const { invocation, stream } = streaming();
    expect(invocation.streamedBytes).toBe(0);
    await stream.write(Buffer.from("12345"));
    expect(invocation.streamedBytes).toBe(5);
  });
});

describe("the signal", () => {
  test("is aborted when it is over, not before", () => {
    const invocation = new Invocation(requestOf());
    const { signal } = invocation;
    invocation.respond(answer);
    expect(signal.aborted).toBe(false);
    invocation.polledAgain();
    expect(signal.aborted).toBe(true);
  });

  test("that is asked for when it is over is aborted", () => {
    expect(invocationIn("over").signal.aborted).toBe(true);
  });
});
