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

describe("a response that broke off", () => {
  const cutOff: Outcome = { kind: "fault", fault: { type: "Runtime.TruncatedResponse", reason: "it broke off" } };

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
