/** A failed init that is tried again inside the next invocation: `docs/contract/lifecycle-2.md 1.4`. */
import { describe, expect, test } from "bun:test";
import { oneAtATime, type Policy } from "../../src/environment/policy.ts";
import { isPending } from "../runtime-api/fixture.ts";
import { within } from "../support/within.ts";
import { exitFault, launchError, response, World } from "./world.ts";

const limitMs = 1000;

/** An on-demand environment that says that it is ready although its init failed. */
const policy: Policy = {
  ...oneAtATime,
  afterFailedInit: "resetting",
  initLimitMs: limitMs,
  isInitInvocationsTime: false,
  hasInitReports: true,
};

const syntaxError = { kind: "init error", body: Buffer.from("{}"), errorType: "Runtime.UserCodeSyntaxError" } as const;

function reportInitError(world: World): void {
  world.exchanges.beginInitError();
  world.exchanges.finishInitError(syntaxError.body, syntaxError.errorType);
  world.process.exit({ code: 1 });
}

/** The first init has failed in this way, and its processes have been ended. */
async function afterFailure(fail: (world: World) => unknown, options: { timeoutSeconds?: number } = {}) {
  const world = new World({ policy, ...options });
  const init = world.environment.init();
  await fail(world);
  return { world, outcome: await within(1000, "the outcome", init) };
}

const waitForLimit = (world: World) => world.clock.advance(limitMs);
const exit = (world: World) => world.process.exit({ code: 3 });

/** An invocation whose init has begun. */
async function invoked(world: World, requestId = "id-1") {
  const settled = world.invoke({ requestId });
  await world.flush();
  return { settled };
}

test("A3: an init over its limit is ended; the second attempt runs in the invocation, whose report has no Init Duration", async () => {
  const { world, outcome } = await afterFailure(waitForLimit);
  expect(outcome).toEqual({ kind: "overdue", limitMs });
  expect([world.environment.state, world.processes[0]?.isAlive, world.told]).toEqual(["cold", false, ["all ended"]]);
  expect(world.inits).toMatchObject([{ phase: "init", status: "timeout", errorType: undefined, durationMs: limitMs }]);

  const { settled } = await invoked(world);
  await world.clock.advance(2500);
  // Of the start nothing is told before the init inside it has ended.
  expect(world.told).toEqual(["all ended"]);
  void world.poll();
  await world.flush();
  expect(world.told).toEqual(["all ended", "start id-1"]);
  world.answer();
  void world.poll();
  expect(await settled).toEqual({ outcome: response() });
  expect(world.inits[1]).toMatchObject({ phase: "invoke", status: "success", durationMs: 2500 });
  expect(world.reports).toMatchObject([{ status: "success", durationMs: 2500, initDurationMs: undefined }]);
});

test("A4: an init that is as slow the second time times out with the invocation; each later one starts it anew", async () => {
  const { world } = await afterFailure(waitForLimit, { timeoutSeconds: 2 });
  for (const [at, requestId] of ["id-1", "id-2"].entries()) {
    const { settled } = await invoked(world, requestId);
    await world.clock.advance(1999);
    expect(await isPending(settled)).toBe(true);
    await world.clock.advance(1);
    expect((await settled).outcome).toMatchObject({
      kind: "timeout",
      fault: { type: "Sandbox.Timedout", reason: "Task timed out after 2.00 seconds" },
    });
    expect(world.reports[at]).toMatchObject({ status: "timeout", durationMs: 2000, initDurationMs: undefined });
    await world.flush();
    expect([world.processes.length, world.environment.state]).toEqual([at + 2, "cold"]);
  }
});

describe("A5 to A9: an init that fails", () => {
  const missing = { kind: "fault", fault: { type: "Runtime.InvalidEntrypoint", reason: launchError.message } } as const;
  const ways: [name: string, fail: (world: World) => void, outcome: object, type: string][] = [
    ["A5, by the runtime's own report", reportInitError, syntaxError, "Runtime.UserCodeSyntaxError"],
    ["A8, by its end", exit, { kind: "fault", fault: exitFault("exit status 3") }, "Runtime.ExitError"],
    [
      "by a signal",
      (world) => world.process.exit({ signal: "SIGKILL" }),
      {
        kind: "fault",
        fault: exitFault("signal: killed"),
      },
      "Runtime.ExitError",
    ],
  ];

  test.each(ways)("%s: the invocation has the second attempt's error", async (_, fail, outcome, type) => {
    const { world, outcome: first } = await afterFailure(fail);
    expect(first).toEqual(outcome as typeof first);
    const { settled } = await invoked(world);
    fail(world);
    expect((await within(1000, "the failure", settled)).outcome).toEqual(outcome as typeof missing);
    expect(world.inits).toMatchObject([
      { phase: "init", status: "error", errorType: type },
      { phase: "invoke", status: "error", errorType: type },
    ]);
    expect(world.reports).toMatchObject([
      { status: "error", errorType: type, isInitFailure: true, initDurationMs: undefined },
    ]);
    // The order of the log: both attempts, then START.
    expect(world.told.slice(0, 3)).toEqual(["all ended", "start id-1", "end id-1"]);
    expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
  });

  test.each(ways)("%s: each later invocation tries once more, A6, until one goes well, A7", async (_, fail) => {
    const { world } = await afterFailure(fail);
    for (const requestId of ["id-1", "id-2"]) {
      const { settled } = await invoked(world, requestId);
      fail(world);
      await within(1000, "the failure", settled);
      await world.flush();
    }
    expect(world.phases).toEqual(["init", "invoke", "invoke"]);
    const { settled } = await invoked(world, "id-3");
    void world.poll();
    await world.flush();
    world.answer(response(), "id-3");
    void world.poll();
    expect(await settled).toEqual({ outcome: response() });
    await world.serve({ requestId: "id-4" });
    expect(world.processes).toHaveLength(4);
    expect(world.reports.slice(2)).toMatchObject([
      { status: "success", initDurationMs: undefined },
      { status: "success", initDurationMs: undefined },
    ]);
  });

  test("A9, because nothing can be started", async () => {
    const world = new World({ policy });
    world.launchError = launchError;
    expect(await within(1000, "the outcome", world.environment.init())).toEqual(missing);
    expect(await within(1000, "the failure", world.invoke())).toEqual({ outcome: missing });
    expect(world.inits.map(({ errorType }) => errorType)).toEqual([missing.fault.type, missing.fault.type]);
    expect(world.reports).toMatchObject([{ status: "error", errorType: missing.fault.type }]);
  });
});

