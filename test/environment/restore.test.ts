/** A runtime that asks for its restore is held as if a snapshot had been taken, until its first invocation. */
import { describe, expect, test } from "bun:test";
import { initMs, restoreMs } from "../../src/environment/limits.ts";
import { isPending } from "../runtime-api/fixture.ts";
import { within } from "../support/within.ts";
import { exitFault, response, World } from "./world.ts";

const policy = { initLimitMs: initMs("snap-start", 3) };

/** A runtime that was held `heldMs` after its init. */
async function held(heldMs = 0, options: ConstructorParameters<typeof World>[0] = { policy }) {
  const world = new World(options);
  const init = world.environment.init();
  const restored = world.exchanges.restoreNext();
  const outcome = await within(1000, "init", init);
  await world.clock.advance(heldMs);
  return { world, restored, outcome };
}

/** Its next invocation is served, on processes of its own. */
async function expectFresh(world: World): Promise<void> {
  const before = world.processes.length;
  await world.flush();
  const invoked = world.invoke({ requestId: "id-next" });
  await world.flush();
  expect(world.processes).toHaveLength(before + 1);
  void world.poll();
  await world.flush();
  world.answer(response(), "id-next");
  void world.poll();
  expect(await within(1000, "the next one", invoked)).toEqual({ outcome: response() });
}

describe("a runtime that asks for its restore", () => {
  test("has ended its init well, and is held until an invocation comes, however long that takes", async () => {
    const { world, restored, outcome } = await held();
    expect([outcome.kind, world.environment.state]).toEqual(["ready", "ready"]);
    await world.clock.advance(3_600_000);
    expect(await isPending(restored)).toBe(true);
    void world.invoke();
    expect(await within(1000, "the restore", restored)).toBe(true);
  });

  test("gets the event with its first poll; the log has the restore before the start", async () => {
    const { world, restored } = await held(1000);
    const invoked = world.invoke();
    await restored;
    await world.clock.advance(250);
    expect([world.told, world.dispatched]).toEqual([["restore"], []]);
    const epoch = world.clock.epoch();
    const polled = await world.poll();
    expect([polled?.request.requestId, polled?.invocation.deadlineMs]).toEqual(["id-1", epoch + 3000]);
    await world.clock.advance(20);
    world.answer();
    void world.poll();
    expect(await invoked).toEqual({ outcome: response() });
    expect(world.restores).toEqual([{ status: "success", errorType: undefined, durationMs: 250 }]);
    expect(world.told).toEqual(["restore", "start id-1", "end id-1"]);
    expect(world.reports).toMatchObject([
      { durationMs: 20, restoreDurationMs: 250, isInitFailure: false, initDurationMs: undefined },
    ]);
  });

  test("is restored once: later invocations know nothing of it", async () => {
    const { world, restored } = await held();
    const invoked = world.invoke();
    await restored;
    void world.poll();
    await world.flush();
    world.answer();
    void world.poll();
    await invoked;
    await world.serve({ requestId: "id-2" });
    expect(world.reports.map(({ restoreDurationMs }) => restoreDurationMs)).toEqual([0, undefined]);
    expect(world.restores).toHaveLength(1);
  });

  test("has the time of a restore, which is none of the function's", async () => {
    const { world, restored } = await held();
    const invoked = world.invoke();
    await restored;
    await world.clock.advance(restoreMs - 1);
    void world.poll();
    await world.clock.advance(2999);
    world.answer();
    void world.poll();
    expect(await invoked).toEqual({ outcome: response() });
    expect(world.reports).toMatchObject([{ durationMs: 2999, restoreDurationMs: 9999, status: "success" }]);
  });

  test("has all of the function's time after it, and no more", async () => {
    const { world, restored } = await held();
    const invoked = world.invoke();
    await restored;
    await world.clock.advance(5000);
    void world.poll();
    await world.clock.advance(3000);
    expect((await within(1000, "the timeout", invoked)).outcome.kind).toBe("timeout");
    await expectFresh(world);
  });

  test("leaves no timer behind", async () => {
    const { world, restored } = await held();
    const invoked = world.invoke();
    await restored;
    void world.poll();
    await world.flush();
    world.answer();
    void world.poll();
    await invoked;
    expect(world.clock.pendingTimers).toBe(0);
  });
});

