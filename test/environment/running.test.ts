/** The time of an invocation. */
import { describe, expect, test } from "bun:test";
import type { Clock } from "../../src/clock.ts";
import { Invocation } from "../../src/environment/invocation.ts";
import { Running } from "../../src/environment/running.ts";
import type { EnvironmentEvents } from "../../src/telemetry/events.ts";
import { requestOf } from "../runtime-api/fixture.ts";
import { response, World } from "./world.ts";

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

test("its start is told once", () => {
  const { running, starts } = started(3000);
  running.announce();
  running.announce();
  expect(starts()).toBe(1);
});