test("A10: an extension that ends in both attempts is the invocation's error", async () => {
  const world = new World({ policy, extensions: ["a"] });
  const init = world.environment.init();
  const crash = { kind: "fault", fault: { type: "Extension.Crash", reason: "exit status 7" } } as const;
  world.processOf("a").exit({ code: 7 });
  expect(await within(1000, "the outcome", init)).toEqual(crash);
  const { settled } = await invoked(world);
  world.processOf("a").exit({ code: 7 });
  expect(await within(1000, "the failure", settled)).toEqual({ outcome: crash });
});

test("A17: an extension that ignores SIGTERM is gone before init is told of, at most 2 seconds after the limit", async () => {
  const world = new World({ policy, extensions: ["a"] });
  const init = world.environment.init();
  world.register("a", "INVOKE", "SHUTDOWN");
  await world.flush();
  world.processOf("a").ignored.add("SIGTERM");
  world.processOf("runtime").ignored.add("SIGTERM");
  await world.clock.advance(limitMs);
  expect(await isPending(init)).toBe(true);
  await world.clock.advance(2000);
  expect(await within(1000, "the outcome", init)).toEqual({ kind: "overdue", limitMs });
  expect(world.processes.filter(({ isAlive }) => isAlive)).toEqual([]);
});

describe("A18: the limit and the first poll in the same instant", () => {
  test.each([true, false])(
    "polled first: %p. One of them counts, and the next invocation is served",
    async (isFirst) => {
      const world = new World({ policy });
      const init = world.environment.init();
      await world.clock.advance(limitMs - 1);
      const { exchanges } = world;
      const poll = () => void exchanges.next(new AbortController().signal).catch(() => {});
      const passing = isFirst ? undefined : world.clock.advance(1);
      poll();
      await (passing ?? world.clock.advance(1));
      const { kind } = await within(1000, "the outcome", init);
      expect(["ready", "overdue"]).toContain(kind);
      expect(world.inits).toHaveLength(1);
      const { settled } = await invoked(world);
      if (kind === "overdue") void world.poll();
      await world.flush();
      world.answer();
      void world.poll();
      expect(await within(1000, "the answer", settled)).toEqual({ outcome: response() });
      expect(world.processes.filter(({ isAlive }) => isAlive)).toHaveLength(1);
    },
  );
});

describe("A19: code that changes", () => {
  test("in the first init leaves that one telling, and the invocation runs on fresh processes", async () => {
    const world = new World({ policy });
    const init = world.environment.init();
    world.environment.reload();
    await world.flush();
    void world.poll();
    expect(await within(1000, "the outcome", init)).toEqual({ kind: "ready" });
    await world.flush();
    const settled = world.invoke();
    await world.flush();
    expect([world.processes.length, world.phases]).toEqual([2, ["init", "init"]]);
    void world.poll();
    await world.flush();
    world.answer();
    void world.poll();
    expect(await within(1000, "the answer", settled)).toEqual({ outcome: response() });
  });

  test("in a first init that then fails starts what is new at once, outside of any invocation", async () => {
    const world = new World({ policy });
    const init = world.environment.init();
    world.environment.reload();
    world.process.exit({ code: 1 });
    expect((await within(1000, "the outcome", init)).kind).toBe("fault");
    await world.flush();
    expect([world.phases, world.environment.state]).toEqual([["init", "init"], "booting"]);
    void world.poll();
    await world.flush();
    await world.serve();
    expect(world.reports).toMatchObject([{ status: "success" }]);
  });
});

test("A20: a stop while the processes of a failed init are being ended is not followed by another start", async () => {
  const world = new World({ policy });
  world.ending = Promise.withResolvers<boolean>();
  const init = world.environment.init();
  await world.clock.advance(limitMs);
  expect(world.environment.state).toBe("resetting");
  const stopped = world.environment.stop();
  const { outcome } = await within(1000, "the refusal", world.invoke());
  expect(outcome).toEqual({ kind: "stopped" });
  world.ending.resolve(true);
  await within(1000, "the stop", stopped);
  expect((await within(1000, "the outcome", init)).kind).not.toBe("ready");
  expect([world.environment.state, world.processes.length, world.endings]).toEqual(["stopped", 1, 1]);
});

test("an invocation that comes in the first init waits outside of its own time, and has all of it afterwards", async () => {
  const world = new World({ policy: { ...policy, initLimitMs: undefined } });
  void world.environment.init();
  const settled = world.invoke();
  await world.clock.advance(60_000);
  void world.poll();
  await world.clock.advance(2999);
  world.answer();
  void world.poll();
  expect(await within(1000, "the answer", settled)).toEqual({ outcome: response() });
  expect(world.reports).toMatchObject([{ durationMs: 2999, initDurationMs: 60_000 }]);
});
