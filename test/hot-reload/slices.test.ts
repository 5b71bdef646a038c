import { expect, test } from "bun:test";
import type { Clock } from "../../src/clock.ts";
import { inSlices } from "../../src/hot-reload/slices.ts";

/** A step of work takes one millisecond; what waits is rung by hand. */
function busyClock() {
  let now = 0;
  let pending: (() => void) | undefined;
  const clock: Clock = {
    now: () => now,
    epoch: () => now,
    after(ms, action) {
      expect(ms).toBe(1);
      pending = action;
      return () => {
        pending = undefined;
      };
    },
  };
  const ring = () => {
    const action = pending;
    pending = undefined;
    action?.();
    return action !== undefined;
  };
  function* work(steps: number): Generator<void, string> {
    for (let step = 0; step < steps; step++) {
      now++;
      yield;
    }
    return "done";
  }
  return { clock, ring, work, now: () => now };
}

test("work is done in pieces, and what it returns is told once", () => {
  const { clock, ring, work, now } = busyClock();
  const results: string[] = [];
  const callOff = inSlices(clock, 10, work(25), (result) => results.push(result));
  expect([now(), results]).toEqual([10, []]);
  expect(callOff).toBeDefined();
  ring();
  expect([now(), results]).toEqual([20, []]);
  ring();
  expect([now(), results, ring()]).toEqual([25, ["done"], false]);
});

test("little work is done at once", () => {
  const { clock, ring, work } = busyClock();
  const results: string[] = [];
  expect(inSlices(clock, 10, work(5), (result) => results.push(result))).toBeUndefined();
  expect([results, ring()]).toEqual([["done"], false]);
});

test("ended in between it goes no further", () => {
  const { clock, ring, work, now } = busyClock();
  const callOff = inSlices(clock, 10, work(100));
  ring();
  callOff?.();
  expect([ring(), now()]).toEqual([false, 20]);
});
