/** Calls of the Runtime API before there is a runtime: whoever makes them, they count for nothing. */
import { describe, expect, test } from "bun:test";
import { isPending } from "../runtime-api/fixture.ts";
import { within } from "../support/within.ts";
import { response, World } from "./world.ts";

const gone = new AbortController().signal;
const refused = { status: 403, type: "InvalidStateTransition" };

const calls: [name: string, call: (world: World) => Promise<unknown>][] = [
  ["a poll", ({ exchanges }) => exchanges.next(gone)],
  ["a call for its restore", ({ exchanges }) => exchanges.restoreNext()],
  ["an init error", async ({ exchanges }) => exchanges.beginInitError()],
];

describe.each(calls)("%s", (_, call) => {
  test("before anything was started is refused, and starts nothing", async () => {
    const world = new World();
    await expect(within(1000, "the refusal", call(world))).rejects.toMatchObject(refused);
    expect([world.processes, world.environment.state]).toEqual([[], "cold"]);
    const invoked = world.invoke();
    expect(world.environment.state).toBe("starting");
    void world.poll();
    await world.flush();
    world.answer();
    void world.poll();
    expect(await invoked).toEqual({ outcome: response() });
  });

  test("while extensions are yet to register is refused, and holds nothing up", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    await expect(within(1000, "the refusal", call(world))).rejects.toMatchObject(refused);
    await world.bring({ a: [] });
    expect([await init, world.started]).toEqual([{ kind: "ready" }, ["a", "runtime"]]);
  });
});

test("between two generations, a poll is let go, and the next generation waits for a poll of its own", async () => {
  const world = await World.ready();
  world.ending = Promise.withResolvers();
  world.environment.reload();
  await world.flush();
  expect(await world.poll()).toBeUndefined();
  world.ending.resolve(true);
  await world.flush();
  expect(world.environment.state).toBe("booting");
  const polled = world.poll();
  await world.flush();
  expect([world.environment.state, await isPending(polled)]).toEqual(["ready", true]);
});
