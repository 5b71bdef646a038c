/** The runtime's events that do not come over HTTP; its calls are in `test/runtime-api/states.test.ts`. */
import { describe, expect, test } from "bun:test";
import type { Exchange } from "../../src/environment/exchange.ts";
import { Exchanges } from "../../src/environment/exchanges.ts";
import { Invocation } from "../../src/environment/invocation.ts";
import { oneAtATime } from "../../src/environment/policy.ts";
import { runtimeTransitions, StateTransitionError } from "../../src/environment/runtime-states.ts";
import { requestOf } from "../runtime-api/fixture.ts";

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

describe("an event", () => {
  const response = { kind: "response", body: Buffer.from(""), contentType: "" } as const;

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
    exchange(exchanges, "id-1").begin("response");
    exchange(exchanges, "id-1").finish(response);
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
