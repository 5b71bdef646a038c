/** Every cell of the lifecycle, for each policy that changes one. */
import { describe, expect, test } from "bun:test";
import { type Event, lifecycle, next, type State, takesInvocations } from "../../src/environment/lifecycle-table.ts";
import { managedInstance, oneAtATime, type Policy } from "../../src/environment/policy.ts";

const events: readonly Event[] = [
  "boot",
  "initialized",
  "init failed",
  "init overdue",
  "invoke",
  "settled",
  "broke",
  "extensions done",
  "extensions overdue",
  "runtime crashed",
  "processes useless",
  "code changed",
  "stop",
  "ended",
];

type Row = Partial<Record<Event, State>>;

/** One at a time, told at once of a failed init. */
const table: Record<State, Row> = {
  cold: { boot: "booting", invoke: "starting", stop: "stopped" },
  booting: { initialized: "ready", "init failed": "failed", "init overdue": "failed", stop: "stopping" },
  starting: { initialized: "serving", broke: "resetting", stop: "stopping" },
  ready: {
    invoke: "serving",
    broke: "resetting",
    "code changed": "resetting",
    "runtime crashed": "doomed",
    "processes useless": "resetting",
    stop: "stopping",
  },
  serving: { settled: "finishing", broke: "resetting", stop: "stopping" },
  finishing: {
    "extensions done": "ready",
    "extensions overdue": "resetting",
    "runtime crashed": "doomed",
    "processes useless": "resetting",
    stop: "stopping",
  },
  doomed: { invoke: "serving", broke: "resetting", "code changed": "resetting", stop: "stopping" },
  failed: { invoke: "serving", broke: "resetting", "code changed": "resetting", stop: "stopping" },
  resetting: { ended: "cold", stop: "stopping" },
  stopping: { ended: "stopped" },
  stopped: {},
};

/** A failed init is tried again inside the next invocation, and so is what ended while idle. */
const triesAgain: Policy = { ...oneAtATime, afterFailedInit: "resetting", afterIdleCrash: "resetting" };
const whereItTriesAgain: Partial<Record<State, Row>> = {
  booting: { "init failed": "resetting", "init overdue": "resetting" },
  ready: { "runtime crashed": "resetting" },
  finishing: { "runtime crashed": "resetting" },
};

/** A managed instance ends when its processes break. */
const managed = managedInstance(4, undefined);
const whereItEnds: Partial<Record<State, Row>> = {
  starting: { broke: "stopping" },
  ready: { broke: "stopping", "runtime crashed": "stopping", "processes useless": "stopping" },
  doomed: { broke: "stopping" },
  failed: { broke: "stopping" },
  serving: { broke: "stopping" },
  finishing: { "runtime crashed": "stopping", "processes useless": "stopping" },
};

const policies: [name: string, policy: Policy, differs: Partial<Record<State, Row>>][] = [
  ["one at a time", oneAtATime, {}],
  ["one at a time, tried again", triesAgain, whereItTriesAgain],
  ["a managed instance", managed, whereItEnds],
];

const states = Object.keys(table) as State[];

test("the table has these states and no others", () => {
  expect(Object.keys(lifecycle)).toEqual(states);
});

describe.each(policies)("%s", (_name, policy, differs) => {
  describe.each(states)("%s", (state) => {
    const row: Row = { ...table[state], ...differs[state] };
    test.each(events)("%s", (event) => {
      expect(next(state, event, policy)).toBe(row[event] as State);
    });
  });
});

describe("an invocation whose turn has come is taken up", () => {
  const taken: Record<State, boolean> = {
    cold: true,
    booting: true,
    starting: false,
    ready: true,
    serving: false,
    finishing: false,
    doomed: true,
    failed: true,
    resetting: false,
    stopping: true,
    stopped: true,
  };

  test.each(states)("in the state %s", (state) => {
    expect(takesInvocations(state, oneAtATime)).toBe(taken[state]);
    // While others are served, another one only where several may run; while init runs, only where that is its time.
    expect(takesInvocations(state, managed)).toBe(state === "serving" || taken[state]);
    expect(takesInvocations(state, { ...oneAtATime, isInitInvocationsTime: false })).toBe(
      state !== "booting" && taken[state],
    );
  });
});
