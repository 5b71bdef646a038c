/** Timers are called off: one left behind would fire in the time of another invocation. */
import { expect, test } from "bun:test";
import { response, World } from "./world.ts";

test("none is left after init, nor after an invocation", async () => {
  const world = await World.readyWith({ a: ["INVOKE", "SHUTDOWN"] }, { policy: { initLimitMs: 10_000 } });
  expect(world.clock.pendingTimers).toBe(0);
  const invoked = world.invoke();
  await world.flush();
  world.answer();
  void world.poll();
  void world.ask("a");
  await invoked;
  await world.flush();
  expect(world.clock.pendingTimers).toBe(0);
});

test.each(["a crash", "a timeout", "a stop"])("none is left after %s", async (end) => {
  const world = await World.ready();
  const invoked = world.invoke();
  await world.flush();
  if (end === "a crash") world.process.exit({ code: 1 });
  if (end === "a timeout") await world.clock.advance(3000);
  if (end === "a stop") await world.environment.stop();
  await invoked;
  await world.flush();
  expect(world.clock.pendingTimers).toBe(0);
});

test("none is left of an extension that reported its end when others end before it", async () => {
  const world = await World.readyWith({ a: [] });
  const invoked = world.invoke();
  await world.flush();
  world.extension("a").report("exitError", "Fatal.Lost");
  expect(world.clock.pendingTimers).toBeGreaterThan(0);
  world.processOf("runtime").exit({ code: 1 });
  await invoked;
  await world.flush();
  expect([world.environment.state, world.clock.pendingTimers]).toEqual(["cold", 0]);
});

test("none is left of a report that was still being read when the runtime ended, and init was stopped", async () => {
  const world = new World();
  void world.environment.init();
  world.exchanges.beginInitError();
  world.process.exit({ code: 1 });
  await world.flush();
  expect(world.clock.pendingTimers).toBe(1);
  await world.environment.stop();
  expect(world.clock.pendingTimers).toBe(0);
});

test("the deadline of one invocation is no deadline for extensions that work on the next", async () => {
  const world = await World.readyWith({ a: ["INVOKE"] });
  const first = world.invoke();
  await world.flush();
  world.answer();
  void world.poll();
  await first;
  await world.clock.advance(100);
  void world.ask("a");
  await world.clock.advance(2800);

  const second = world.invoke({ requestId: "id-2" });
  await world.flush();
  world.answer(response(), "id-2");
  void world.poll();
  await second;
  // The first one's 3 seconds are over, the second one's are not.
  await world.clock.advance(500);
  expect(world.environment.state).toBe("finishing");
  expect(world.started).toEqual(["a", "runtime"]);
  void world.ask("a");
  await world.flush();
  expect(world.environment.state).toBe("ready");
});
