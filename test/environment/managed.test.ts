/** Processes that serve several invocations, and break. Several that go well are in `side-by-side.test.ts`. */
import { describe, expect, test } from "bun:test";
import { initMs } from "../../src/environment/limits.ts";
import { managedInstance } from "../../src/environment/policy.ts";
import { isPending } from "../runtime-api/fixture.ts";
import { within } from "../support/within.ts";
import { exitFault, response, World } from "./world.ts";

const policy = managedInstance(4, initMs("lambda-managed-instances", 3));
const fault = exitFault("exit status 3");
const failed = { outcome: { kind: "fault", fault } } as const;

async function withWorkers(workers: number, concurrency = 4): Promise<World> {
  const world = await World.ready({ policy: { ...policy, concurrency } });
  for (let worker = 1; worker < workers; worker++) void world.poll();
  await world.flush();
  return world;
}

describe("init", () => {
  test("has ended well with the first poll, however many workers are to come", async () => {
    const world = new World({ policy });
    const init = world.environment.init();
    await world.clock.advance(129_999);
    void world.poll();
    expect(await within(1000, "the outcome", init)).toEqual({ kind: "ready" });
  });

  test("D14: has a limit of 130 s, or the function's timeout if that is longer", async () => {
    const limits = [3, 130, 131, 900].map((timeout) => initMs("lambda-managed-instances", timeout));
    expect(limits).toEqual([130_000, 130_000, 131_000, 900_000]);
    const world = new World({ policy: managedInstance(4, limits[3] as number) });
    const init = world.environment.init();
    await world.clock.advance(899_999);
    expect(await isPending(init)).toBe(true);
    await world.clock.advance(1);
    expect(await within(1000, "the outcome", init)).toEqual({ kind: "overdue", limitMs: 900_000 });
  });

  test("that takes too long has failed, and is not tried again", async () => {
    const world = new World({ policy });
    const init = world.environment.init();
    await world.clock.advance(130_000);
    expect(await within(1000, "the outcome", init)).toEqual({ kind: "overdue", limitMs: 130_000 });
    expect(await world.invoke()).toMatchObject({ outcome: { fault: { type: "Sandbox.Timeout" } } });
    await world.flush();
    expect([world.environment.state, world.told.at(-1), world.processes.length]).toEqual(["stopped", "ended", 1]);
  });

  test("that fails is told to all who waited for it, and the environment ends", async () => {
    const world = new World({ policy });
    void world.environment.init();
    const invoked = ["id-1", "id-2", "id-3"].map((requestId) => world.invoke({ requestId }));
    await world.flush();
    world.process.exit({ code: 3 });
    expect(await within(1000, "the failures", Promise.all(invoked))).toEqual([failed, failed, failed]);
    await world.flush();
    expect([world.environment.state, world.clock.now()]).toEqual(["stopped", 0]);
  });

  test("that is given up for the time of one that waits has failed for all of them", async () => {
    const world = new World({ policy });
    const init = world.environment.init();
    const invoked = ["id-1", "id-2"].map((requestId) => world.invoke({ requestId }));
    await world.clock.advance(3000);
    const kinds = (await within(1000, "the timeouts", Promise.all(invoked))).map(({ outcome }) => outcome.kind);
    expect(kinds).toEqual(["timeout", "fault"]);
    expect((await init).kind).toBe("fault");
    await world.flush();
    expect(world.environment.state).toBe("stopped");
  });

  test("inside an invocation, whose time it takes up, ends the environment", async () => {
    const world = new World({ policy });
    const invoked = world.invoke();
    await world.clock.advance(3000);
    expect((await within(1000, "the timeout", invoked)).outcome.kind).toBe("timeout");
    await world.flush();
    expect([world.environment.state, world.told.at(-1)]).toEqual(["stopped", "ended"]);
  });
});

test("a restore that takes up its invocation's time ends the environment: that runtime may never poll", async () => {
  const world = new World({ policy });
  const init = world.environment.init();
  const restored = world.exchanges.restoreNext();
  const invoked = world.invoke();
  await init;
  expect(await within(1000, "the restore", restored)).toBe(true);
  await world.clock.advance(3000);
  expect((await within(1000, "the timeout", invoked)).outcome.kind).toBe("timeout");
  await world.flush();
  expect([world.environment.state, world.told.at(-1)]).toEqual(["stopped", "ended"]);
});

test("one that comes while the processes are being ended, and before the others are settled, is refused", async () => {
  const world = new World({ policy });
  const init = world.environment.init();
  void world.exchanges.restoreNext();
  const first = world.start();
  await init;
  await world.flush();
  const receive = world.process.write();
  await world.clock.advance(3000);
  const second = world.invoke({ requestId: "id-2" });
  await world.flush();
  expect(world.environment.state).toBe("serving");
  receive();
  expect(await within(1000, "the refusal", second)).toEqual({ outcome: { kind: "stopped" } });
  expect((await first.settled).outcome.kind).toBe("timeout");
});

