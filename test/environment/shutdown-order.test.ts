/** How processes are ended where there are extensions: who gets what when, and who is waited for how long. */
import { describe, expect, test } from "bun:test";
import { isPending } from "../runtime-api/fixture.ts";
import { within } from "../support/within.ts";
import { type Subscriptions, World } from "./world.ts";

const both = ["INVOKE", "SHUTDOWN"] as const;

/** A world that has been idle for 100 ms, at which its clock stands. */
async function idle(subscriptions: Subscriptions): Promise<World> {
  const world = await World.readyWith(subscriptions);
  await world.clock.advance(100);
  return world;
}

/** Begins the shutdown; tells when it was over. */
function shutDown(world: World): { overAt: () => number | undefined } {
  let at: number | undefined;
  void world.environment.stop().then(() => {
    at = world.clock.now();
  });
  return { overAt: () => at };
}

/** What the extension's poll, made in the idle phase, has brought by now; a poll that brought nothing was let go. */
async function shutdownOf(world: World, name: string) {
  const asked = world.asked.get(name);
  if (!asked) throw new Error(`${name} has not asked`);
  expect(await isPending(asked)).toBe(false);
  return await asked;
}

const spindown = { kind: "shutdown", deadlineMs: 1_700_000_002_100, reason: "spindown" } as const;

describe("the runtime", () => {
  test("is asked to end first; the extensions' part begins when it has", async () => {
    const world = await idle({ a: both });
    world.processOf("runtime").ignored.add("SIGTERM");
    shutDown(world);
    await world.clock.advance(300);
    expect(world.ends).toEqual(["100 runtime SIGTERM"]);
    expect(await isPending(world.asked.get("a") as Promise<unknown>)).toBe(true);
    world.processOf("runtime").exit({ code: 0 });
    await world.flush();
    expect(world.ends).toEqual(["100 runtime SIGTERM", "400 the extensions' part"]);
    expect(await shutdownOf(world, "a")).toEqual(spindown);
  });

  test("that does not end is killed after 600 ms", async () => {
    const world = await idle({ a: both });
    world.processOf("runtime").ignored.add("SIGTERM");
    shutDown(world);
    await world.clock.advance(599);
    expect(world.ends).toEqual(["100 runtime SIGTERM"]);
    expect(await isPending(world.asked.get("a") as Promise<unknown>)).toBe(true);
    await world.clock.advance(1);
    expect(world.ends).toEqual(["100 runtime SIGTERM", "700 runtime SIGKILL", "700 the extensions' part"]);
    // The budget counts from the beginning of all of it.
    expect(await shutdownOf(world, "a")).toEqual(spindown);
  });

  test("is asked to end too where there are only internal extensions", async () => {
    const world = new World();
    const init = world.environment.init();
    world.register("inside", "INVOKE");
    void world.ask("inside");
    void world.poll();
    await init;
    world.processOf("runtime").ignored.add("SIGTERM");
    shutDown(world);
    await world.clock.advance(10_000);
    expect(world.ends).toEqual(["0 runtime SIGTERM", "600 runtime SIGKILL", "600 the extensions' part"]);
  });

  test("that is not there yet is not waited for", async () => {
    const world = new World({ extensions: ["a", "b"] });
    void world.environment.init();
    world.register("a", "SHUTDOWN");
    void world.ask("a");
    const { overAt } = shutDown(world);
    await world.flush();
    expect(world.ends).toEqual(["0 the extensions' part", "0 b SIGKILL"]);
    expect(await shutdownOf(world, "a")).toMatchObject({ kind: "shutdown" });
    world.processOf("a").exit({ code: 0 });
    await world.flush();
    expect(overAt()).toBe(0);
  });

  const lastCalls: [what: string, act: (world: World) => unknown][] = [
    ["has an event already", (world) => world.invoke()],
    [
      "has answered",
      async (world) => {
        void world.invoke();
        await world.flush();
        world.answer();
      },
    ],
    ["polls", () => {}],
  ];

  test.each(lastCalls)(
    "that %s gets nothing any more once it is asked to end, neither event nor error",
    async (_what, act) => {
      const world = await idle({ a: both });
      void act(world);
      await world.flush();
      world.processOf("runtime").ignored.add("SIGTERM");
      shutDown(world);
      await world.flush();
      const polled = world.poll();
      expect(await isPending(polled)).toBe(true);
      expect(world.exchanges.find("id-1")).toBeUndefined();
      await world.clock.advance(600);
      expect(await within(1000, "the poll", polled)).toBeUndefined();
    },
  );

  test("whose init failed gets nothing either: neither a refusal nor a second init", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    world.register("a", ...both);
    void world.ask("a");
    world.exchanges.beginInitError();
    world.exchanges.finishInitError(Buffer.from("why"), "Runtime.Why");
    await init;
    world.processOf("runtime").ignored.add("SIGTERM");
    shutDown(world);
    const polled = world.poll();
    expect(await isPending(polled)).toBe(true);
    await world.clock.advance(600);
    expect(await within(1000, "the poll", polled)).toBeUndefined();
    expect(world.inits).toHaveLength(1);
  });
});

