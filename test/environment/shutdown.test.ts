/** Whatever is going on: everything ends, every promise resolves, nothing is a fault, nothing starts afterwards. */
import { describe, expect, test } from "bun:test";
import { within } from "../support/within.ts";
import { response, World } from "./world.ts";

async function shutDown(world: World): Promise<void> {
  const down = world.environment.stop();
  await world.clock.advance(10_000);
  await within(1000, "the shutdown", down);
}

function expectQuiet(world: World): void {
  expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
  for (const { signals, isOutputClosed } of world.processes) {
    expect(signals).toContain("SIGKILL");
    expect(isOutputClosed).toBe(true);
  }
}

const stopped = { outcome: { kind: "stopped" } } as const;

describe("a shutdown", () => {
  test("before init keeps it from starting anything", async () => {
    const world = new World();
    await shutDown(world);
    const init = world.environment.init();
    await world.flush();
    expect(world.processes).toEqual([]);
    expect(await within(1000, "the end of init", init)).toEqual({ kind: "cancelled" });
  });

  test("during init cancels it", async () => {
    const world = new World();
    const init = world.environment.init();
    await shutDown(world);
    expect(await within(1000, "the end of init", init)).toEqual({ kind: "cancelled" });
    expectQuiet(world);
  });

  test("while idle ends the processes and lets their polls go", async () => {
    const world = await World.ready();
    const polled = world.poll();
    await shutDown(world);
    expect(await within(1000, "the poll", polled)).toBeUndefined();
    expectQuiet(world);
  });

  test("during an invocation stops it", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    await shutDown(world);
    expect(await within(1000, "the invocation", invoked)).toEqual(stopped);
    expectQuiet(world);
  });

  test("between the answer and the next poll leaves the answer standing", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    world.answer();
    await shutDown(world);
    expect(await within(1000, "the invocation", invoked)).toEqual({ outcome: response() });
    expectQuiet(world);
  });

  test("during an invocation that waits for init stops both", async () => {
    const world = new World();
    const init = world.environment.init();
    const invoked = world.invoke();
    await world.flush();
    await shutDown(world);
    expect(await within(1000, "the invocation", invoked)).toEqual(stopped);
    expect(await within(1000, "the end of init", init)).toEqual({ kind: "cancelled" });
    expectQuiet(world);
  });

  test("during an invocation that starts fresh processes stops it", async () => {
    const world = await World.ready();
    const failed = world.invoke();
    await world.flush();
    world.process.exit({ code: 1 });
    await failed;
    const invoked = world.invoke({ requestId: "id-2" });
    await world.flush();
    expect(world.processes).toHaveLength(2);
    await shutDown(world);
    expect(await within(1000, "the invocation", invoked)).toEqual(stopped);
    expect(world.processes).toHaveLength(2);
    expect(world.process.signals).toContain("SIGKILL");
  });

  test("during a reset keeps the waiting invocation from starting anything", async () => {
    const world = await World.ready();
    const ending = Promise.withResolvers<boolean>();
    world.ending = ending;
    const failed = world.invoke();
    await world.flush();
    world.process.exit({ code: 1 });
    await failed;
    const invoked = world.invoke({ requestId: "id-2" });
    const down = world.environment.stop();
    await world.flush();
    ending.resolve(true);
    await world.clock.advance(10_000);
    await within(1000, "the shutdown", down);
    expect(await within(1000, "the invocation", invoked)).toEqual(stopped);
    expect(world.processes).toHaveLength(1);
  });

  test("after an idle crash ends what is left", async () => {
    const world = await World.ready();
    world.process.exit({ code: 1 });
    await world.flush();
    await shutDown(world);
    expect(world.endings).toBeGreaterThan(0);
    expect(world.process.isOutputClosed).toBe(true);
  });

  test("is over within the budgets although a process does not end", async () => {
    const world = await World.ready();
    world.process.isStubborn = true;
    const startedAt = world.clock.now();
    let overAt: number | undefined;
    void world.environment.stop().then(() => {
      overAt = world.clock.now();
    });
    await world.clock.advance(10_000);
    expect((overAt ?? Number.POSITIVE_INFINITY) - startedAt).toBeLessThanOrEqual(2000);
  });

  test("may be asked for twice", async () => {
    const world = await World.ready();
    const both = Promise.all([world.environment.stop(), world.environment.stop()]);
    await world.clock.advance(10_000);
    await within(1000, "both shutdowns", both);
    expectQuiet(world);
  });

  test("refuses what is invoked afterwards, and starts nothing", async () => {
    const world = await World.ready();
    await shutDown(world);
    const invoked = world.invoke();
    await world.clock.advance(10_000);
    expect(await within(1000, "the invocation", invoked)).toEqual(stopped);
    expect(world.processes).toHaveLength(1);
  });
});
