/** The runtime's events that do not come over HTTP; its calls are in `test/runtime-api/states.test.ts`. */
import { describe, expect, test } from "bun:test";
import type { Exchange } from "../../src/environment/exchange.ts";
import { Exchanges } from "../../src/environment/exchanges.ts";
import { Invocation } from "../../src/environment/invocation.ts";
import { managedInstance, oneAtATime } from "../../src/environment/policy.ts";
import { runtimeTransitions, StateTransitionError } from "../../src/environment/runtime-states.ts";
import { isPending, requestOf } from "../runtime-api/fixture.ts";
import { waitUntil } from "../support/within.ts";
import { timedOut } from "./world.ts";

const invocation = (requestId: string) => new Invocation(requestOf({ requestId }));
const never = () => new AbortController().signal;

const unheard = { onFirstNext() {}, onRestoreNext() {}, onInitError() {}, onInitErrorLost() {} };

function newExchanges(policy = oneAtATime): Exchanges {
  return new Exchanges(policy, unheard);
}

/** What the runtime works on under this id. */
function exchange(exchanges: Exchanges, requestId: string): Exchange {
  const found = exchanges.find(requestId);
  if (!found || found === "timed out") throw new Error(`${requestId} is not running`);
  return found;
}

describe("the state table", () => {
  test("has no entry the contract does not have", () => {
    expect(runtimeTransitions).toEqual({
      Unstarted: { launched: "Started" },
      Started: { next: "Ready", initError: "InitError", restoreNext: "RestoreReady" },
      Ready: { next: "Ready", dispatched: "Running" },
      Running: { next: "Running", response: "InvocationResponse", error: "InvocationErrorResponse" },
      InvocationResponse: { answered: "RuntimeResponseSentState" },
      InvocationErrorResponse: { answered: "RuntimeResponseSentState" },
      RuntimeResponseSentState: { next: "Ready" },
      // A report that broke off was none.
      InitError: { initErrorLost: "Started" },
      RestoreReady: { restored: "Restoring" },
      Restoring: { next: "Ready", initError: "RuntimeRestoreErrorState", restoreError: "RuntimeRestoreErrorState" },
      RuntimeRestoreErrorState: {},
    });
  });

  test.each([
    ["next", "Ready"],
    ["response", "InvocationResponse"],
    ["error", "InvocationErrorResponse"],
    ["initError", "InitError"],
    ["restoreNext", "Ready"],
    ["restoreError", "RuntimeRestoreErrorState"],
  ] as const)("names the state a refused %s asked for: %s", (call, target) => {
    expect(new StateTransitionError("Ready", call).message).toBe(
      `State transition from Ready to ${target} failed for runtime. Error: State transition is not allowed`,
    );
  });
});

const response = { kind: "response", body: Buffer.from(""), contentType: "" } as const;

function answer(exchanges: Exchanges, requestId: string): void {
  const answered = exchange(exchanges, requestId);
  answered.begin("response");
  answered.finish(response);
}

describe("an event", () => {
  test("that comes before the first poll waits for it", async () => {
    const exchanges = newExchanges();
    const event = invocation("id-1");
    exchanges.dispatch(event);
    expect(exchanges.state).toBe("Started");
    expect((await exchanges.next(never()))?.invocation).toBe(event);
    expect(exchanges.state).toBe("Running");
  });

  test("answered is over with the next poll, which does not get it again", async () => {
    const exchanges = newExchanges();
    const event = invocation("id-1");
    exchanges.dispatch(event);
    await exchanges.next(never());
    answer(exchanges, "id-1");
    const polled = exchanges.next(never());
    expect(await event.over).toMatchObject({ isRuntimeReady: true });
    expect(exchanges.find("id-1")).toBeUndefined();
    const following = invocation("id-2");
    exchanges.dispatch(following);
    expect((await polled)?.invocation).toBe(following);
  });

  test("cannot be answered twice", async () => {
    const exchanges = newExchanges();
    exchanges.dispatch(invocation("id-1"));
    await exchanges.next(never());
    const taken = exchange(exchanges, "id-1");
    taken.begin("response");
    taken.finish(response);
    for (const call of ["response", "error"] as const) expect(() => taken.begin(call)).toThrow(StateTransitionError);
    expect(() => taken.finish(response)).toThrow();
  });
});