describe("without a registered extension", () => {
  const worlds: [what: string, make: () => Promise<World>, killed: string[]][] = [
    ["where there is none", () => idle({}), ["runtime"]],
    [
      "where none has registered yet",
      async () => {
        const world = new World({ extensions: ["a", "b"] });
        void world.environment.init();
        await world.clock.advance(100);
        return world;
      },
      ["a", "b"],
    ],
  ];

  test.each(worlds)("everything is killed at once, and nobody waited for, %s", async (_what, make, killed) => {
    const world = await make();
    const { overAt } = shutDown(world);
    expect(world.ends).toEqual(killed.map((name) => `100 ${name} SIGKILL`));
    await world.flush();
    expect(overAt()).toBe(100);
  });
});

describe("an external extension", () => {
  test("that subscribed to it gets the shutdown, and has until 2000 ms after the beginning", async () => {
    const world = await idle({ a: both, b: ["SHUTDOWN"] });
    const { overAt } = shutDown(world);
    await world.flush();
    expect(await shutdownOf(world, "a")).toEqual(spindown);
    expect(await shutdownOf(world, "b")).toEqual(spindown);
    await world.clock.advance(1500);
    world.processOf("b").exit({ code: 0 });
    await world.clock.advance(499);
    expect(world.processOf("a").signals).toEqual([]);
    expect(overAt()).toBeUndefined();
    await world.clock.advance(1);
    expect(world.processOf("a").signals).toEqual(["SIGKILL"]);
    expect(overAt()).toBe(2100);
  });

  test("that ends in time ends the waiting for it", async () => {
    const world = await idle({ a: both, b: ["SHUTDOWN"] });
    const { overAt } = shutDown(world);
    await world.clock.advance(300);
    world.processOf("a").exit({ code: 0 });
    await world.clock.advance(200);
    expect(overAt()).toBeUndefined();
    world.processOf("b").exit({ code: 1 });
    await world.flush();
    expect(overAt()).toBe(600);
    expect([world.extension("a").state, world.extension("b").state]).toEqual(["Exited", "ShutdownFailed"]);
  });

  test.each([[[]], [["INVOKE"]]] as const)(
    "that subscribed to %j is killed when the runtime has ended, unheard",
    async (events) => {
      const world = await idle({ a: events, b: both });
      world.processOf("runtime").ignored.add("SIGTERM");
      shutDown(world);
      await world.clock.advance(599);
      expect(world.processOf("a").signals).toEqual([]);
      await world.clock.advance(1);
      expect(world.ends.slice(-2)).toEqual(["700 the extensions' part", "700 a SIGKILL"]);
      expect(await shutdownOf(world, "a")).toBeUndefined();
      expect(world.processOf("b").signals).toEqual([]);
    },
  );

  test("that is busy gets the shutdown with its next poll, and nothing with the one after it", async () => {
    const world = await idle({ a: both });
    await world.serve();
    const { overAt } = shutDown(world);
    await world.clock.advance(900);
    expect(overAt()).toBeUndefined();
    expect(await within(1000, "the poll", world.ask("a"))).toEqual(spindown);
    const further = world.ask("a");
    expect(await isPending(further)).toBe(true);
    await world.clock.advance(1100);
    expect(world.ends.slice(-1)).toEqual(["2100 a SIGKILL"]);
    expect(await within(1000, "the further poll", further)).toBeUndefined();
    expect(overAt()).toBe(2100);
  });

  test("that never asks again is killed at the end of the budget", async () => {
    const world = await idle({ a: both });
    await world.serve();
    const { overAt } = shutDown(world);
    await world.clock.advance(2000);
    expect(world.ends.slice(-1)).toEqual(["2100 a SIGKILL"]);
    expect(overAt()).toBe(2100);
  });

  test("that has ended already is not waited for", async () => {
    const world = await idle({ a: both, b: both });
    const invoked = world.invoke();
    await world.flush();
    world.processOf("a").exit({ code: 1 });
    world.processOf("b").exit({ code: 1 });
    await invoked;
    await world.flush();
    expect(world.told.at(-1)).toBe("all ended");
    expect(world.clock.now()).toBe(100);
  });

  test("that registers during the runtime's part is asked to end like the others", async () => {
    const world = new World({ extensions: ["a", "b"] });
    void world.environment.init();
    world.register("a", "SHUTDOWN");
    const down = world.environment.stop();
    world.register("b", "SHUTDOWN");
    void world.ask("b");
    await world.flush();
    expect(await shutdownOf(world, "b")).toMatchObject({ kind: "shutdown" });
    expect(world.processOf("b").signals).toEqual([]);
    await world.clock.advance(10_000);
    await within(1000, "the shutdown", down);
    // Nothing was started behind the shutdown's back.
    expect(world.started).toEqual(["a", "b"]);
  });

  test("that does not even die by SIGKILL holds the shutdown up for the budget of a reset, no longer", async () => {
    const world = await idle({ a: both });
    world.processOf("a").isStubborn = true;
    const { overAt } = shutDown(world);
    await world.clock.advance(10_000);
    expect(overAt()).toBe(100 + 2000 + 2000);
    expect(world.processesEnded).toBe(1);
  });
});

