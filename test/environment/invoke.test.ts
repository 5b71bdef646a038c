import { describe, expect, test } from "bun:test";
import { isPending } from "../runtime-api/fixture.ts";
import { response, timedOut, World } from "./world.ts";

describe("an invocation of a good runtime", () => {
  test("is handed over as it was asked for, with the deadline in epoch milliseconds", async () => {
    const world = await World.ready();
    const polled = world.poll();
    await world.clock.advance(500);
    const epoch = world.clock.epoch();
    const invoked = world.invoke({ payload: "event", clientContext: "{}" });
    await world.flush();
    // The poll of `ready` came first and has it; the runtime would be asking again for a lost one.
    const invocation = (await world.poll())?.invocation;
    expect(invocation?.request).toMatchObject({ requestId: "id-1", payload: "event", clientContext: "{}" });
    expect(invocation?.deadlineMs).toBe(epoch + 3000);
    world.answer();
    void world.poll();
    expect(await invoked).toEqual({ outcome: response() });
    expect(await isPending(polled)).toBe(true);
  });

  test("ends when the runtime polls again, not when it answers", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    world.answer();
    expect(await isPending(invoked)).toBe(true);
    expect(world.reports).toEqual([]);
    void world.poll();
    expect((await invoked).outcome).toEqual(response());
  });

  test.each([
    [response('{"errorType":"X"}')],
    [{ kind: "error", body: "{}", contentType: "", errorType: "Function.X" } as const],
    [{ kind: "too large" } as const],
  ])("that ends with %j leaves its processes alone", async (outcome) => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    world.answer(outcome);
    void world.poll();
    expect(await invoked).toEqual({ outcome });
    await world.flush();
    expect([world.process.signals, world.endings]).toEqual([[], 0]);
    expect((await world.serve({ requestId: "id-2" })).outcome).toEqual(response());
    expect(world.processes).toHaveLength(1);
  });

  test("is followed by any number of others on the same processes", async () => {
    const world = await World.ready();
    for (let at = 0; at < 20; at++) expect((await world.serve({ requestId: `id-${at}` })).outcome).toEqual(response());
    expect(world.processes).toHaveLength(1);
    expect(world.told).toEqual(Array.from({ length: 20 }, (_, at) => [`start id-${at}`, `end id-${at}`]).flat());
  });

  test("that comes during init waits for it, in its own time", async () => {
    const world = new World();
    const init = world.environment.init();
    const invoked = world.invoke();
    await world.clock.advance(1500);
    void world.poll();
    expect(await init).toEqual({ kind: "ready" });
    await world.clock.advance(100);
    world.answer();
    void world.poll();
    expect((await invoked).outcome).toEqual(response());
    expect(world.reports).toMatchObject([{ durationMs: 1600, initDurationMs: 1500, status: "success" }]);
  });
});

