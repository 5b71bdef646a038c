import { expect, test } from "bun:test";
import { Deadline } from "../../src/net/deadline.ts";
import { FakeClock } from "../support/fake-clock.ts";

class CountingClock extends FakeClock {
  timers = 0;
  open = 0;

  override after(ms: number, action: () => void): () => void {
    this.timers++;
    this.open++;
    const callOff = super.after(ms, () => {
      this.open--;
      action();
    });
    return () => {
      this.open--;
      callOff();
    };
  }
}

function deadline() {
  const clock = new CountingClock();
  const passed: number[] = [];
  return { clock, passed, limit: new Deadline(clock, () => passed.push(clock.now())) };
}

test("passes once, when its time is over", async () => {
  const { clock, passed, limit } = deadline();
  limit.set(100);
  await clock.advance(99);
  expect(passed).toEqual([]);
  await clock.advance(1000);
  expect(passed).toEqual([100]);
});

test("set again, it counts from then, in either direction", async () => {
  const { clock, passed, limit } = deadline();
  limit.set(100);
  await clock.advance(60);
  limit.set(100);
  await clock.advance(99);
  expect(passed).toEqual([]);
  await clock.advance(1);
  limit.set(1000);
  limit.set(10);
  await clock.advance(1000);
  expect(passed).toEqual([160, 170]);
});

test("cleared, it does not pass, and can be set again", async () => {
  const { clock, passed, limit } = deadline();
  limit.set(100);
  limit.clear();
  await clock.advance(50);
  limit.set(100);
  await clock.advance(1000);
  expect(passed).toEqual([150]);
});

test("a thousand waits take one timer", async () => {
  const { clock, limit } = deadline();
  for (let wait = 0; wait < 1000; wait++) {
    limit.set(100);
    limit.clear();
  }
  expect(clock.timers).toBe(1);
});

test("ended, it leaves no timer", () => {
  const { clock, limit } = deadline();
  limit.set(100);
  limit.end();
  expect(clock.open).toBe(0);
});
