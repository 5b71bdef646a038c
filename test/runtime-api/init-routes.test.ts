/** Restores from a snapshot; errors of the start are in `errors.test.ts`. */
import { describe, expect, test } from "bun:test";
import type { RuntimeState } from "../../src/environment/runtime-states.ts";
import { accepted, Fixture, isPending, refused, seen, truncated, unfinished } from "./fixture.ts";

const restored = { status: 200, body: "", contentType: null };

describe("restore/next", () => {
  test("C1: is held until the runtime is to go on, and brings no event", async () => {
    const fixture = new Fixture();
    const polled = fixture.restoreNext();
    expect(await isPending(polled)).toBe(true);
    fixture.exchanges.restore();
    const reply = await polled;
    expect(reply.headers.get("lambda-runtime-aws-request-id")).toBeNull();
    expect(await seen(reply)).toEqual(restored);
    expect(fixture.exchanges.state).toBe("Restoring");
  });

  test("C6: is there whatever the type of the function", async () => {
    const fixture = await Fixture.in("RestoreReady");
    expect(fixture.exchanges.isSnapshot).toBe(true);
  });

  test.each([
    "Ready",
    "Running",
    "RuntimeResponseSentState",
    "InitError",
    "RestoreReady",
    "Restoring",
    "RuntimeRestoreErrorState",
  ] satisfies RuntimeState[])("C6: is refused in %s", async (state) => {
    const fixture = await Fixture.in(state);
    expect(await seen(await fixture.restoreNext())).toEqual(refused(state, "Ready"));
    expect(fixture.exchanges.state).toBe(state);
  });

  test("ends with its processes", async () => {
    const fixture = new Fixture();
    const polled = fixture.restoreNext();
    fixture.exchanges.suspend();
    fixture.exchanges.close();
    expect((await polled).status).toBe(500);
  });
});

test("the event comes with the poll behind the restore", async () => {
  const fixture = await Fixture.in("Restoring");
  const polled = fixture.next();
  expect(await isPending(polled)).toBe(true);
  fixture.exchanges.dispatch(fixture.invocation);
  expect((await polled).headers.get("lambda-runtime-aws-request-id")).toBe("id-1");
  expect(fixture.firstNexts).toBe(1);
});

describe("restore/error", () => {
  test("C4: is taken with its body", async () => {
    const fixture = await Fixture.in("Restoring");
    const body = '{"errorMessage":"m","errorType":"Runtime.AfterRestoreError"}';
    const headers = { "Lambda-Runtime-Function-Error-Type": "Runtime.AfterRestoreError" };
    expect(await seen(await fixture.restoreError(body, headers))).toEqual(accepted);
    expect(fixture.initErrors).toEqual([body]);
    expect(fixture.exchanges.state).toBe("RuntimeRestoreErrorState");
  });

  test.each(["Started", "Ready", "Running", "RestoreReady", "RuntimeRestoreErrorState"] satisfies RuntimeState[])(
    "C7: is refused in %s",
    async (state) => {
      const fixture = await Fixture.in(state);
      const before = [...fixture.initErrors];
      expect(await seen(await fixture.restoreError())).toEqual(refused(state, "RuntimeRestoreErrorState"));
      expect([fixture.exchanges.state, fixture.initErrors]).toEqual([state, before]);
    },
  );

  test("that breaks off is told as such", async () => {
    const fixture = await Fixture.in("Restoring");
    const { body, push, cut } = unfinished();
    const reply = fixture.restoreError(body);
    push("half");
    cut();
    expect(await seen(await reply)).toEqual(truncated);
    expect(fixture.initErrors).toEqual([]);
  });
});
