/** An extension without its API: events, ends and what is told of it. Its calls are in `test/runtime-api`. */
import { beforeEach, describe, expect, test } from "bun:test";
import { ApiRefusal } from "../../../src/environment/api-refusal.ts";
import { type Delivered, Extension, type LifecycleEvent } from "../../../src/environment/extensions/extension.ts";
import { invocationOf, isPending } from "../../runtime-api/fixture.ts";

const never = () => new AbortController().signal;

const invoke = (requestId: string): Delivered => ({ kind: "invoke", invocation: invocationOf({ requestId }) });
const shutdown: Delivered = { kind: "shutdown", deadlineMs: 5, reason: "failure" };

let changes = 0;
let extension: Extension;

beforeEach(() => {
  changes = 0;
  extension = new Extension("ext", true, () => void changes++);
});

function register(...events: LifecycleEvent[]): void {
  extension.register(new Set(events));
}

describe("an event", () => {
  test("goes to the poll that waits", async () => {
    register("INVOKE");
    const asked = extension.next(never());
    const event = invoke("id-1");
    extension.dispatch(event);
    expect(await asked).toBe(event);
    expect(extension.state).toBe("Running");
  });

  test("waits for the poll that does not", async () => {
    register("INVOKE");
    const event = invoke("id-1");
    extension.dispatch(event);
    expect(extension.state).toBe("Registered");
    expect(await extension.next(never())).toBe(event);
    expect(await isPending(extension.next(never()))).toBe(true);
  });

  test("is replaced by a later one that finds it still there: a shutdown comes before an invocation nobody took", async () => {
    register("INVOKE", "SHUTDOWN");
    extension.dispatch(invoke("id-1"));
    extension.dispatch(shutdown);
    expect(await extension.next(never())).toBe(shutdown);
    expect(await isPending(extension.next(never()))).toBe(true);
  });

  test("is not lost with a poll whose client is gone by then", async () => {
    register("INVOKE");
    const gone = new AbortController();
    const lost = extension.next(gone.signal);
    gone.abort();
    expect(await lost).toBeUndefined();
    const event = invoke("id-1");
    extension.dispatch(event);
    expect(await extension.next(never())).toBe(event);
  });

  test("stays with the poll that took it although that one's client is gone afterwards", async () => {
    register("INVOKE");
    const gone = new AbortController();
    const asked = extension.next(gone.signal);
    const event = invoke("id-1");
    extension.dispatch(event);
    gone.abort();
    expect(await asked).toBe(event);
    expect(extension.state).toBe("Running");
  });

  test("for an extension whose process is gone waits, and disturbs nobody", () => {
    register("SHUTDOWN");
    void extension.next(never());
    extension.close();
    extension.dispatch(shutdown);
    extension.ended(true);
    expect(extension.state).toBe("Exited");
  });
});

describe("what is told when it changes:", () => {
  test("each accepted call, once", async () => {
    register("INVOKE");
    expect(changes).toBe(1);
    void extension.next(never());
    expect(changes).toBe(2);
    extension.dispatch(invoke("id-1"));
    void extension.next(never()).catch(() => {});
    expect(changes).toBe(3);
    extension.report("exitError", "Fatal.Why");
    expect(changes).toBe(4);
  });

  test("a poll that was lost", () => {
    register("INVOKE");
    const gone = new AbortController();
    void extension.next(gone.signal);
    expect(extension.isPolling).toBe(true);
    changes = 0;
    gone.abort();
    expect([changes, extension.isPolling]).toEqual([1, false]);
  });

  test("nothing when a call is refused", async () => {
    register("INVOKE");
    void extension.next(never());
    changes = 0;
    expect(() => register("SHUTDOWN")).toThrow(ApiRefusal);
    expect(() => extension.report("initError", "Fatal.Why")).toThrow(ApiRefusal);
    expect(await extension.next(never()).catch((error) => error)).toBeInstanceOf(ApiRefusal);
    expect(changes).toBe(0);
    expect(extension.toReport()).toEqual({ name: "ext", state: "Ready", events: ["INVOKE"], errorType: undefined });
  });
});

describe("what it has reported", () => {
  test.each([
    ["initError", "InitError"],
    ["exitError", "ExitError"],
  ] as const)("by %s is %s, with the first type it gave", (call, state) => {
    register();
    expect(extension.reported).toBeUndefined();
    extension.report(call, "Fatal.First");
    extension.report(call, "Fatal.Second");
    expect(extension.reported).toBe(state);
    expect(extension.toReport()).toMatchObject({ state, errorType: "Fatal.First" });
  });
});

test("it is registered from its registration on, and not by failing to start", () => {
  const other = new Extension("other", true, () => {});
  expect([extension.isRegistered, other.isRegistered]).toEqual([false, false]);
  register();
  other.launchFailed();
  expect([extension.isRegistered, other.isRegistered]).toEqual([true, false]);
  expect(other.state).toBe("LaunchError");
});

test("what it subscribed to is told in order, once each", () => {
  register("SHUTDOWN", "INVOKE", "SHUTDOWN");
  expect(extension.toReport().events).toEqual(["INVOKE", "SHUTDOWN"]);
  expect([extension.isSubscribedTo("INVOKE"), extension.isSubscribedTo("SHUTDOWN")]).toEqual([true, true]);
});

test("a poll is let go once, and an abort that follows changes nothing", async () => {
  register("INVOKE");
  const gone = new AbortController();
  const asked = extension.next(gone.signal);
  extension.close();
  changes = 0;
  gone.abort();
  extension.close();
  expect(await asked).toBeUndefined();
  expect([changes, extension.state]).toEqual([0, "Ready"]);
});
