/** An end of the runtime, or of an extension, belongs to the invocation it came from. */
import { describe, expect, test } from "bun:test";
import type { Outcome } from "../../src/environment/invocation.ts";
import { aftermathMs } from "../../src/environment/limits.ts";
import { within } from "../support/within.ts";
import { exitFault, response, World } from "./world.ts";

const error: Outcome = { kind: "error", body: "{}", contentType: "", errorType: "Function.X" };
const fault = exitFault("exit status 1");

/** One invocation that was answered so; the runtime polls again. What it wrote last is on its way until `receive`. */
async function answered(outcome: Outcome) {
  const world = await World.ready();
  const invoked = world.invoke();
  await world.flush();
  const receive = world.process.write();
  world.answer(outcome);
  void world.poll();
  await world.flush();
  return { world, invoked, receive };
}

const idleFaults = (world: World) => world.told.filter((what) => what.startsWith("idle"));

/** The next invocation has fresh processes and is served by them. */
async function expectServed(world: World): Promise<void> {
  await world.flush();
  const invoked = world.invoke({ requestId: "id-2" });
  await world.flush();
  expect(world.processes).toHaveLength(2);
  void world.poll();
  await world.flush();
  world.answer(response(), "id-2");
  void world.poll();
  expect(await within(1000, "the next one", invoked)).toEqual({ outcome: response() });
}

describe("an end of the runtime after it polled again", () => {
  test.each([response(), error, { kind: "too large" } as const])(
    "but before its output was received, is told besides the answer %j",
    async (outcome) => {
      const { world, invoked, receive } = await answered(outcome);
      world.process.exit({ code: 1 });
      await world.flush();
      receive();
      expect(await within(1000, "the settlement", invoked)).toEqual({ outcome, faultAfterAnswer: fault });
      expect(idleFaults(world)).toEqual([]);
      await expectServed(world);
    },
  );

  test.each([0, aftermathMs - 1])("with an error, %d ms after that, fails nobody else", async (ms) => {
    const { world, invoked, receive } = await answered(error);
    receive();
    expect(await invoked).toEqual({ outcome: error });
    await world.clock.advance(ms);
    world.process.exit({ code: 1 });
    await world.flush();
    expect([idleFaults(world), world.environment.state]).toEqual([[], "cold"]);
    await expectServed(world);
  });

  test("with an error in a stream, soon after that, fails nobody else", async () => {
    const world = await World.ready();
    const invoked = world.start({ takesStream: true });
    await world.flush();
    const exchange = world.exchange();
    exchange.begin("response");
    exchange.beginStream("text/plain").close({ errorType: "Function.X", errorBody: "{}" });
    exchange.finish();
    void world.poll();
    await invoked.settled;
    world.process.exit({ code: 1 });
    await world.flush();
    expect(idleFaults(world)).toEqual([]);
    await expectServed(world);
  });

  test.each<[string, Outcome, number]>([
    ["with an error, long after that,", error, aftermathMs],
    ["with a response, right after that,", response(), 0],
  ])("%s is an end while idle: told at once, the next one fails with it", async (_, outcome, ms) => {
    const { world, invoked, receive } = await answered(outcome);
    receive();
    await invoked;
    await world.clock.advance(ms);
    world.process.exit({ code: 1 });
    await world.flush();
    expect(idleFaults(world)).toEqual([`idle: ${fault.reason}`]);
    expect(await world.invoke({ requestId: "id-2" })).toEqual({ outcome: { kind: "fault", fault } });
  });

  test("twice over is told once", async () => {
    const world = await World.readyWith({ a: [] });
    await world.serve();
    world.processOf("runtime").exit({ code: 1 });
    world.processOf("a").exit({ code: 1 });
    await world.clock.advance(5000);
    expect(idleFaults(world)).toHaveLength(1);
  });

  test("in the next invocation is that one's", async () => {
    const { world, invoked, receive } = await answered(error);
    receive();
    await invoked;
    const next = world.invoke({ requestId: "id-2" });
    await world.flush();
    world.process.exit({ code: 1 });
    expect(await within(1000, "the failure", next)).toEqual({ outcome: { kind: "fault", fault } });
  });
});

test("an end in the turn of the first poll is an end while idle", async () => {
  const world = new World();
  const init = world.environment.init();
  world.process.exit({ code: 1 });
  void world.poll();
  expect((await init).kind).toBe("ready");
  await world.flush();
  expect(idleFaults(world)).toHaveLength(1);
  expect(await world.invoke()).toEqual({ outcome: { kind: "fault", fault } });
});

test("an end where the next invocation is to have fresh processes fails nobody", async () => {
  const world = await World.ready({ policy: { afterIdleCrash: "resetting" } });
  world.process.exit({ code: 1 });
  await world.flush();
  expect(idleFaults(world)).toHaveLength(1);
  await expectServed(world);
});