describe("the end of the runtime", () => {
  test("fails those it serves, and those that wait for their turn", async () => {
    const world = await withWorkers(2, 2);
    const invoked = ["id-1", "id-2", "id-3"].map((requestId) => world.invoke({ requestId }));
    await world.flush();
    expect(world.dispatched).toEqual(["id-1", "id-2"]);
    world.process.exit({ code: 3 });
    expect(await within(1000, "the failures", Promise.all(invoked))).toEqual([failed, failed, failed]);
    await world.flush();
    expect(world.told.filter((what) => what === "ended")).toHaveLength(1);
    expect(world.processes).toHaveLength(1);
  });

  test("fails one that comes while the output of those it served is being received", async () => {
    const world = await withWorkers(2);
    const first = world.invoke();
    await world.flush();
    const receive = world.process.write();
    world.process.exit({ code: 3 });
    await world.flush();
    const second = world.invoke({ requestId: "id-2" });
    await world.flush();
    receive();
    expect(await within(1000, "the failures", Promise.all([first, second]))).toEqual([failed, failed]);
    expect(world.clock.now()).toBe(0);
  });

  test("is noticed although the only one it served has just timed out", async () => {
    const world = await withWorkers(1);
    const slow = world.invoke();
    await world.clock.advance(2999);
    const receive = world.process.write();
    await world.clock.advance(1);
    world.process.exit({ code: 3 });
    await world.flush();
    receive();
    expect((await slow).outcome.kind).toBe("timeout");
    await world.flush();
    expect([world.environment.state, world.told.at(-1)]).toEqual(["stopped", "ended"]);
  });

  test("while idle is told, and ends the environment", async () => {
    const world = await withWorkers(2);
    await world.serve();
    world.process.exit({ code: 3 });
    await world.flush();
    expect(world.told.slice(-3)).toEqual([`idle: ${fault.reason}`, "all ended", "ended"]);
    expect(await world.invoke({ requestId: "id-2" })).toEqual(failed);
  });

  test("behind an answer that stands is told besides it", async () => {
    const world = await withWorkers(2);
    const invoked = world.invoke();
    const other = world.invoke({ requestId: "id-2" });
    await world.flush();
    const receive = world.process.write();
    world.answer();
    await world.flush();
    world.process.exit({ code: 3 });
    await world.flush();
    receive();
    expect(await invoked).toEqual({ outcome: response(), faultAfterAnswer: fault });
    expect(await other).toEqual(failed);
  });
});

test("the end of an extension fails all of them too", async () => {
  const world = await World.readyWith({ agent: ["SHUTDOWN"] }, { policy });
  void world.poll();
  const invoked = ["id-1", "id-2"].map((requestId) => world.invoke({ requestId }));
  await world.flush();
  world.processOf("agent").exit({ code: 3 });
  const crash = { outcome: { kind: "fault", fault: { type: "Extension.Crash", reason: "exit status 3" } } };
  expect(await within(1000, "the failures", Promise.all(invoked))).toMatchObject([crash, crash]);
  await world.clock.advance(5000);
  expect(world.environment.state).toBe("stopped");
});

test("one that times out before its event went out leaves the others their turn", async () => {
  const world = await withWorkers(1, 1);
  const receive = world.process.write();
  const slow = world.start();
  const next = world.invoke({ requestId: "id-2" });
  await world.clock.advance(3000);
  expect((await slow.answer).kind).toBe("timeout");
  receive();
  await world.flush();
  world.answer(response(), "id-2");
  expect(await within(1000, "the next one", next)).toEqual({ outcome: response() });
  expect(world.process.signals).toEqual([]);
});

test("one that times out before its event went out leaves changed code its turn", async () => {
  const world = await withWorkers(1, 1);
  const receive = world.process.write();
  const slow = world.start();
  await world.flush();
  world.environment.reload();
  await world.clock.advance(3000);
  expect(world.processes).toHaveLength(1);
  receive();
  await slow.settled;
  await world.flush();
  expect([world.processes.length, world.environment.state]).toEqual([2, "booting"]);
});

test("a worker whose client is gone loses nothing: the next event goes to another, or waits for one", async () => {
  const world = await World.ready({ policy });
  const gone = new AbortController();
  const lost = world.exchanges.next(gone.signal);
  gone.abort();
  expect(await lost).toBeUndefined();
  const invoked = ["id-1", "id-2"].map((requestId) => world.invoke({ requestId }));
  await world.flush();
  world.answer(response("one"), "id-1");
  expect(await invoked[0]).toEqual({ outcome: response("one") });
  expect(await isPending(invoked[1] as Promise<unknown>)).toBe(true);
  expect((await world.poll())?.request.requestId).toBe("id-2");
  world.answer(response("two"), "id-2");
  expect(await invoked[1]).toEqual({ outcome: response("two") });
});

test("a stop ends all of them, and the environment does not say that it ended by itself", async () => {
  const world = await withWorkers(4);
  const invoked = ["id-1", "id-2"].map((requestId) => world.invoke({ requestId }));
  await world.flush();
  await world.environment.stop();
  expect(await Promise.all(invoked)).toEqual([{ outcome: { kind: "stopped" } }, { outcome: { kind: "stopped" } }]);
  expect([world.environment.state, world.told.includes("ended")]).toEqual(["stopped", false]);
});
