/** The time of an invocation. */
import { describe, expect, test } from "bun:test";
import type { Clock } from "../../src/clock.ts";
import type { InitOutcome } from "../../src/environment/init-outcome.ts";
import { Invocation, type Outcome } from "../../src/environment/invocation.ts";
import { Running } from "../../src/environment/running.ts";
import { initTimeoutFault } from "../../src/errors.ts";
import type { EnvironmentEvents } from "../../src/telemetry/events.ts";
import { requestOf } from "../runtime-api/fixture.ts";
import { response, World } from "./world.ts";

const initError = { kind: "init error", body: Buffer.from("why"), errorType: "Runtime.Why" } as const;

/** One whose time has begun on a clock that the test sets. Its timer fires by `fire`. */
function started(timeoutMs: number) {
  const clock = { ms: 1000, fire: () => {}, isCalledOff: false };
  const system: Clock = {
    now: () => clock.ms,
    epoch: () => 50_000 + clock.ms,
    after: (_ms, action) => {
      clock.fire = action;
      return () => {
        clock.isCalledOff = true;
      };
    },
  };
  let starts = 0;
  let timeouts = 0;
  const events = { invocationStarted: () => void starts++ } as unknown as EnvironmentEvents;
  const running = new Running(new Invocation(requestOf()), system, events);
  const before = running.durationMs();
  running.startTime(timeoutMs, () => void timeouts++);
  return { running, clock, before, starts: () => starts, timeouts: () => timeouts };
}

describe("the duration", () => {
  test("is nothing before its time has begun, and counts from there", () => {
    const { running, clock, before } = started(3000);
    expect(before).toBe(0);
    expect(running.invocation.deadlineMs).toBe(54_000);
    clock.ms += 12.5;
    expect(running.durationMs()).toBe(12.5);
  });

  test("is at most the timeout, though the machine was too busy for the timer to fire", () => {
    const { running, clock } = started(3000);
    clock.ms += 3500;
    expect(running.hasTimedOut).toBe(false);
    expect(running.durationMs()).toBe(3000);
  });

  test.each([2999.4, 3000, 4000])("of one that timed out is the timeout, at %d ms", (ms) => {
    const { running, clock, timeouts } = started(3000);
    clock.ms += ms;
    clock.fire();
    expect([running.hasTimedOut, timeouts(), running.durationMs()]).toEqual([true, 1, 3000]);
  });

  test("of an invocation whose answer came while the machine stood still is its timeout in REPORT", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    world.clock.stall(3500);
    world.answer();
    void world.poll();
    expect((await invoked).outcome).toEqual(response());
    expect(world.reports).toMatchObject([{ durationMs: 3000, status: "success" }]);
  });
});

test("the timer is called off when it is over", () => {
  const { running, clock } = started(3000);
  expect(clock.isCalledOff).toBe(false);
  running.stopTimer();
  expect(clock.isCalledOff).toBe(true);
});

describe("an init that ran for it", () => {
  const fault = { type: "Extension.Crash", reason: "exit status 7" } as const;

  test.each<[outcome: InitOutcome, hasFailed: boolean, settled: Outcome]>([
    [{ kind: "fault", fault }, true, { kind: "fault", fault }],
    [{ kind: "overdue", limitMs: 10_000 }, true, { kind: "fault", fault: initTimeoutFault(10_000) }],
    [initError, true, initError],
    [{ kind: "cancelled" }, false, { kind: "stopped" }],
  ])("and ended with %j: it has failed: %p", async (outcome, hasFailed, settled) => {
    const { running } = started(3000);
    running.endWithInit(outcome);
    expect(running.hasInitFailed).toBe(hasFailed);
    expect((await running.invocation.over).outcome).toEqual(settled);
  });

  test("and was stopped with the environment is no failure in REPORT", async () => {
    const world = new World();
    const invoked = world.invoke();
    await world.flush();
    expect(world.environment.state).toBe("starting");
    await world.environment.stop();
    expect((await invoked).outcome).toEqual({ kind: "stopped" });
    expect(world.reports).toMatchObject([{ status: "failure", isInitFailure: false }]);
  });
});

describe("the end of a process it runs on", () => {
  const fault = { type: "Runtime.ExitError", reason: "Runtime exited with error: exit status 1" } as const;

  test("is its own outcome while it waits for an answer", async () => {
    const { running } = started(3000);
    running.fail(fault);
    expect((await running.invocation.over).outcome).toEqual({ kind: "fault", fault });
    expect(running.faultAfterwards).toBeUndefined();
  });

  test("is told besides when the runtime was done with it already, the first one of several", () => {
    const { running } = started(3000);
    running.invocation.respond(response());
    running.invocation.polledAgain();
    running.fail(fault);
    running.fail({ ...fault, reason: "another" });
    expect(running.faultAfterwards).toEqual(fault);
  });
});

test("its start is told once", () => {
  const { running, starts } = started(3000);
  running.announce();
  running.announce();
  expect(starts()).toBe(1);
});
