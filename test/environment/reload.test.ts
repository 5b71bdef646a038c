/** Changed code: fresh processes before the next invocation, and never under a running one. */
import { expect, test } from "bun:test";
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