describe("the report", () => {
  test("has the duration, the peak memory and no timeout", async () => {
    const world = await World.ready();
    world.memoryMb = 77;
    const invoked = world.invoke();
    await world.clock.advance(12.25);
    world.answer();
    await world.clock.advance(7.5);
    void world.poll();
    await invoked;
    expect(world.reports).toMatchObject([{ requestId: "id-1", durationMs: 19.75, maxMemoryMb: 77, status: "success" }]);
  });

  test("has Init Duration on the first invocation only", async () => {
    const world = new World();
    const init = world.environment.init();
    await world.clock.advance(250);
    void world.poll();
    await init;
    await world.clock.advance(10_000);
    await world.serve();
    await world.serve({ requestId: "id-2" });
    expect(world.reports.map(({ initDurationMs }) => initDurationMs)).toEqual([250, undefined]);
  });

  test("has no Init Duration on a second attempt, nor afterwards", async () => {
    const world = await World.ready();
    await world.serve({ isInitRetry: true });
    await world.serve({ requestId: "id-2" });
    expect(world.reports.map(({ initDurationMs }) => initDurationMs)).toEqual([undefined, undefined]);
  });

  test("has no Init Duration for an init that ran inside an invocation", async () => {
    const world = await World.ready();
    await world.serve();
    world.process.exit({ code: 1 });
    await world.flush();
    await world.invoke({ requestId: "id-2" });
    const invoked = world.invoke({ requestId: "id-3" });
    await world.clock.advance(100);
    void world.poll();
    await world.flush();
    world.answer(undefined, "id-3");
    void world.poll();
    await invoked;
    expect(world.reports.map(({ initDurationMs }) => initDurationMs === undefined)).toEqual([false, true, true]);
  });

  test("has what memory was measured while the function ran, also of one that ends quickly", async () => {
    const world = await World.ready();
    const before = world.memorySamples;
    await world.serve();
    expect(world.memorySamples).toBeGreaterThan(before);
    const during = world.memorySamples;
    const invoked = world.invoke({ requestId: "id-2" });
    await world.clock.advance(1000);
    expect(world.memorySamples - during).toBeGreaterThanOrEqual(5);
    world.answer(undefined, "id-2");
    void world.poll();
    await invoked;
    const after = world.memorySamples;
    await world.clock.advance(10_000);
    expect(world.memorySamples).toBe(after);
  });
});

describe("output", () => {
  test("that came before an invocation is received before its start is told", async () => {
    const world = await World.ready();
    const receive = world.process.write();
    const invoked = world.invoke();
    await world.flush();
    expect(world.told).toEqual([]);
    receive();
    await world.flush();
    expect(world.told).toEqual(["output received", "start id-1"]);
    world.answer();
    void world.poll();
    await invoked;
  });

  test("of an invocation is received before its end is told", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    const receive = world.process.write();
    world.answer();
    void world.poll();
    expect(await isPending(invoked)).toBe(true);
    expect(world.told).toEqual(["start id-1"]);
    receive();
    await invoked;
    expect(world.told).toEqual(["start id-1", "output received", "end id-1"]);
  });
});

describe("the timeout", () => {
  test("ends an invocation at its time, with that time as the duration", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.clock.advance(2999);
    expect(await isPending(invoked)).toBe(true);
    await world.clock.advance(500);
    expect(await invoked).toEqual({ outcome: timedOut });
    expect(world.reports).toMatchObject([{ durationMs: 3000, status: "timeout" }]);
    expect(world.process.signals).toContain("SIGKILL");
  });

  test("counts during init, and the processes that were starting are ended", async () => {
    const world = new World();
    const init = world.environment.init();
    const invoked = world.invoke();
    await world.clock.advance(3000);
    expect(await invoked).toEqual({ outcome: timedOut });
    expect(await init).toEqual({ kind: "fault", fault: timedOut.fault });
    expect(world.process.signals).toContain("SIGKILL");
    expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
  });

  test("between the answer and the next poll leaves the answer standing", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.clock.advance(1000);
    world.answer();
    await world.clock.advance(2000);
    expect(await invoked).toEqual({ outcome: response() });
    expect(world.reports).toMatchObject([{ status: "success", durationMs: 3000 }]);
    expect(world.process.signals).toContain("SIGKILL");
  });

  test("is off once the invocation has ended", async () => {
    const world = await World.ready();
    await world.serve();
    await world.clock.advance(60_000);
    expect([world.process.signals, world.reports.length]).toEqual([[], 1]);
  });

  test("is followed by fresh processes, in the next invocation's time", async () => {
    const world = await World.ready();
    const first = world.invoke();
    await world.clock.advance(3000);
    await first;
    await world.clock.advance(10_000);
    expect(world.processes).toHaveLength(1);
    const second = world.invoke({ requestId: "id-2" });
    await world.clock.advance(100);
    expect(world.processes).toHaveLength(2);
    void world.poll();
    await world.clock.advance(50);
    world.answer(undefined, "id-2");
    void world.poll();
    expect((await second).outcome).toEqual(response());
    expect(world.reports.at(-1)).toMatchObject({ durationMs: 150, status: "success" });
  });
});
