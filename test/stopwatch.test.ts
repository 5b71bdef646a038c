import { expect, test } from "bun:test";
import { stopwatch } from "./support/stopwatch.ts";

test("a stopwatch counts what passes from look to look, and of a time without looks the first 50 ms", async () => {
  let now = 1000;
  const elapsed = stopwatch(() => now);
  now += 20;
  expect(elapsed()).toBe(20);
  const stalled = stopwatch(() => now);
  now += 5000;
  expect(stalled()).toBe(50);
});

test("a stopwatch looks by itself", async () => {
  let [now, looks] = [0, 0];
  const { promise, resolve } = Promise.withResolvers<void>();
  const elapsed = stopwatch(() => {
    if (++looks === 10) resolve();
    now += 40;
    return now;
  });
  await promise;
  const counted = elapsed();
  expect(counted).toBe((looks - 1) * 40);
});
