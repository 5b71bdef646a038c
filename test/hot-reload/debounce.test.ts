import { beforeEach, expect, test } from "bun:test";
import { Debounce } from "../../src/hot-reload/debounce.ts";
import { FakeClock } from "../support/fake-clock.ts";

let clock: FakeClock;
let calls: number[];
let debounce: Debounce;

beforeEach(() => {
  clock = new FakeClock();
  calls = [];
  debounce = new Debounce(clock, () => calls.push(clock.now()));
});

/** One change every `everyMs` milliseconds, the first at once, the last before `forMs` have passed. */
async function changeFor(forMs: number, everyMs: number) {
  for (let passed = 0; passed < forMs; passed += everyMs) {
    debounce.changed();
    await clock.advance(everyMs);
  }
}

test("nothing is called without a change", async () => {
  await clock.advance(10_000);
  expect(calls).toEqual([]);
});

test("the call comes 500 ms after a single change, and once", async () => {
  debounce.changed();
  await clock.advance(499.9);
  expect([calls, debounce.isPending]).toEqual([[], true]);
  await clock.advance(0.1);
  expect([calls, debounce.isPending]).toEqual([[500], false]);
  await clock.advance(10_000);
  expect(calls).toEqual([500]);
});

test("each change starts the 500 ms anew", async () => {
  await changeFor(1200, 400);
  await clock.advance(10_000);
  expect(calls).toEqual([1300]);
});

test("thousands of changes at once are one call", async () => {
  for (let count = 0; count < 5000; count++) debounce.changed();
  await clock.advance(10_000);
  expect(calls).toEqual([500]);
});

test("writing that never ends is called every 2 s, from the first change of each window", async () => {
  await changeFor(6010, 100);
  await clock.advance(10_000);
  // The windows start at 0, 2000, 4000 and 6000; the last has one change only.
  expect(calls).toEqual([2000, 4000, 6000, 6500]);
});

test("a change just before the 2 s are over moves nothing", async () => {
  await changeFor(1950, 390);
  debounce.changed();
  await clock.advance(49.9);
  expect(calls).toEqual([]);
  await clock.advance(0.1);
  expect(calls).toEqual([2000]);
});

test("a change after the call starts a new window", async () => {
  debounce.changed();
  await clock.advance(700);
  debounce.changed();
  await clock.advance(10_000);
  expect(calls).toEqual([500, 1200]);
});

test("a change during the call is a new one", async () => {
  const again = new Debounce(clock, () => calls.push(clock.now()) === 1 && again.changed());
  again.changed();
  await clock.advance(10_000);
  expect(calls).toEqual([500, 1000]);
});

test("a timer that rings too early waits for the rest", async () => {
  const early = {
    now: () => clock.now(),
    epoch: () => 0,
    after: (ms: number, act: () => void) => clock.after(ms > 1 ? ms - 0.4 : ms, act),
  };
  const impatient = new Debounce(early, () => calls.push(clock.now()));
  impatient.changed();
  await clock.advance(499.7);
  expect(calls).toEqual([]);
  await clock.advance(1);
  expect(calls).toEqual([500]);
});

test("stop calls off what is pending", async () => {
  debounce.changed();
  debounce.stop();
  await clock.advance(10_000);
  expect([calls, debounce.isPending]).toEqual([[], false]);
});
