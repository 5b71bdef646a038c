import { expect, test } from "bun:test";
import { Debounce } from "../../src/hot-reload/debounce.ts";
import { FakeClock } from "../support/fake-clock.ts";

function newDebounce() {
  const clock = new FakeClock();
  const at: number[] = [];
  return { clock, at, debounce: new Debounce(clock, () => at.push(clock.now())) };
}

test("one change is told 500 ms later, and nothing before or without one", async () => {
  const { clock, at, debounce } = newDebounce();
  await clock.advance(10_000);
  debounce.changed();
  await clock.advance(499);
  expect(at).toEqual([]);
  await clock.advance(60_000);
  expect(at).toEqual([10_500]);
});

test("many changes are one, told 500 ms after the last", async () => {
  const { clock, at, debounce } = newDebounce();
  for (let count = 0; count < 5000; count++) debounce.changed();
  await clock.advance(300);
  debounce.changed();
  await clock.advance(60_000);
  expect(at).toEqual([800]);
});

test("changes without end are told every two seconds", async () => {
  const { clock, at, debounce } = newDebounce();
  for (let ms = 0; ms < 6000; ms += 100) {
    debounce.changed();
    await clock.advance(100);
  }
  expect(at).toEqual([2000, 4000, 6000]);
});

test("a change after the telling begins anew", async () => {
  const { clock, at, debounce } = newDebounce();
  debounce.changed();
  await clock.advance(500);
  debounce.changed();
  await clock.advance(5000);
  expect(at).toEqual([500, 1000]);
});

test("what was announced is forgotten when it is stopped", async () => {
  const { clock, at, debounce } = newDebounce();
  debounce.changed();
  debounce.stop();
  await clock.advance(5000);
  expect(at).toEqual([]);
});
