/** Several invocations that wait for the same restore: it is one restore, and its end is theirs. */
import { describe, expect, test } from "bun:test";
import type { Invocation } from "../../src/environment/invocation.ts";
import { restoreMs } from "../../src/environment/limits.ts";
import { managedInstance } from "../../src/environment/policy.ts";
import { within } from "../support/within.ts";
import { exitFault, response, World } from "./world.ts";

interface Restoring {
  readonly world: World;
  readonly handles: Invocation[];
}

/** The first began the restore, which has taken 100 ms when two more come. */
async function threeWait(extensions: readonly string[] = []): Promise<Restoring> {
  const world = new World({ policy: managedInstance(4, 130_000), extensions });
  const init = world.environment.init();
  for (const name of extensions) {
    world.register(name);
    void world.ask(name);
  }
  const restored = world.exchanges.restoreNext();
  await within(1000, "init", init);
  const handles = [world.start({ requestId: "id-1" })];
  await within(1000, "the restore", restored);
  await world.clock.advance(100);
  for (const requestId of ["id-2", "id-3"]) handles.push(world.start({ requestId }));
  await world.flush();
  return { world, handles };
}

async function outcomesOf({ handles }: Restoring): Promise<unknown[]> {
  const settled = await within(1000, "the ends", Promise.all(handles.map((handle) => handle.settled)));
  return settled.map(({ outcome }) => outcome);
}

const thrice = (outcome: unknown) => [outcome, outcome, outcome];
const restoreTimeout = { type: "Runtime.RestoreHookUserTimeout", reason: "Restore timed out after 10.00 seconds" };

describe("invocations that come during a restore", () => {
  test("are given to nobody and told of by nothing before its end", async () => {
    const { world } = await threeWait();
    expect([world.told, world.dispatched]).toEqual([["restore"], []]);
  });

  test("are then served side by side, each with all of its time", async () => {
    const restoring = await threeWait();
    const { world } = restoring;
    await world.clock.advance(4900);
    for (let worker = 0; worker < 3; worker++) void world.poll();
    await world.flush();
    expect(world.dispatched).toEqual(["id-1", "id-2", "id-3"]);
    await world.clock.advance(2999);
    for (const requestId of world.dispatched) world.answer(response(), requestId);
    expect(await outcomesOf(restoring)).toEqual(thrice(response()));
    expect(world.restores).toEqual([{ status: "success", errorType: undefined, durationMs: 5000 }]);
    expect(world.reports).toMatchObject([
      { durationMs: 2999, restoreDurationMs: 5000 },
      { durationMs: 2999, restoreDurationMs: 4900 },
      { durationMs: 2999, restoreDurationMs: 4900 },
    ]);
  });

  test.each([
    [{ code: 3 }, "exit status 3"],
    [{ signal: "SIGKILL" }, "signal: killed"],
  ] as const)("fail with the runtime's end by %j", async (exit, ending) => {
    const restoring = await threeWait();
    const { world } = restoring;
    world.process.exit(exit);
    expect(await outcomesOf(restoring)).toEqual(thrice({ kind: "fault", fault: exitFault(ending) }));
    expect(world.reports.map(({ isInitFailure }) => isInitFailure)).toEqual(thrice(true) as boolean[]);
    expect(world.restores).toHaveLength(1);
    await world.flush();
    expect(world.environment.state).toBe("stopped");
  });

  test.each(["restoreError", "initError"] as const)("fail with what the runtime reports by %s", async (call) => {
    const restoring = await threeWait();
    const { world } = restoring;
    world.exchanges.beginInitError(call);
    world.exchanges.finishInitError(Buffer.from("why"), "Runtime.Why");
    world.process.exit({ code: 65 });
    const outcome = { kind: "init error", body: Buffer.from("why"), errorType: "Runtime.Why" };
    expect(await outcomesOf(restoring)).toEqual(thrice(outcome));
  });

  test("fail with the time it takes", async () => {
    const restoring = await threeWait();
    await restoring.world.clock.advance(restoreMs);
    expect(await outcomesOf(restoring)).toEqual(thrice({ kind: "fault", fault: restoreTimeout }));
  });

  test("fail with an extension's end", async () => {
    const restoring = await threeWait(["a"]);
    restoring.world.processOf("a").exit({ code: 7 });
    const outcomes = await outcomesOf(restoring);
    expect(outcomes).toMatchObject(thrice({ kind: "fault", fault: { type: "Extension.Crash" } }));
  });

  test("fail with an error that an extension reports", async () => {
    const restoring = await threeWait(["a"]);
    restoring.world.extension("a").report("exitError", "Extension.Why");
    await restoring.world.clock.advance(1000);
    const outcomes = await outcomesOf(restoring);
    expect(outcomes).toMatchObject(thrice({ kind: "fault", fault: { type: "Extension.ExitError" } }));
  });

  test("are ended by a stop", async () => {
    const restoring = await threeWait();
    await restoring.world.environment.stop();
    expect(await outcomesOf(restoring)).toEqual(thrice({ kind: "stopped" }));
  });

  test("are served by the processes that were restored although the code changes; the next one is not", async () => {
    const restoring = await threeWait();
    const { world } = restoring;
    world.environment.reload();
    await world.clock.advance(100);
    for (let worker = 0; worker < 3; worker++) void world.poll();
    await world.flush();
    expect([world.environment.state, world.processes.length]).toEqual(["serving", 1]);
    for (const requestId of ["id-1", "id-2", "id-3"]) world.answer(response(), requestId);
    expect(await outcomesOf(restoring)).toEqual(thrice(response()));
    const next = world.invoke({ requestId: "id-4" });
    await world.flush();
    expect([world.environment.state, world.processes.length]).toEqual(["booting", 2]);
    void world.poll();
    await world.flush();
    world.answer(response(), "id-4");
    expect(await within(1000, "the next one", next)).toEqual({ outcome: response() });
  });
});

