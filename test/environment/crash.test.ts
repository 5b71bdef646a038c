/** Processes that end, by themselves or by us, and what the next invocation runs on. */
import { describe, expect, test } from "bun:test";
import { isPending } from "../runtime-api/fixture.ts";
import { within } from "../support/within.ts";
import { exitFault, type FakeProcess, response, timedOut, World } from "./world.ts";

/** The next invocation is served, by fresh processes. */
async function expectFresh(world: World, requestId: string): Promise<void> {
  const before = world.processes.length;
  const invoked = world.invoke({ requestId });
  await world.flush();
  expect(world.processes).toHaveLength(before + 1);
  void world.poll();
  await world.flush();
  world.answer(response(), requestId);
  void world.poll();
  expect(await invoked).toEqual({ outcome: response() });
}

describe("a runtime that ends in an invocation", () => {
  test("before its answer ends it at once, with the reason", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.clock.advance(200);
    world.process.exit({ signal: "SIGSEGV" });
    expect(await invoked).toEqual({ outcome: { kind: "fault", fault: exitFault("signal: segmentation fault") } });
    expect(world.reports).toMatchObject([{ durationMs: 200, status: "error", errorType: "Runtime.ExitError" }]);
    await expectFresh(world, "id-2");
  });

  test("after its answer leaves the answer standing, and tells the reason besides", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    world.answer();
    world.process.exit({ code: 3 });
    expect(await invoked).toEqual({ outcome: response(), faultAfterAnswer: exitFault("exit status 3") });
    await expectFresh(world, "id-2");
  });

  test.each([
    [{ kind: "error", body: "{}", contentType: "", errorType: "Runtime.Unknown" } as const],
    [{ kind: "too large" } as const],
  ])("after the answer %j too", async (outcome) => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    world.answer(outcome);
    world.process.exit({ code: 3 });
    expect(await invoked).toEqual({ outcome, faultAfterAnswer: exitFault("exit status 3") });
  });

  test("is told once: no idle fault follows, and the next invocation is served", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    world.process.exit({ code: 3 });
    await invoked;
    await world.flush();
    expect(world.told).toEqual(["start id-1", "end id-1", "all ended"]);
  });

  test("has its last output received before the end is told", async () => {
    const world = await World.ready();
    const invoked = world.invoke();
    await world.flush();
    const receive = world.process.write();
    world.process.exit({ code: 3 });
    expect(await isPending(invoked)).toBe(true);
    receive();
    await invoked;
    expect(world.told.slice(0, 3)).toEqual(["start id-1", "output received", "end id-1"]);
  });
});

describe("a runtime that ends between two invocations", () => {
  test("is told at once; the next invocation fails with it at once, the one after is served", async () => {
    const world = await World.ready();
    await world.serve();
    world.process.exit({ signal: "SIGKILL" });
    await world.flush();
    expect(world.told.at(-1)).toBe("idle: Runtime exited with error: signal: killed");
    const failed = await within(1000, "the failure", world.invoke({ requestId: "id-2" }));
    expect(failed).toEqual({ outcome: { kind: "fault", fault: exitFault("signal: killed") } });
    expect(world.processes).toHaveLength(1);
    await expectFresh(world, "id-3");
    expect(world.watched).toEqual(world.processes.map(({ pid }) => pid));
  });

  test("while its late output is being received, before a start is told, is an idle crash as well", async () => {
    const world = await World.ready();
    const receive = world.process.write();
    const invoked = world.invoke();
    await world.flush();
    world.process.exit({ code: 9 });
    await world.flush();
    receive();
    expect(await invoked).toEqual({ outcome: { kind: "fault", fault: exitFault("exit status 9") } });
    await expectFresh(world, "id-2");
  });
});