describe("a restore fails its invocation, and the next one has fresh processes,", () => {
  test("when it takes longer than its limit", async () => {
    const { world } = await held();
    const invoked = world.invoke();
    await world.clock.advance(restoreMs);
    expect(await within(1000, "the failure", invoked)).toEqual({
      outcome: {
        kind: "fault",
        fault: { type: "Runtime.RestoreHookUserTimeout", reason: "Restore timed out after 10.00 seconds" },
      },
    });
    expect(world.restores).toEqual([{ status: "timeout", errorType: undefined, durationMs: restoreMs }]);
    expect(world.reports).toMatchObject([{ restoreDurationMs: restoreMs }]);
    await expectFresh(world);
  });

  test.each(["restoreError", "initError"] as const)("when the runtime reports it by %s", async (call) => {
    const { world, restored } = await held();
    const invoked = world.invoke();
    await restored;
    await world.clock.advance(40);
    world.exchanges.beginInitError(call);
    world.exchanges.finishInitError(Buffer.from("why"), "Runtime.AfterRestoreError");
    world.process.exit({ code: 65 });
    const outcome = { kind: "init error", body: Buffer.from("why"), errorType: "Runtime.AfterRestoreError" } as const;
    expect(await within(1000, "the failure", invoked)).toEqual({ outcome });
    expect(world.restores).toEqual([{ status: "error", errorType: "Runtime.AfterRestoreError", durationMs: 40 }]);
    expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
    await expectFresh(world);
  });

  test.each([
    [{ code: 65 }, "exit status 65"],
    [{ signal: "SIGKILL" }, "signal: killed"],
  ] as const)("when the runtime ends by %j", async (exit, ending) => {
    const { world, restored } = await held();
    const invoked = world.invoke();
    await restored;
    await world.clock.advance(40);
    world.process.exit(exit);
    const fault = exitFault(ending);
    expect(await within(1000, "the failure", invoked)).toEqual({ outcome: { kind: "fault", fault } });
    expect(world.restores).toEqual([{ status: "error", errorType: "Runtime.ExitError", durationMs: 40 }]);
    expect(world.reports).toMatchObject([{ restoreDurationMs: 40, isInitFailure: true, status: "error" }]);
    await expectFresh(world);
  });

  test("when its report is still being read at the runtime's end, with the report", async () => {
    const { world, restored } = await held();
    const invoked = world.invoke();
    await restored;
    world.exchanges.beginInitError("restoreError");
    world.process.exit({ code: 65 });
    await world.clock.advance(400);
    world.exchanges.finishInitError(Buffer.from("why"), "Runtime.Why");
    expect((await within(1000, "the failure", invoked)).outcome.kind).toBe("init error");
  });

  test("when that report breaks off, with the runtime's end, told once", async () => {
    const { world, restored } = await held();
    const invoked = world.invoke();
    await restored;
    world.exchanges.beginInitError("restoreError");
    world.process.exit({ code: 65 });
    await world.flush();
    world.exchanges.finishInitError(undefined, "");
    expect(await within(1000, "the failure", invoked)).toEqual({
      outcome: { kind: "fault", fault: exitFault("exit status 65") },
    });
    await world.clock.advance(1000);
    expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
  });

  test("when an extension ends meanwhile", async () => {
    const world = new World({ policy, extensions: ["a"] });
    const init = world.environment.init();
    world.register("a", "SHUTDOWN");
    void world.ask("a");
    const restored = world.exchanges.restoreNext();
    await init;
    const invoked = world.invoke();
    await within(1000, "the restore", restored);
    world.processOf("a").exit({ code: 7 });
    expect((await within(1000, "the failure", invoked)).outcome).toMatchObject({ fault: { type: "Extension.Crash" } });
  });
});

test("a stop during a restore ends its invocation, and lets the runtime's call go", async () => {
  const { world, restored } = await held();
  const invoked = world.invoke();
  await restored;
  await world.environment.stop();
  expect(await within(1000, "the end", invoked)).toEqual({ outcome: { kind: "stopped" } });
});

test("a stop before it lets the runtime's call go without a restore", async () => {
  const { world, restored } = await held();
  await world.environment.stop();
  expect(await within(1000, "the call", restored)).toBe(false);
});

describe("where the processes that were held are gone, an invocation", () => {
  /** Its extension ended, so that all were ended; nothing has been started since. */
  async function afterLoss(): Promise<World> {
    const world = new World({ policy, extensions: ["a"] });
    const init = world.environment.init();
    world.register("a", "SHUTDOWN");
    void world.ask("a");
    void world.exchanges.restoreNext();
    await init;
    world.processOf("a").exit({ code: 7 });
    await world.clock.advance(5000);
    expect(world.environment.state).toBe("cold");
    return world;
  }

  test("has its time from its turn, which covers the new init", async () => {
    const world = await afterLoss();
    const invoked = world.invoke();
    await world.clock.advance(3000);
    expect((await within(1000, "the timeout", invoked)).outcome.kind).toBe("timeout");
    expect(world.reports).toMatchObject([{ durationMs: 3000, status: "timeout" }]);
  });

  test("has its time although it had begun to wait for earlier output before", async () => {
    const world = new World({ policy, extensions: ["a"] });
    const init = world.environment.init();
    world.register("a");
    void world.ask("a");
    void world.exchanges.restoreNext();
    await init;
    const receive = world.processOf("a").write();
    const invoked = world.invoke();
    await world.flush();
    world.processOf("a").exit({ code: 7 });
    await world.clock.advance(2000);
    receive();
    await world.flush();
    expect(world.environment.state).toBe("starting");
    await world.clock.advance(3000);
    expect((await within(1000, "the timeout", invoked)).outcome.kind).toBe("timeout");
  });

  test("is served by a runtime that asks for a restore again", async () => {
    const world = await afterLoss();
    const invoked = world.invoke();
    await world.flush();
    world.register("a", "SHUTDOWN");
    void world.ask("a");
    await world.flush();
    expect(await within(1000, "the restore", world.exchanges.restoreNext())).toBe(true);
    void world.poll();
    await world.flush();
    world.answer();
    void world.poll();
    expect(await within(1000, "the answer", invoked)).toEqual({ outcome: response() });
  });
});

test("a runtime that skips the restore is served as any other", async () => {
  const world = await World.ready({ policy });
  expect(await world.serve()).toEqual({ outcome: response() });
  expect([world.restores, world.reports[0]?.restoreDurationMs]).toEqual([[], undefined]);
});

test("the limit of init is that of a snapshot, not that of the restore", async () => {
  const world = new World({ policy });
  const init = world.environment.init();
  await world.clock.advance(129_999);
  expect(await isPending(init)).toBe(true);
  await world.clock.advance(1);
  expect(await init).toEqual({ kind: "overdue", limitMs: 130_000 });
});
