/** Several invocations at the same time, by the same code with another row of policy. */
import { describe, expect, test } from "bun:test";
import { Exchanges } from "../../src/environment/exchanges.ts";
import { Invocation } from "../../src/environment/invocation.ts";
import { managedInstance } from "../../src/environment/policy.ts";
import { requestOf } from "../runtime-api/fixture.ts";
import { exitFault, response, World } from "./world.ts";

const policy = managedInstance(4, undefined);
const ids = ["id-1", "id-2", "id-3", "id-4"];

/** An environment whose runtime has so many workers that poll. */
async function withWorkers(workers: number): Promise<World> {
  const world = await World.ready({ policy });
  for (let worker = 1; worker < workers; worker++) void world.poll();
  await world.flush();
  return world;
}

describe("four at once", () => {
  test("are all handed over, and each has the answer to its own id", async () => {
    const world = await withWorkers(4);
    const invoked = ids.map((requestId) => world.invoke({ requestId }));
    await world.flush();
    expect(world.dispatched).toEqual(ids);
    for (const requestId of ids.toReversed()) world.answer(response(`the answer to ${requestId}`), requestId);
    expect(await Promise.all(invoked)).toEqual(ids.map((id) => ({ outcome: response(`the answer to ${id}`) })));
    expect(world.processes).toHaveLength(1);
  });

  test("a fifth waits until one of them has ended, whatever number of workers polls", async () => {
    const world = await withWorkers(8);
    for (const requestId of ids) void world.invoke({ requestId });
    const fifth = world.invoke({ requestId: "id-5" });
    await world.flush();
    expect(world.dispatched).toEqual(ids);
    world.answer(response(), "id-2");
    await world.flush();
    expect(world.dispatched).toEqual([...ids, "id-5"]);
    world.answer(response("five"), "id-5");
    expect(await fifth).toEqual({ outcome: response("five") });
  });

  test("with fewer workers one waits for the next poll, and loses nothing", async () => {
    const world = await withWorkers(3);
    const invoked = ids.map((requestId) => world.invoke({ requestId }));
    await world.flush();
    for (const requestId of ids.slice(0, 3)) world.answer(response(requestId), requestId);
    await world.flush();
    void world.poll();
    await world.flush();
    world.answer(response("id-4"), "id-4");
    expect(await Promise.all(invoked)).toEqual(ids.map((id) => ({ outcome: response(id) })));
  });
});

describe("a timeout", () => {
  test("ends one of them and kills nothing; its late answer is refused once by name, then is unknown", async () => {
    const world = await withWorkers(4);
    const slow = world.invoke({ requestId: "id-1" });
    await world.clock.advance(1000);
    const others = ids.slice(1).map((requestId) => world.invoke({ requestId }));
    await world.clock.advance(2000);
    expect((await slow).outcome.kind).toBe("timeout");
    expect(world.process.signals).toEqual([]);
    expect(world.exchanges.find("id-1")).toBe("timed out");
    expect(world.exchanges.find("id-1")).toBeUndefined();
    for (const requestId of ids.slice(1)) world.answer(response(requestId), requestId);
    expect(await Promise.all(others)).toEqual(ids.slice(1).map((id) => ({ outcome: response(id) })));
    expect(world.environment.state).toBe("ready");
  });

  test("of one that no worker had taken leaves no id behind", async () => {
    const world = await withWorkers(1);
    void world.invoke({ requestId: "id-1" });
    const waiting = world.invoke({ requestId: "id-2" });
    await world.clock.advance(3000);
    expect((await waiting).outcome.kind).toBe("timeout");
    expect(world.exchanges.find("id-2")).toBeUndefined();
    expect(world.exchanges.find("id-1")).toBe("timed out");
  });

  test("is remembered for the last thousand ids", async () => {
    const exchanges = new Exchanges(policy, {
      onFirstNext() {},
      onRestoreNext() {},
      onInitError() {},
      onInitErrorLost() {},
    });
    for (let count = 0; count <= 1000; count++) {
      const invocation = new Invocation(requestOf({ requestId: `id-${count}` }));
      void exchanges.next(new AbortController().signal);
      exchanges.dispatch(invocation);
      exchanges.forget(invocation);
    }
    expect(exchanges.find("id-0")).toBeUndefined();
    expect(exchanges.find("id-1")).toBe("timed out");
    expect(exchanges.find("id-1000")).toBe("timed out");
  });
});

test("the end of the runtime fails all of them with it, and ends the environment", async () => {
  const world = await withWorkers(4);
  const invoked = ids.slice(0, 3).map((requestId) => world.invoke({ requestId }));
  await world.flush();
  world.process.exit({ code: 3 });
  const fault = exitFault("exit status 3");
  expect(await Promise.all(invoked)).toEqual(Array(3).fill({ outcome: { kind: "fault", fault } }));
  await world.flush();
  expect(world.told).toContain("ended");
  expect(world.environment.state).toBe("stopped");
  expect(world.processes).toHaveLength(1);
});

test("an extension may not register for INVOKE", () => {
  const world = new World({ policy, extensions: ["agent"] });
  void world.environment.init();
  expect(() => world.register("agent", "INVOKE")).toThrow("INVOKE: ErrorInvalidEventType");
  expect(() => world.register("inside", "INVOKE")).toThrow("No events allowed for internal extensions");
  world.register("agent", "SHUTDOWN");
});