describe("the reset", () => {
  test("is not awaited by the invocation that failed, but by the next one", async () => {
    const world = await World.ready();
    const ending = Promise.withResolvers<boolean>();
    world.ending = ending;
    const failed = world.invoke();
    await world.clock.advance(3000);
    expect((await failed).outcome).toEqual(timedOut);
    const next = world.invoke({ requestId: "id-2" });
    await world.clock.advance(500);
    expect(world.told).toEqual(["start id-1", "end id-1"]);
    expect(world.processes).toHaveLength(1);
    ending.resolve(true);
    await world.flush();
    expect(world.told).toEqual(["start id-1", "end id-1", "all ended", "start id-2"]);
    expect(world.processes).toHaveLength(2);
    void world.poll();
    await world.flush();
    world.answer(undefined, "id-2");
    void world.poll();
    expect((await next).outcome).toEqual(response());
  });

  test("begins before what is on its way has been received: a function that writes without end is ended in time", async () => {
    const world = await World.ready();
    const failed = world.invoke();
    await world.flush();
    const receive = world.process.write();
    await world.clock.advance(3000);
    expect(world.ends).toEqual(["3000 runtime SIGKILL"]);
    expect(await isPending(failed)).toBe(true);
    receive();
    expect((await failed).outcome).toEqual(timedOut);
  });

  test("drains and gives up the old outputs", async () => {
    const world = await World.ready();
    const failed = world.invoke();
    await world.flush();
    const { process } = world;
    process.exit({ code: 1 });
    await failed;
    await world.flush();
    expect(process.isOutputClosed).toBe(true);
    expect(world.endings).toBe(1);
  });

  test("goes on without a process whose end is not noticed", async () => {
    const world = await World.ready();
    world.process.isStubborn = true;
    const failed = world.invoke();
    await world.clock.advance(3000);
    await failed;
    await world.clock.advance(2000);
    await expectFresh(world, "id-2");
  });

  test("that fails does not keep the next invocation from being served, nor the old outputs open", async () => {
    const world = await World.ready();
    const ending = Promise.withResolvers<boolean>();
    ending.promise.catch(() => {});
    world.ending = ending;
    const failed = world.invoke();
    await world.flush();
    const { process } = world;
    process.exit({ code: 1 });
    await failed;
    ending.reject(new Error("unforeseen"));
    await world.flush();
    world.ending = undefined;
    await expectFresh(world, "id-2");
    expect(process.isOutputClosed).toBe(true);
  });

  test("ends processes whose exit is nobody's fault", async () => {
    const world = await World.ready();
    world.process.isStubborn = true;
    const failed = world.invoke();
    await world.clock.advance(3000);
    await failed;
    // As it may be: it ends by itself with a status, after we decided to kill it.
    world.processes[0]?.exit({ code: 5 });
    await world.flush();
    expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
    await expectFresh(world, "id-2");
    expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
  });

  test("leaves the new runtime alone when a process of the old generation calls late", async () => {
    const world = await World.ready();
    const old = world.exchanges;
    const failed = world.invoke();
    await world.clock.advance(3000);
    await failed;
    const invoked = world.invoke({ requestId: "id-2" });
    await world.flush();
    expect(world.exchanges).not.toBe(old);
    expect(world.exchanges.state).toBe("Started");
    expect(old.find("id-2")).toBeUndefined();
    void world.poll();
    await world.flush();
    world.answer(undefined, "id-2");
    void world.poll();
    expect((await invoked).outcome).toEqual(response());
  });
});

test("an extension that ends while the next invocation waits for its output is reset before anything starts anew", async () => {
  const world = new World({ extensions: ["a"] });
  const init = world.environment.init();
  const extension = world.environment.extensions.register("a", ["INVOKE"]);
  void extension.next(new AbortController().signal);
  void world.poll();
  await init;
  const process = world.processes[0] as FakeProcess;
  const received = process.write();
  world.ending = Promise.withResolvers<boolean>();
  void world.invoke();
  await world.flush();
  process.exit({ code: 1 });
  await world.flush();
  received();
  await world.flush();
  expect([world.processes.length, world.phases, world.endings]).toEqual([2, ["init"], 1]);
  world.ending.resolve(true);
  await world.flush();
  expect([world.processes.length, world.phases]).toEqual([3, ["init", "invoke"]]);
});