test("one that comes after a restore failed, and before its invocations are settled, fails with it, too", async () => {
  const restoring = await threeWait();
  const { world, handles } = restoring;
  const receive = world.process.write();
  world.process.exit({ code: 3 });
  await world.flush();
  expect(world.environment.state).toBe("serving");
  handles.push(world.start({ requestId: "id-4" }));
  await world.flush();
  receive();
  const outcome = { kind: "fault", fault: exitFault("exit status 3") };
  expect(await outcomesOf(restoring)).toEqual([...thrice(outcome), outcome]);
  expect(world.restores).toHaveLength(1);
});

describe("a place for one more", () => {
  test("is there while processes are held or restored, as many as may run", async () => {
    const world = new World({ policy: managedInstance(2, 130_000) });
    const init = world.environment.init();
    const restored = world.exchanges.restoreNext();
    await init;
    expect(world.environment.hasFreeWorker).toBe(true);
    void world.invoke({ requestId: "id-1" });
    await restored;
    expect(world.environment.hasFreeWorker).toBe(true);
    void world.invoke({ requestId: "id-2" });
    expect(world.environment.hasFreeWorker).toBe(false);
    for (let worker = 0; worker < 2; worker++) void world.poll();
    await world.flush();
    expect([world.dispatched.length, world.environment.hasFreeWorker]).toEqual([2, false]);
  });

  test("is there while the code's change has the processes started anew", async () => {
    const world = await World.ready({ policy: managedInstance(2, 130_000) });
    world.ending = Promise.withResolvers();
    world.environment.reload();
    await world.flush();
    expect([world.environment.state, world.environment.hasFreeWorker]).toEqual(["resetting", true]);
    world.ending.resolve(true);
    await world.flush();
    expect([world.environment.state, world.environment.hasFreeWorker]).toEqual(["booting", true]);
    for (const requestId of ["id-1", "id-2"]) void world.invoke({ requestId });
    expect(world.environment.hasFreeWorker).toBe(false);
  });

  test("is not there once they are being ended for good", async () => {
    const world = await World.ready({ policy: managedInstance(2, 130_000) });
    const stopped = world.environment.stop();
    expect([world.environment.state, world.environment.hasFreeWorker]).toEqual(["stopping", false]);
    await stopped;
    expect(world.environment.hasFreeWorker).toBe(false);
  });
});
