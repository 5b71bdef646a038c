/** Every cell of the state table: which call is allowed when, what it answers, where it leads. */
import { describe, expect, test } from "bun:test";
import type { RuntimeState } from "../../src/environment/runtime-states.ts";
import { accepted, Fixture, invalidId, invocationOf, isPending, refused, seen } from "./fixture.ts";

/** `event`: 200 at once. `waits`: the long poll, answered by the next event. A state: where an accepted call leads. */
interface Row {
  next: "event" | "waits" | "refused";
  response: RuntimeState | "refused";
  error: RuntimeState | "refused";
  initError: RuntimeState | "refused";
}

const refusesAll = { next: "refused", response: "refused", error: "refused", initError: "refused" } as const;

/** Those of a restore are in `restore-routes.test.ts`, those before any start in `environment/strangers.test.ts`. */
type State = Exclude<RuntimeState, "Unstarted" | "RestoreReady" | "Restoring" | "RuntimeRestoreErrorState">;

const table: Record<State, Row> = {
  // An event is reserved in every row: in the first two it is there before the poll, which then takes it at once.
  Started: { next: "event", response: "refused", error: "refused", initError: "InitError" },
  Ready: { next: "event", response: "refused", error: "refused", initError: "refused" },
  Running: {
    next: "event",
    response: "RuntimeResponseSentState",
    error: "RuntimeResponseSentState",
    initError: "refused",
  },
  InvocationResponse: refusesAll,
  InvocationErrorResponse: refusesAll,
  RuntimeResponseSentState: { next: "waits", response: "refused", error: "refused", initError: "refused" },
  InitError: refusesAll,
};

const rows = Object.entries(table) as [State, Row][];

describe.each(rows)("in %s", (state, row) => {
  test(`a poll ${row.next === "refused" ? "is refused" : `gets the event (${row.next})`}`, async () => {
    const fixture = await Fixture.in(state);
    const polled = fixture.next();
    if (row.next === "refused") {
      expect(await seen(await polled)).toEqual(refused(state, "Ready"));
      expect(fixture.exchanges.state).toBe(state);
      return;
    }
    if (row.next === "waits") {
      expect(await isPending(polled)).toBe(true);
      expect(fixture.exchanges.state).toBe("Ready");
      fixture.exchanges.dispatch(invocationOf({ requestId: "id-2" }));
    }
    const response = await polled;
    expect(response.status).toBe(200);
    expect(response.headers.get("Lambda-Runtime-Aws-Request-Id")).toBe(row.next === "waits" ? "id-2" : "id-1");
    expect(fixture.exchanges.state).toBe("Running");
  });

  const answers = [
    ["response", row.response, "InvocationResponse"],
    ["error", row.error, "InvocationErrorResponse"],
  ] as const;

  test.each(answers)("an %s with the right id: %s", async (call, leadsTo, target) => {
    const fixture = await Fixture.in(state);
    const reply = await (call === "response" ? fixture.respond("id-1") : fixture.fail("id-1"));
    expect(await seen(reply)).toEqual(leadsTo === "refused" ? refused(state, target) : accepted);
    expect(fixture.exchanges.state).toBe(leadsTo === "refused" ? state : leadsTo);
  });

  test.each(answers)("an %s with a wrong id is an invalid id, and changes nothing", async (call) => {
    const fixture = await Fixture.in(state);
    for (const id of ["id-2", "ID-1", "id-1%20", "id%2D1", "i", "*", "undefined"]) {
      const reply = await (call === "response" ? fixture.respond(id) : fixture.fail(id));
      expect(await seen(reply)).toEqual(invalidId);
    }
    expect(fixture.exchanges.state).toBe(state);
  });

  test(`an init error: ${row.initError}`, async () => {
    const fixture = await Fixture.in(state);
    const before = fixture.initErrors.length;
    const reply = await seen(await fixture.initError("why"));
    expect(reply).toEqual(row.initError === "refused" ? refused(state, "InitError") : accepted);
    expect(fixture.exchanges.state).toBe(row.initError === "refused" ? state : row.initError);
    expect(fixture.initErrors.slice(before)).toEqual(row.initError === "refused" ? [] : ["why"]);
  });
});

describe("without a reserved event", () => {
  test("a first poll waits for one, and tells that init has ended", async () => {
    const fixture = new Fixture();
    const polled = fixture.next();
    expect(await isPending(polled)).toBe(true);
    expect([fixture.exchanges.state, fixture.firstNexts]).toEqual(["Ready", 1]);
    fixture.exchanges.dispatch(invocationOf());
    expect((await polled).status).toBe(200);
    expect([fixture.exchanges.state, fixture.firstNexts]).toEqual(["Running", 1]);
  });

  test.each(["Started", "Ready"] as const)("any id is an invalid one in %s", async (state) => {
    const fixture = new Fixture();
    if (state === "Ready") void fixture.next();
    for (const id of ["id-1", "undefined", ""]) {
      expect((await fixture.respond(id)).ok).toBe(false);
      expect((await fixture.fail(id)).ok).toBe(false);
    }
    expect(await seen(await fixture.respond("id-1"))).toEqual(invalidId);
    expect(await seen(await fixture.fail("id-1"))).toEqual(invalidId);
    expect(fixture.exchanges.state).toBe(state);
  });

  test("an answered id is an invalid one after the next poll", async () => {
    const fixture = await Fixture.in("RuntimeResponseSentState");
    void fixture.next();
    expect(await seen(await fixture.respond("id-1"))).toEqual(invalidId);
    expect(await seen(await fixture.fail("id-1"))).toEqual(invalidId);
  });
});

describe("when its processes were given up, a runtime", () => {
  const states = rows.map(([state]) => [state] as const);

  test.each(states)("in %s gets no event, and its answers carry an invalid id", async (state) => {
    const fixture = await Fixture.in(state);
    fixture.invocation.end({ kind: "stopped" });
    fixture.exchanges.close();
    expect(await seen(await fixture.respond("id-1"))).toEqual(invalidId);
    expect(await seen(await fixture.fail("id-1"))).toEqual(invalidId);
    const polled = fixture.next();
    expect(await isPending(polled)).toBe(false);
    expect((await polled).status).toBeGreaterThanOrEqual(400);
  });

  test("is not left waiting in a poll", async () => {
    const fixture = new Fixture();
    const polls = [fixture.next(), fixture.next()];
    fixture.exchanges.close();
    for (const polled of polls) expect(await isPending(polled)).toBe(false);
  });
});