describe("an internal extension", () => {
  test("is never answered with a shutdown: its poll is let go when the runtime has ended", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    world.register("a", ...both);
    world.register("inside", "INVOKE");
    for (const name of ["a", "inside"]) void world.ask(name);
    void world.poll();
    await init;
    world.processOf("runtime").ignored.add("SIGTERM");
    shutDown(world);
    await world.clock.advance(599);
    expect(await isPending(world.asked.get("inside") as Promise<unknown>)).toBe(true);
    await world.clock.advance(1);
    expect(await shutdownOf(world, "inside")).toBeUndefined();
    expect(await shutdownOf(world, "a")).toMatchObject({ kind: "shutdown" });
  });
});

describe("the reason is", () => {
  test("spindown when init is told to stop, also in an invocation", async () => {
    const world = await idle({ a: ["SHUTDOWN"] });
    const invoked = world.invoke();
    await world.flush();
    shutDown(world);
    expect(await within(1000, "the invocation", invoked)).toEqual({ outcome: { kind: "stopped" } });
    await world.flush();
    expect(await shutdownOf(world, "a")).toMatchObject({ reason: "spindown" });
    await world.clock.advance(10_000);
    expect([world.endings, world.processesEnded]).toEqual([1, 1]);
  });

  test("timeout when an invocation ran out of time", async () => {
    const world = await idle({ a: ["SHUTDOWN"] });
    const invoked = world.invoke();
    await world.clock.advance(3000);
    await within(1000, "the invocation", invoked);
    await world.flush();
    expect(await shutdownOf(world, "a")).toEqual({
      kind: "shutdown",
      deadlineMs: 1_700_000_005_100,
      reason: "timeout",
    });
  });

  test("failure when the runtime broke", async () => {
    const world = await idle({ a: ["SHUTDOWN"] });
    const invoked = world.invoke();
    await world.flush();
    world.processOf("runtime").exit({ code: 1 });
    await within(1000, "the invocation", invoked);
    await world.flush();
    expect(await shutdownOf(world, "a")).toMatchObject({ reason: "failure" });
  });

  test("failure when another extension broke in between", async () => {
    const world = await idle({ a: ["SHUTDOWN"], b: [] });
    world.processOf("b").exit({ code: 1 });
    await world.flush();
    expect(await shutdownOf(world, "a")).toMatchObject({ reason: "failure" });
  });

  test("failure when init failed", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    world.register("a", "SHUTDOWN");
    void world.ask("a");
    await world.flush();
    world.processOf("runtime").exit({ code: 1 });
    await init;
    shutDown(world);
    await world.flush();
    expect(await shutdownOf(world, "a")).toMatchObject({ reason: "failure" });
  });

  test("the first one: a stop during a reset changes nothing and waits for its end", async () => {
    const world = await idle({ a: ["SHUTDOWN"] });
    const invoked = world.invoke();
    await world.clock.advance(3000);
    await invoked;
    await world.clock.advance(500);
    const { overAt } = shutDown(world);
    await world.clock.advance(10_000);
    expect(await shutdownOf(world, "a")).toMatchObject({ reason: "timeout" });
    expect(overAt()).toBe(100 + 3000 + 2000);
    expect([world.endings, world.processesEnded]).toEqual([1, 1]);
    expect(world.ends.filter((what) => what.endsWith("the extensions' part"))).toHaveLength(1);
  });
});

test("no end is a fault, whoever ends how and when", async () => {
  const world = await idle({ a: both, b: [] });
  world.processOf("runtime").ignored.add("SIGTERM");
  const { overAt } = shutDown(world);
  await world.flush();
  world.processOf("b").exit({ code: 9 });
  world.extension("a").report("exitError", "Fatal.Late");
  await world.clock.advance(100);
  world.processOf("runtime").exit({ signal: "SIGSEGV" });
  await world.clock.advance(5000);
  // One that reported an error has nothing to be told and is not waited for.
  expect(overAt()).toBe(200);
  expect(world.told).toEqual(["all ended"]);
  expect(world.inits).toHaveLength(1);
});
