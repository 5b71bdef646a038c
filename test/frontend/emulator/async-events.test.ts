import { describe, expect, test } from "bun:test";
import { crash, handlerError, response, silence, timeout, World } from "./world.ts";

const event = { "X-Amz-Invocation-Type": "Event" };
const id = "0f8fad5b-d9cb-469f-a165-70867728950e";

describe("an event", () => {
  test.each([
    ["a handler's error", handlerError("{}")],
    ["a crash", crash],
    ["a timeout", timeout],
  ])("T14: that ends in %s is tried twice more, under the same id", async (_, outcome) => {
    const warned = silence("warn");
    const world = new World({ outcome: () => outcome, retryDelayMs: 100 });
    await world.invoke("{}", { ...event, "X-Amzn-RequestId": id });
    await world.clock.advance(99);
    expect(world.invocations).toHaveLength(1);
    await world.clock.advance(1);
    expect(world.invocations).toHaveLength(2);
    await world.clock.advance(10_000);
    expect(world.requests.map(({ requestId }) => requestId)).toEqual([id, id, id]);
    expect(world.history.entries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });

  test("is tried again after one and after two more minutes, as on AWS", async () => {
    const warned = silence("warn");
    const world = new World({ outcome: () => crash });
    await world.invoke("{}", event);
    const counts: number[] = [];
    for (const ms of [59_999, 1, 119_999, 1]) {
      await world.clock.advance(ms);
      counts.push(world.invocations.length);
    }
    expect(counts).toEqual([1, 2, 2, 3]);
    warned.mockRestore();
  });

  test("that succeeds in the end is not tried again", async () => {
    let count = 0;
    const world = new World({ outcome: () => (++count < 2 ? crash : response("1")), retryDelayMs: 1 });
    await world.invoke("{}", event);
    await world.clock.advance(10_000);
    expect(world.invocations).toHaveLength(2);
  });

  test("keeps its id while there is still an attempt before it", async () => {
    const warned = silence("warn");
    const world = new World({ outcome: () => crash, retryDelayMs: 100 });
    await world.invoke("{}", { ...event, "X-Amzn-RequestId": id });
    await world.settle();
    expect((await world.invoke("{}", { "X-Amzn-RequestId": id })).status).toBe(400);
    await world.clock.advance(10_000);
    expect((await world.invoke("{}", { "X-Amzn-RequestId": id })).status).toBe(200);
    warned.mockRestore();
  });

  test("for which there is no room is tried later, as the same attempt", async () => {
    const world = new World({ queue: 0 });
    const first = world.invoke("1");
    await world.settle();
    await world.invoke("2", event);
    await world.clock.advance(999);
    world.invocations[0]?.end(response("1"));
    await first;
    await world.clock.advance(1);
    expect(world.requests.map(({ payload }) => payload)).toEqual(["1", "2"]);
    expect(world.history.entries.at(-1)).toMatchObject({ attempt: 1, source: "event" });
  });

  test("waits for its turn behind others, and leaves the queue to callers who wait", async () => {
    const world = new World({ queue: 1 });
    for (const number of [1, 2, 3]) await world.invoke(String(number), event);
    await world.settle();
    const caller = world.invoke("4");
    await world.settle();
    for (let at = 0; at < 4; at++) {
      world.invocations[at]?.end(response("1"));
      await world.settle();
    }
    expect((await caller).status).toBe(200);
    expect(world.requests.map(({ payload }) => payload)).toEqual(["1", "4", "2", "3"]);
  });

  test("that was to be tried again is given up, and said so, when the emulator stops", async () => {
    const warned = silence("warn");
    const world = new World({ outcome: () => crash });
    await world.invoke("{}", event);
    await world.settle();
    world.asyncEvents.stop();
    await world.clock.advance(600_000);
    expect(world.invocations).toHaveLength(1);
    expect(warned.mock.calls.join()).toContain("1 events are given up");
    warned.mockRestore();
  });
});
