import { expect, test } from "bun:test";
import { settlesWithin, sleep, systemClock } from "../src/clock.ts";
import { FakeClock } from "./support/fake-clock.ts";

test("a timer that was called off does nothing", async () => {
  const clock = new FakeClock();
  let count = 0;
  clock.after(10, () => count++);
  clock.after(10, () => count++)();
  await clock.advance(10);
  expect(count).toBe(1);
});

test("sleep ends after its time, not before", async () => {
  const clock = new FakeClock();
  let isOver = false;
  const sleeping = sleep(clock, 10).then(() => {
    isOver = true;
  });
  await clock.advance(9);
  expect(isOver).toBe(false);
  await clock.advance(1);
  await sleeping;
});

test("what settles in time is told from what does not, however it settles", async () => {
  const clock = new FakeClock();
  expect(await settlesWithin(clock, 10, Promise.resolve(1))).toBe(true);
  expect(await settlesWithin(clock, 10, Promise.reject(new Error("its owner's")))).toBe(true);
  const never = settlesWithin(clock, 10, new Promise(() => {}));
  await clock.advance(10);
  expect(await never).toBe(false);
});

test("the system's clock runs", async () => {
  const before = systemClock.now();
  await sleep(systemClock, 1);
  expect(systemClock.now()).toBeGreaterThan(before);
  const [earliest, epoch, latest] = [Date.now(), systemClock.epoch(), Date.now()];
  expect(epoch).toBeGreaterThanOrEqual(earliest);
  expect(epoch).toBeLessThanOrEqual(latest);
});
