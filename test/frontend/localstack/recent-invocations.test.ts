import { expect, test } from "bun:test";
import { RecentInvocations } from "../../../src/frontend/localstack/recent-invocations.ts";
import { FakeClock } from "../../support/fake-clock.ts";

test("an id runs once while it runs and for a second after its end, then again", async () => {
  const clock = new FakeClock();
  const recent = new RecentInvocations(clock);
  expect([recent.begin("a"), recent.begin("a")]).toEqual([true, false]);
  await clock.advance(60_000);
  expect(recent.begin("a")).toBe(false);
  recent.end("a");
  await clock.advance(999);
  expect(recent.begin("a")).toBe(false);
  await clock.advance(1);
  expect(recent.begin("a")).toBe(true);
});

test("one that runs for long keeps no other from running again", async () => {
  const clock = new FakeClock();
  const recent = new RecentInvocations(clock);
  recent.begin("long");
  for (const id of ["b", "c"]) {
    recent.begin(id);
    recent.end(id);
    await clock.advance(600);
  }
  // b ended 1200 ms ago, c 600.
  expect([recent.begin("b"), recent.begin("c"), recent.begin("long")]).toEqual([true, false, false]);
});

test("an id that ran twice is remembered from its second end", async () => {
  const clock = new FakeClock();
  const recent = new RecentInvocations(clock);
  for (let run = 0; run < 2; run++) {
    recent.begin("a");
    recent.end("a");
    await clock.advance(1000);
  }
  recent.begin("b");
  recent.end("b");
  recent.begin("a");
  recent.end("a");
  await clock.advance(999);
  expect(recent.begin("a")).toBe(false);
});