describe("polls of several workers", () => {
  const managed = () => newExchanges(managedInstance(4, undefined));
  const idOf = async (polled: Promise<Exchange | undefined>) => (await polled)?.request.requestId;

  test("get the events in the order they came", async () => {
    const exchanges = managed();
    const polls = [1, 2, 3].map(() => exchanges.next(never()));
    expect(exchanges.waitingPolls).toBe(3);
    for (const id of ["a", "b", "c"]) exchanges.dispatch(invocation(id));
    expect(await Promise.all(polls.map(idOf))).toEqual(["a", "b", "c"]);
    expect(exchanges.waitingPolls).toBe(0);
  });

  test("get events that came before them in the order of those", async () => {
    const exchanges = managed();
    for (const id of ["a", "b", "c"]) exchanges.dispatch(invocation(id));
    expect([await idOf(exchanges.next(never())), await idOf(exchanges.next(never()))]).toEqual(["a", "b"]);
  });

  test("while others run are no repeats: each waits for an event of its own", async () => {
    const exchanges = managed();
    void exchanges.next(never());
    exchanges.dispatch(invocation("a"));
    const polled = exchanges.next(never());
    expect(await isPending(polled)).toBe(true);
    exchanges.dispatch(invocation("b"));
    expect(await idOf(polled)).toBe("b");
    expect([exchange(exchanges, "a").state, exchange(exchanges, "b").state]).toEqual(["Running", "Running"]);
  });

  test("whose client is gone get no event, whether they waited or had just come", async () => {
    const exchanges = managed();
    const gone = new AbortController();
    const first = exchanges.next(gone.signal);
    const second = exchanges.next(never());
    gone.abort();
    expect(await first).toBeUndefined();
    exchanges.dispatch(invocation("a"));
    expect(await idOf(second)).toBe("a");
    expect(await exchanges.next(gone.signal)).toBeUndefined();
    expect(exchanges.waitingPolls).toBe(0);
    exchanges.dispatch(invocation("b"));
    expect(await idOf(exchanges.next(never()))).toBe("b");
  });

  test("are let go together when the processes are given up, and later ones at once", async () => {
    const exchanges = managed();
    const polls = [1, 2].map(() => exchanges.next(never()));
    exchanges.close();
    expect(await Promise.all([...polls, exchanges.next(never())])).toEqual([undefined, undefined, undefined]);
  });

  test("have their answers in any order; each ends its invocation at once and is then unknown", async () => {
    const exchanges = managed();
    const events = ["a", "b", "c"].map(invocation);
    for (const event of events) {
      void exchanges.next(never());
      exchanges.dispatch(event);
    }
    for (const event of events.toReversed()) {
      const { requestId } = event.request;
      answer(exchanges, requestId);
      expect(await event.over).toMatchObject({ outcome: response, isRuntimeReady: true });
      expect(exchanges.find(requestId)).toBeUndefined();
    }
  });

  test("that take nothing: the state of an event no one has taken is the runtime's, which may not answer it", () => {
    const exchanges = managed();
    exchanges.dispatch(invocation("a"));
    expect(exchange(exchanges, "a").state).toBe("Started");
    expect(() => exchange(exchanges, "a").begin("response")).toThrow(StateTransitionError);
  });
});

describe("an id whose time is over", () => {
  /** Exchanges in which these are under way, each with a worker. */
  function running(...ids: string[]) {
    const exchanges = newExchanges(managedInstance(4, undefined));
    const events = ids.map(invocation);
    for (const event of events) {
      void exchanges.next(never());
      exchanges.dispatch(event);
    }
    return { exchanges, events };
  }

  test("is known as such once", () => {
    const { exchanges, events } = running("a", "b");
    events[0]?.end(timedOut);
    exchanges.forget(events[0] as Invocation);
    expect([exchanges.find("a"), exchanges.find("a")]).toEqual(["timed out", undefined]);
    expect(exchange(exchanges, "b").isOpen).toBe(true);
  });

  test("is not if no poll has taken it: nobody can answer it late", async () => {
    const { exchanges } = running();
    const event = invocation("a");
    exchanges.dispatch(event);
    exchanges.forget(event);
    expect(exchanges.find("a")).toBeUndefined();
    expect(await isPending(exchanges.next(never()))).toBe(true);
  });

  test("can be tried again, and its answer is taken", async () => {
    const { exchanges, events } = running("a");
    events[0]?.end(timedOut);
    exchanges.forget(events[0] as Invocation);
    const again = invocation("a");
    void exchanges.next(never());
    exchanges.dispatch(again);
    answer(exchanges, "a");
    expect(await again.over).toMatchObject({ outcome: response });
  });

  test("is nobody's business when another attempt of the event runs under it", () => {
    const { exchanges, events } = running("a", "a");
    exchanges.forget(events[0] as Invocation);
    expect(exchange(exchanges, "a").invocation).toBe(events[1] as Invocation);
  });
});

test("a runtime that waits for its restore does so no more when its processes are being ended", async () => {
  const exchanges = newExchanges();
  const restored = exchanges.restoreNext();
  expect(exchanges.isSnapshot).toBe(true);
  exchanges.suspend();
  expect(exchanges.isSnapshot).toBe(false);
  exchanges.close();
  expect(await restored).toBe(false);
  expect(exchanges.isSnapshot).toBe(false);
});

describe("nothing is kept of invocations the runtime is done with", () => {
  test.each([
    ["one at a time", oneAtATime],
    ["several", managedInstance(4, undefined)],
  ])("%s", async (_, policy) => {
    const exchanges = newExchanges(policy);
    const kept: WeakRef<Invocation>[] = [];
    for (let count = 0; count < 50; count++) {
      const event = invocation(`id-${count}`);
      kept.push(new WeakRef(event));
      void exchanges.next(never());
      exchanges.dispatch(event);
      answer(exchanges, `id-${count}`);
    }
    void exchanges.next(never());
    await new Promise(setImmediate);
    // The collector may take words on the stack for references: a few stay, and others are collected in a later turn.
    await waitUntil("at most a few are kept", () => {
      Bun.gc(true);
      return kept.filter((ref) => ref.deref()).length < 10;
    });
    expect(exchanges.waitingPolls).toBe(1);
  });
});
