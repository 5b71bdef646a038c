import { describe, expect, test } from "bun:test";
import { Pool } from "../../../src/frontend/emulator/pool.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { crash, response, World } from "./world.ts";

const minute = 60_000;

/** Calls under way, each with its event as its name. */
function callAll(world: World, events: readonly string[]): Promise<[event: string, status: number, body: string][]> {
  return Promise.all(
    events.map(async (event) => {
      const answer = await world.invoke(event);
      return [event, answer.status, await answer.text()];
    }),
  );
}

function end(world: World, index: number): void {
  const invocation = world.invocations[index];
  invocation?.end(response(`answer to ${invocation.request.payload}`));
}

describe("one environment", () => {
  test("T20: serves two calls one after the other", async () => {
    const world = new World();
    const called = callAll(world, ["1", "2"]);
    await world.settle();
    expect([world.invocations.length, world.members.length, world.pool.load.queued]).toEqual([1, 1, 1]);
    end(world, 0);
    await world.settle();
    expect(world.invocations).toHaveLength(2);
    end(world, 1);
    expect(await called).toEqual([
      ["1", 200, "answer to 1"],
      ["2", 200, "answer to 2"],
    ]);
    expect(world.members).toHaveLength(1);
  });

  test("serves in the order the calls came", async () => {
    const world = new World();
    const events = Array.from({ length: 20 }, (_, at) => String(at));
    const called = callAll(world, events);
    for (const at of events.keys()) {
      await world.settle();
      end(world, at);
    }
    await called;
    expect(world.requests.map(({ payload }) => payload)).toEqual(events);
  });

  test("answers before it is settled, and serves nobody before it is (E30)", async () => {
    const world = new World();
    const called = callAll(world, ["1", "2"]);
    await world.settle();
    world.invocations[0]?.respond(response("1"));
    await world.clock.advance(1000);
    expect(world.invocations).toHaveLength(1);
    world.invocations[0]?.settle();
    await world.settle();
    expect(world.invocations).toHaveLength(2);
    end(world, 1);
    await called;
  });

  test("T22: refuses a call for which there is no place in the queue", async () => {
    const world = new World({ queue: 1 });
    const called = callAll(world, ["1", "2"]);
    await world.settle();
    const refused = await world.invoke("3");
    expect([refused.status, refused.headers.get("x-amzn-errortype")]).toEqual([429, "TooManyRequestsException"]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await refused.json()).toEqual({
      Reason: "ConcurrentInvocationLimitExceeded",
      Type: "User",
      message: "Rate Exceeded.",
    });
    for (const at of [0, 1]) {
      end(world, at);
      await world.settle();
    }
    expect((await called).map(([, status]) => status)).toEqual([200, 200]);
  });

  test("is started ahead of the first call where that is asked for, and once", async () => {
    const world = new World({ initIsSlow: true });
    await world.pool.open();
    expect(world.pool.load).toMatchObject({ environments: 1, busy: 0 });
    world.pool.warm();
    world.pool.warm();
    await world.settle();
    const called = callAll(world, ["1"]);
    await world.settle();
    expect([world.members.length, world.invocations.length]).toEqual([1, 0]);
    world.members[0]?.ready.resolve({ kind: "ready" });
    await world.settle();
    end(world, 0);
    expect((await called)[0]?.[1]).toBe(200);
  });

  test("T6: whose init failed stays: it tries again within the next invocation", async () => {
    const world = new World({ initIsSlow: true, outcome: () => crash });
    for (const event of ["1", "2", "3"]) {
      const called = world.invoke(event);
      await world.settle();
      world.members[0]?.ready.resolve({ kind: "init error" });
      expect((await called).headers.get("x-amz-function-error")).toBe("Unhandled");
    }
    expect(world.members.map(({ isDisposed, slot }) => [isDisposed, slot])).toEqual([[false, 0]]);
  });

  test("that cannot be made fails its call, not the next", async () => {
    const clock = new FakeClock();
    const errors = [new Error("no port")];
    const world = new World();
    const pool = new Pool({
      concurrency: 1,
      queue: 10,
      clock,
      newMember: async () => {
        const error = errors.pop();
        if (error) throw error;
        await world.pool.open();
        return world.members[0] as never;
      },
    });
    await expect(pool.acquire()).rejects.toThrow("no port");
    (await pool.acquire()).release();
    expect(pool.load).toMatchObject({ environments: 1, busy: 0 });
  });

  test("never ends for being idle", async () => {
    const world = new World({ outcome: () => response("1") });
    await world.invoke();
    await world.clock.advance(60 * minute);
    expect(world.members[0]?.isDisposed).toBe(false);
  });
});

