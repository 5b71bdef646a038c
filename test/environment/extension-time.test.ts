/** The time an extension takes belongs to the invocation it works on, never to the next one. */
import { describe, expect, test } from "bun:test";
import { isPending } from "../runtime-api/fixture.ts";
import { within } from "../support/within.ts";
import { response, type Subscriptions, World } from "./world.ts";

const one: Subscriptions = { a: ["INVOKE", "SHUTDOWN"] };
const two: Subscriptions = { a: ["INVOKE"], b: ["INVOKE", "SHUTDOWN"] };

/** One invocation whose extensions are still at work; it was handed over at 0 and answered after `ms`. */
async function workedOn(subscriptions: Subscriptions, ms = 2): Promise<World> {
  const world = await World.readyWith(subscriptions);
  const invoked = world.invoke();
  await world.clock.advance(ms);
  world.answer();
  void world.poll();
  expect(await within(1000, "the early answer", invoked)).toEqual({ outcome: response() });
  return world;
}

async function finish(world: World, requestId: string): Promise<void> {
  world.answer(response(), requestId);
  void world.poll();
  await world.flush();
}

describe("extensions that go on working after the answer", () => {
  test.each([
    ["one", one],
    ["two", two],
  ])("%s: the answer is early, the next one's Duration has none of their time", async (_, subscriptions) => {
    const world = await workedOn(subscriptions);
    expect(world.reports).toMatchObject([{ durationMs: 2, areExtensionsBusy: true }]);
    const next = world.invoke({ requestId: "id-2" });
    await world.clock.advance(998);
    expect(world.dispatched).toEqual(["id-1"]);
    for (const name of Object.keys(subscriptions)) void world.ask(name);
    await world.clock.advance(5);
    await finish(world, "id-2");
    expect(await within(1000, "the next one", next)).toEqual({ outcome: response() });
    expect(world.reports[1]).toMatchObject({ durationMs: 5, status: "success" });
    expect(world.told).toContain("extensions finished id-1 998");
  });

  test("are waited for until the last of them polls", async () => {
    const world = await workedOn(two);
    void world.invoke({ requestId: "id-2" });
    await world.clock.advance(500);
    void world.ask("b");
    await world.clock.advance(500);
    expect([world.environment.state, world.dispatched]).toEqual(["finishing", ["id-1"]]);
    void world.ask("a");
    await world.flush();
    expect(world.dispatched).toEqual(["id-1", "id-2"]);
    expect(world.told).toContain("extensions finished id-1 1000");
  });

  test("leave the next one all of its time, which begins when they are done", async () => {
    const world = await workedOn(one);
    const next = world.invoke({ requestId: "id-2" });
    await world.clock.advance(2900);
    void world.ask("a");
    await world.clock.advance(2999);
    expect(await isPending(next)).toBe(true);
    await finish(world, "id-2");
    expect((await next).outcome).toEqual(response());
    expect(world.reports[1]).toMatchObject({ durationMs: 2999 });
  });
});

describe("an extension that hangs", () => {
  test.each([0, 2000, 2997])(
    "has until its invocation's deadline; one that comes %d ms later has fresh processes",
    async (ms) => {
      const world = await workedOn(one);
      await world.clock.advance(ms);
      const next = world.invoke({ requestId: "id-2" });
      await world.clock.advance(2998 - ms - 1);
      expect(world.ends).toEqual([]);
      await world.clock.advance(1);
      expect(world.ends[0]).toBe("3000 runtime SIGTERM");
      await world.clock.advance(2500);
      await world.bring(one);
      await world.clock.advance(7);
      await finish(world, "id-2");
      expect(await within(1000, "the next one", next)).toEqual({ outcome: response() });
      // From the end of the old processes, which have 2 seconds, to the answer.
      expect(world.reports[1]).toMatchObject({ status: "success", durationMs: 507 });
      expect([world.processes.length, world.endings]).toEqual([4, 1]);
    },
  );

  test("is ended in the background when nothing comes", async () => {
    const world = await workedOn(one);
    await world.clock.advance(60_000);
    expect([world.environment.state, world.endings, world.clock.pendingTimers]).toEqual(["cold", 1, 0]);
    expect(world.told).toContain("extensions finished id-1 2998");
  });

  test("again and again costs each invocation nothing but the start of fresh processes", async () => {
    const world = await workedOn(one);
    for (const requestId of ["id-2", "id-3", "id-4"]) {
      await world.clock.advance(6000);
      const next = world.invoke({ requestId });
      await world.flush();
      await world.bring(one);
      await finish(world, requestId);
      expect(await within(1000, "the answer", next)).toEqual({ outcome: response() });
    }
    expect(world.reports.map(({ durationMs, status }) => [durationMs, status])).toEqual([
      [2, "success"],
      [0, "success"],
      [0, "success"],
      [0, "success"],
    ]);
  });
});
