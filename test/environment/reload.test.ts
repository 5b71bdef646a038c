/** Changed code: fresh processes before the next invocation, and never under a running one. */
import { describe, expect, test } from "bun:test";
import { within } from "../support/within.ts";
import { response, World } from "./world.ts";

test("idle processes are replaced at once, and the next invocation finds them ready", async () => {
  const world = await World.ready();
  world.environment.reload();
  await world.flush();
  expect(world.processes).toHaveLength(2);
  expect(world.processes[0]?.signals).toEqual(["SIGKILL"]);
  void world.poll();
  await world.flush();
  await world.serve();
  expect([world.processes.length, world.phases]).toEqual([2, ["init", "init"]]);
});

test("a running invocation ends first", async () => {
  const world = await World.ready();
  const invoked = world.invoke();
  await world.flush();
  world.environment.reload();
  await world.flush();
  expect(world.processes).toHaveLength(1);
  world.answer();
  void world.poll();
  expect(await invoked).toEqual({ outcome: response() });
  await world.flush();
  expect(world.processes).toHaveLength(2);
});

test("a running invocation that times out is followed by one set of fresh processes", async () => {
  const world = await World.ready();
  const invoked = world.invoke();
  await world.flush();
  world.environment.reload();
  await world.clock.advance(3000);
  expect((await invoked).outcome.kind).toBe("timeout");
  await world.flush();
  expect(world.processes).toHaveLength(2);
  void world.poll();
  await world.flush();
  await world.serve({ requestId: "id-2" });
  expect(world.processes).toHaveLength(2);
});

test("the boot ends first", async () => {
  const world = new World();
  const init = world.environment.init();
  world.environment.reload();
  await world.flush();
  expect(world.processes).toHaveLength(1);
  void world.poll();
  expect(await init).toEqual({ kind: "ready" });
  await world.flush();
  expect(world.processes).toHaveLength(2);
});

test("processes that cannot start any more fail the next invocation with the reason; the one after tries again", async () => {
  const world = await World.ready();
  world.environment.reload();
  await world.flush();
  world.process.exit({ code: 5 });
  await world.flush();
  expect((await world.invoke()).outcome).toEqual({
    kind: "fault",
    fault: { type: "Runtime.ExitError", reason: "Runtime exited with error: exit status 5" },
  });
  expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
  const invoked = world.invoke({ requestId: "id-2" });
  await world.flush();
  void world.poll();
  await world.flush();
  world.answer(response(), "id-2");
  void world.poll();
  expect(await invoked).toEqual({ outcome: response() });
});

test("an invocation that comes while processes are being replaced waits for the new ones", async () => {
  const world = await World.ready();
  world.ending = Promise.withResolvers<boolean>();
  world.environment.reload();
  const invoked = world.invoke();
  await world.flush();
  expect(world.processes).toHaveLength(1);
  world.environment.reload();
  world.ending.resolve(true);
  await world.flush();
  void world.poll();
  await world.flush();
  world.answer();
  void world.poll();
  expect(await invoked).toEqual({ outcome: response() });
});

test("nothing is started after the stop", async () => {
  const world = await World.ready();
  await world.environment.stop();
  world.environment.reload();
  await world.flush();
  expect(world.processes).toHaveLength(1);
});

/** The runtime crashed, and the code changed while its processes were being ended. An invocation waits. */
async function waitingForChanged() {
  const world = await World.ready();
  const ending = Promise.withResolvers<boolean>();
  world.ending = ending;
  void world.invoke();
  await world.flush();
  world.process.exit({ code: 1 });
  await world.flush();
  world.environment.reload();
  const invoked = world.invoke({ requestId: "id-2" });
  await world.flush();
  ending.resolve(true);
  await world.flush();
  expect([world.environment.state, world.processes.length]).toEqual(["booting", 2]);
  return { world, invoked };
}

test("an invocation that waits for changed code which cannot start fails with the reason, at once", async () => {
  const { world, invoked } = await waitingForChanged();
  world.process.exit({ code: 5 });
  expect((await within(1000, "the failure", invoked)).outcome).toMatchObject({ fault: { type: "Runtime.ExitError" } });
  await world.flush();
  expect([world.environment.state, world.clock.now()]).toEqual(["cold", 0]);
});

test("an invocation that waits for changed code is served once it has started, in no other state than usual", async () => {
  const { world, invoked } = await waitingForChanged();
  void world.poll();
  await world.flush();
  expect(world.environment.state).toBe("serving");
  world.answer(response(), "id-2");
  void world.poll();
  expect(await invoked).toEqual({ outcome: response() });
  expect(world.environment.state).toBe("ready");
});

test("changed code that takes up its invocation's time does not fail the one after", async () => {
  const world = await World.ready();
  world.environment.reload();
  await world.flush();
  const slow = world.invoke();
  await world.clock.advance(3000);
  expect((await slow).outcome.kind).toBe("timeout");
  await world.flush();
  const next = world.invoke({ requestId: "id-2" });
  await world.flush();
  void world.poll();
  await world.flush();
  world.answer(response(), "id-2");
  void world.poll();
  expect(await within(1000, "the next one", next)).toEqual({ outcome: response() });
});

test("changed code that does not start in its time holds nobody up, where an invocation waits outside of its own", async () => {
  const world = await World.ready({
    policy: { afterFailedInit: "resetting", initLimitMs: 10_000, isInitInvocationsTime: false },
  });
  world.environment.reload();
  await world.flush();
  const invoked = world.invoke();
  await world.clock.advance(10_000);
  expect(world.processes).toHaveLength(3);
  void world.poll();
  await world.flush();
  world.answer();
  void world.poll();
  expect(await within(1000, "the answer", invoked)).toEqual({ outcome: response() });
});

describe("processes that are started after the change are not replaced for it once more", () => {
  /** The invocation is served by processes that were started for it. */
  async function expectServedBySecond(world: World, requestId: string): Promise<void> {
    expect(world.started.filter((name) => name === "runtime")).toHaveLength(1);
    world.ending?.resolve(true);
    await world.flush();
    if (world.started.includes("a")) world.register("a");
    if (world.started.includes("a")) void world.ask("a");
    void world.poll();
    await world.flush();
    world.answer(response(), requestId);
    void world.poll();
    await world.clock.advance(1000);
    expect(world.started.filter((name) => name === "runtime")).toHaveLength(2);
    expect(world.environment.state).toBe("ready");
  }

  test("because old ones were being ended already", async () => {
    const world = await World.ready();
    world.ending = Promise.withResolvers<boolean>();
    void world.invoke();
    await world.flush();
    world.process.exit({ code: 1 });
    await world.flush();
    world.environment.reload();
    void world.invoke({ requestId: "id-2" });
    await world.flush();
    await expectServedBySecond(world, "id-2");
  });

  test("because an invocation that had begun to wait starts them", async () => {
    const world = await World.readyWith({ a: [] });
    world.ending = Promise.withResolvers<boolean>();
    const receive = world.processOf("a").write();
    void world.invoke();
    await world.flush();
    world.processOf("a").exit({ code: 1 });
    await world.clock.advance(1000);
    receive();
    world.environment.reload();
    await world.flush();
    await expectServedBySecond(world, "id-1");
  });
});