describe("several environments", () => {
  test("T21: serve as many calls at once, each answer to its own event", async () => {
    const world = new World({ concurrency: 8 });
    const events = Array.from({ length: 50 }, (_, at) => String(at));
    const called = callAll(world, events);
    await world.settle();
    expect([world.invocations.length, world.members.length]).toEqual([8, 8]);
    expect(world.members.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const at of events.keys()) {
      end(world, at);
      await world.settle();
    }
    expect(await called).toEqual(events.map((event) => [event, 200, `answer to ${event}`]));
    expect(world.members).toHaveLength(8);
  });

  test("a warm one is taken before a new one is started, and the one used last first", async () => {
    const world = new World({ concurrency: 3 });
    const first = callAll(world, ["1", "2"]);
    await world.settle();
    end(world, 1);
    await world.settle();
    end(world, 0);
    await first;
    const next = callAll(world, ["3"]);
    await world.settle();
    expect(world.members[0]?.invocations).toHaveLength(2);
    end(world, 2);
    await next;
    expect(world.members).toHaveLength(2);
  });

  test("one whose init failed is dropped after its own invocation, and its place taken by the one who waits", async () => {
    const world = new World({ concurrency: 2, initIsSlow: true });
    const called = callAll(world, ["1", "2", "3"]);
    await world.settle();
    world.members[0]?.ready.resolve({ kind: "ready" });
    world.members[1]?.ready.resolve({ kind: "fault" });
    await world.settle();
    world.members[1]?.invocations[0]?.end(crash);
    await world.settle();
    expect([world.members.length, world.members[1]?.isDisposed, world.members[2]?.slot]).toEqual([3, true, 1]);
    world.members[2]?.ready.resolve({ kind: "ready" });
    await world.settle();
    for (const invocation of world.invocations) invocation.end(response("1"));
    await world.settle();
    expect((await called).map(([, status]) => status)).toEqual([200, 200, 200]);
  });

  test("beyond the first end after ten idle minutes", async () => {
    const world = new World({ concurrency: 3 });
    const called = callAll(world, ["1", "2", "3"]);
    await world.settle();
    for (const invocation of world.invocations) invocation.end(response("1"));
    await called;
    await world.clock.advance(10 * minute - 1);
    expect(world.members.filter(({ isDisposed }) => isDisposed)).toHaveLength(0);
    await world.clock.advance(60 * minute);
    expect(world.members.filter(({ isDisposed }) => isDisposed)).toHaveLength(2);
  });

  test("all hear of new code, but for those that are ending", async () => {
    const world = new World({ concurrency: 3, initIsSlow: true });
    const called = callAll(world, ["1", "2", "3"]);
    await world.settle();
    for (const [slot, member] of world.members.entries())
      member.ready.resolve({ kind: slot === 2 ? "fault" : "ready" });
    await world.settle();
    for (const invocation of world.invocations) invocation.end(response("1"));
    await called;
    world.pool.reload();
    expect(world.members.map(({ reloads }) => reloads)).toEqual([1, 1, 0]);
  });
});

describe("a stop", () => {
  test("answers those who wait, ends all environments, and takes no more calls", async () => {
    const world = new World({ concurrency: 2 });
    const called = callAll(world, ["1", "2", "3"]);
    await world.settle();
    const stopped = world.pool.stop();
    await stopped;
    expect(world.members.map(({ isDisposed }) => isDisposed)).toEqual([true, true]);
    for (const invocation of world.invocations) invocation.end({ kind: "stopped" });
    expect((await called).map(([, status]) => status)).toEqual([200, 200, 500]);
    expect((await world.invoke()).status).toBe(500);
    expect(world.members).toHaveLength(2);
  });

  test("ends an environment that is still in its init, or before it", async () => {
    for (const isWarmed of [true, false]) {
      const world = new World({ initIsSlow: true });
      await world.pool.open();
      if (isWarmed) world.pool.warm();
      await world.pool.stop();
      expect(world.members[0]?.isDisposed).toBe(true);
    }
  });
});
