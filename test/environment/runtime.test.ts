/** The runtime's events that do not come over HTTP; its calls are in `test/runtime-api/states.test.ts`. */
import { describe, expect, test } from "bun:test";
import { Invocation } from "../../src/environment/invocation.ts";
import { Runtime } from "../../src/environment/runtime.ts";
import { askedState, runtimeTransitions, StateTransitionError } from "../../src/environment/runtime-states.ts";

const request = { invokedFunctionArn: "", payload: "", traceId: "", clientContext: "", isInitRetry: false };
const invocation = (requestId: string) => new Invocation({ ...request, requestId }, 0);
const never = () => new AbortController().signal;

function newRuntime(): Runtime {
  return new Runtime({ onFirstNext() {}, onInitError() {}, onInitErrorLost() {} });
}

describe("the state table", () => {
  test("has no entry the contract does not have", () => {
    expect(runtimeTransitions).toEqual({
      Started: { next: "Ready", initError: "InitError" },
      Ready: { next: "Ready", dispatched: "Running" },
      Running: { next: "Running", response: "InvocationResponse", error: "InvocationErrorResponse" },
      InvocationResponse: { answered: "RuntimeResponseSentState" },
      InvocationErrorResponse: { answered: "RuntimeResponseSentState" },
      RuntimeResponseSentState: { next: "Ready" },
      // A report that broke off was none.
      InitError: { initErrorLost: "Started" },
    });
  });

  test.each([
    ["next", "Ready"],
    ["response", "InvocationResponse"],
    ["error", "InvocationErrorResponse"],
    ["initError", "InitError"],
  ] as const)("names the state a refused %s asked for: %s", (call, target) => {
    expect(askedState[call]).toBe(target);
    expect(new StateTransitionError("Ready", call).message).toBe(
      `State transition from Ready to ${target} failed for runtime. Error: State transition is not allowed`,
    );
  });
});

describe("an event", () => {
  test("that comes before the first poll waits for it", async () => {
    const runtime = newRuntime();
    const event = invocation("id-1");
    runtime.dispatch(event);
    expect(runtime.state).toBe("Started");
    expect(await runtime.next(never())).toBe(event);
    expect(runtime.state).toBe("Running");
  });

  test("answered is settled by the next poll, which does not get it again", async () => {
    const runtime = newRuntime();
    const event = invocation("id-1");
    runtime.dispatch(event);
    await runtime.next(never());
    runtime.beginAnswer("response");
    runtime.finishAnswer();
    event.answer({ kind: "response", body: Buffer.from(""), contentType: "" });
    const polled = runtime.next(never());
    expect(await event.settled).toMatchObject({ isRuntimeReady: true });
    expect(runtime.currentInvocation("id-1")).toBeUndefined();
    const next = invocation("id-2");
    runtime.dispatch(next);
    expect(await polled).toBe(next);
  });

  test("cannot be answered twice", async () => {
    const runtime = newRuntime();
    runtime.dispatch(invocation("id-1"));
    await runtime.next(never());
    runtime.beginAnswer("response");
    runtime.finishAnswer();
    for (const call of ["response", "error"] as const) {
      expect(() => runtime.beginAnswer(call)).toThrow(StateTransitionError);
    }
    expect(() => runtime.finishAnswer()).toThrow();
  });
});
