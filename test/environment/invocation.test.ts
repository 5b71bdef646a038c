/** Every cell of the table in `src/environment/invocation.ts`. */
import { describe, expect, test } from "bun:test";
import { Invocation, type Outcome, type Settlement } from "../../src/environment/invocation.ts";
import { exitFault, response, timedOut } from "./world.ts";

type Phase = "waiting" | "answered" | "settled";
type Event = "answer" | "polled again" | "fault" | "end";

const answer = response("the answer");
const otherAnswer = response("another answer");
const fault = exitFault("exit status 3");
const earlier: Outcome = { kind: "stopped" };

function invocationIn(phase: Phase): Invocation {
  const invocation = new Invocation(
    { requestId: "id-1", invokedFunctionArn: "", payload: "", traceId: "", clientContext: "", isInitRetry: false },
    0,
  );
  if (phase === "answered") invocation.answer(answer);
  if (phase === "settled") invocation.end(earlier);
  return invocation;
}

const happen: Record<Event, (invocation: Invocation) => void> = {
  answer: (invocation) => invocation.answer(otherAnswer),
  "polled again": (invocation) => invocation.polledAgain(),
  fault: (invocation) => invocation.fail(fault),
  end: (invocation) => invocation.end(timedOut),
};

async function settlementOf(invocation: Invocation): Promise<Settlement | "unsettled"> {
  const unsettled = new Promise<"unsettled">((resolve) => setImmediate(() => resolve("unsettled")));
  return await Promise.race([invocation.settled, unsettled]);
}

const stands: Settlement = { outcome: earlier, isRuntimeReady: false };

const table: Record<Phase, Record<Event, Settlement | "unsettled">> = {
  waiting: {
    answer: "unsettled",
    "polled again": "unsettled",
    fault: { outcome: { kind: "fault", fault }, isRuntimeReady: false },
    end: { outcome: timedOut, isRuntimeReady: false },
  },
  answered: {
    answer: "unsettled",
    "polled again": { outcome: answer, isRuntimeReady: true },
    fault: { outcome: answer, faultAfterAnswer: fault, isRuntimeReady: false },
    end: { outcome: answer, isRuntimeReady: false },
  },
  settled: { answer: stands, "polled again": stands, fault: stands, end: stands },
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
    invocation.answer(otherAnswer);
    invocation.polledAgain();
    expect((await invocation.settled).outcome).toEqual(answer);
  });

  test.each(cells)("that is settled by %s then %s is not settled again by anything", async (phase, event) => {
    const invocation = invocationIn(phase);
    happen[event](invocation);
    invocation.end(timedOut);
    const first = await invocation.settled;
    for (const again of Object.values(happen)) again(invocation);
    expect(await invocation.settled).toBe(first);
  });

  test("waits for an answer until it has one or is settled", () => {
    expect(["waiting", "answered", "settled"].map((phase) => invocationIn(phase as Phase).isWaiting)).toEqual([
      true,
      false,
      false,
    ]);
  });
});
