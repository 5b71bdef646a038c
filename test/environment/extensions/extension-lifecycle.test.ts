/** What extensions do to init, to invocations and to what comes between two of them. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Exit, FaultType } from "../../../src/errors.ts";
import { isPending } from "../../runtime-api/fixture.ts";
import { type CaughtLines, catchLines } from "../../support/log-lines.ts";
import { within } from "../../support/within.ts";
import { exitFault, launchError, response, type Subscriptions, World } from "../world.ts";

const both = ["INVOKE", "SHUTDOWN"] as const;

const crash = (reason: string) => ({ kind: "fault", fault: { type: "Extension.Crash", reason } }) as const;

/** An invocation is served by the processes that run now. */
async function expectServed(world: World, requestId: string, names: readonly string[]): Promise<void> {
  const before = world.processes.length;
  const invoked = world.invoke({ requestId });
  await world.flush();
  expect(world.processes).toHaveLength(before);
  world.answer(response(), requestId);
  for (const name of names) void world.ask(name);
  void world.poll();
  expect(await within(1000, "the invocation", invoked)).toEqual({ outcome: response() });
}

/** An invocation is served by processes that it starts itself. */
async function expectFresh(world: World, requestId: string, subscriptions: Subscriptions): Promise<void> {
  const before = world.started.length;
  const invoked = world.invoke({ requestId });
  await world.flush();
  expect(world.started.slice(before)).toEqual(Object.keys(subscriptions));
  await world.bring(subscriptions);
  expect(world.started.slice(before)).toEqual([...Object.keys(subscriptions), "runtime"]);
  world.answer(response(), requestId);
  void world.poll();
  expect(await within(1000, "the invocation", invoked)).toEqual({ outcome: response() });
}

describe("init", () => {
  test("starts extensions in the order they were found, each with its own file, directory and environment", async () => {
    const world = new World({ extensions: ["b", "a", "c"], extensionCwd: "/tmp", extensionEnv: { A: "1" } });
    void world.environment.init();
    await world.flush();
    expect(world.started).toEqual(["b", "a", "c"]);
    expect(world.watched).toEqual(world.processes.map(({ pid }) => pid));
    expect(world.processes.map(({ spec }) => [spec.command, spec.cwd, spec.env])).toEqual(
      ["b", "a", "c"].map((name) => [[`/opt/extensions/${name}`], "/tmp", { A: "1" }]),
    );
  });

  test("starts the runtime when all of them have registered, and not before", async () => {
    const world = new World({ extensions: ["a", "b"] });
    void world.environment.init();
    await world.clock.advance(60_000);
    expect(world.started).toEqual(["a", "b"]);
    world.register("b");
    // One that polls is not more than registered, and one that registers from within counts for nobody.
    void world.ask("b");
    world.register("a.sh");
    await world.flush();
    expect(world.started).toEqual(["a", "b"]);
    world.register("a", ...both);
    await world.flush();
    expect(world.started).toEqual(["a", "b", "runtime"]);
  });

  test("is ready when the runtime and all extensions poll, whatever they subscribed to", async () => {
    const world = new World({ extensions: ["a", "b"] });
    const init = world.environment.init();
    world.register("a", ...both);
    world.register("b");
    void world.ask("a");
    world.register("inside");
    void world.poll();
    await world.clock.advance(60_000);
    expect(await isPending(init)).toBe(true);
    void world.ask("b");
    expect(await isPending(init)).toBe(true);
    void world.ask("inside");
    expect(await within(1000, "init", init)).toEqual({ kind: "ready" });
  });

  test("is not ready while the runtime does not poll, although all extensions do", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    world.register("a", ...both);
    void world.ask("a");
    expect(await isPending(init)).toBe(true);
    void world.poll();
    expect(await within(1000, "init", init)).toEqual({ kind: "ready" });
  });

  test("is not ready while an extension whose poll was lost has not asked again", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    world.register("a", ...both);
    const gone = new AbortController();
    void world.ask("a", gone.signal);
    gone.abort();
    void world.poll();
    expect(await isPending(init)).toBe(true);
    void world.ask("a");
    expect(await within(1000, "init", init)).toEqual({ kind: "ready" });
  });

  test("closes registration with the runtime's first poll", async () => {
    const world = new World();
    void world.environment.init();
    world.register("early");
    void world.poll();
    expect(() => world.register("late")).toThrow("Extension registration closed already");
  });

  test("measures itself to the last extension's poll, for the first invocation only", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    await world.clock.advance(100);
    world.register("a", "INVOKE");
    void world.poll();
    await world.clock.advance(200);
    void world.ask("a");
    await init;
    await world.serve();
    void world.ask("a");
    await world.serve({ requestId: "id-2" });
    expect(world.reports.map(({ initDurationMs }) => initDurationMs)).toEqual([300, undefined]);
  });
});

describe("an init with extensions fails", () => {
  const rows: [what: string, act: (world: World) => unknown, type: FaultType, reason: string][] = [
    ["when one ends with 0", (world) => world.processOf("a").exit({ code: 0 }), "Extension.Crash", "exit code 0"],
    ["when one ends with 7", (world) => world.processOf("b").exit({ code: 7 }), "Extension.Crash", "exit status 7"],
    [
      "when one is killed",
      (world) => world.processOf("a").exit({ signal: "SIGSEGV" }),
      "Extension.Crash",
      "signal: segmentation fault",
    ],
    [
      "when one ends after it registered",
      (world) => {
        world.register("a");
        world.processOf("a").exit({ code: 3 });
      },
      "Extension.Crash",
      "exit status 3",
    ],
    [
      "when one ends while it polls and the runtime is starting",
      (world) => {
        world.register("a");
        world.register("b");
        void world.ask("a");
        world.processOf("a").exit({ code: 4 });
      },
      "Extension.Crash",
      "exit status 4",
    ],
    [
      "when one reports an init error and ends",
      (world) => {
        world.register("a").report("initError", "Fatal.Config");
        world.processOf("a").exit({ code: 1 });
      },
      "Extension.InitError",
      "exit status 1",
    ],
    [
      "when one reports an exit error and ends",
      (world) => {
        world.register("a").report("exitError", "Fatal.Config");
        world.processOf("a").exit({ signal: "SIGTERM" });
      },
      "Extension.ExitError",
      "signal: terminated",
    ],
    [
      "with the first report, whoever ends because of it",
      (world) => {
        world.register("b").report("exitError", "Fatal.First");
        world.register("a").report("initError", "Fatal.Second");
        world.processOf("a").exit({ code: 2 });
      },
      "Extension.ExitError",
      "exit status 2",
    ],
    [
      "with the report of one although it is the runtime that ends",
      (world) => {
        world.register("a");
        world.register("b").report("initError", "Fatal.Config");
        world.processOf("runtime").exit({ code: 5 });
      },
      "Extension.InitError",
      "Runtime exited with error: exit status 5",
    ],
    [
      "with the runtime's own end although an extension ends right behind it",
      (world) => {
        world.register("a");
        world.register("b");
        world.processOf("runtime").exit({ code: 5 });
        world.processOf("a").exit({ code: 6 });
      },
      "Runtime.ExitError",
      "Runtime exited with error: exit status 5",
    ],
  ];

  test.each(rows)("%s", async (_what, act, type, reason) => {
    const world = new World({ extensions: ["a", "b"] });
    const init = world.environment.init();
    await world.flush();
    act(world);
    expect(await within(1000, "init", init)).toEqual({ kind: "fault", fault: { type, reason } });
    await world.clock.advance(5000);
    expect(world.inits).toMatchObject([{ phase: "init", status: "error", errorType: type }]);
    expect(world.told).toEqual([]);
  });

  test.each(["initError", "exitError"] as const)(
    "when one reports an %s and has not ended after a second",
    async (call) => {
      const world = new World({ extensions: ["a"] });
      const init = world.environment.init();
      world.register("a").report(call, "Fatal.Config");
      await world.clock.advance(999);
      expect(await isPending(init)).toBe(true);
      await world.clock.advance(1);
      expect(await within(1000, "init", init)).toEqual({
        kind: "fault",
        fault: {
          type: call === "initError" ? "Extension.InitError" : "Extension.ExitError",
          reason: "the extension a reported Fatal.Config and did not end",
        },
      });
    },
  );

  test("when an internal one reports, which has no process of its own", async () => {
    const world = new World();
    const init = world.environment.init();
    world.register("inside", "INVOKE").report("initError", "Fatal.Config");
    await world.clock.advance(1000);
    expect(await within(1000, "init", init)).toMatchObject({ fault: { type: "Extension.InitError" } });
  });

  test("when one cannot be started; those behind it are not tried, nor is the runtime", async () => {
    const world = new World({ extensions: ["a", "b", "c"] });
    world.unstartable.add("b");
    const init = world.environment.init();
    expect(await within(1000, "init", init)).toEqual({
      kind: "fault",
      fault: { type: "Extension.LaunchError", reason: "fork/exec /opt/extensions/b: permission denied" },
    });
    world.register("a");
    world.processOf("a").exit({ code: 1 });
    await world.flush();
    expect(world.started).toEqual(["a"]);
    expect(world.inits).toMatchObject([
      {
        isRuntimeTried: false,
        extensions: [
          { name: "a", state: "Started" },
          { name: "b", state: "LaunchError" },
          { name: "c", state: "Started" },
        ],
      },
    ]);
  });

  test("when there are eleven; none is started", async () => {
    const world = new World({ extensions: Array.from({ length: 11 }, (_, at) => `e${at}`) });
    expect(await within(1000, "init", world.environment.init())).toEqual({
      kind: "fault",
      fault: {
        type: "Extension.LaunchError",
        reason: "ErrTooManyExtensions: there are 11 external extensions, at most 10 may be",
      },
    });
    expect(world.processes).toEqual([]);
  });

  test("with what prevented the runtime's start when they have registered", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    world.launchError = launchError;
    world.register("a");
    expect(await within(1000, "init", init)).toEqual({
      kind: "fault",
      fault: { type: "Runtime.InvalidEntrypoint", reason: launchError.message },
    });
    expect(world.inits).toMatchObject([{ isRuntimeTried: true, errorType: "Runtime.InvalidEntrypoint" }]);
  });

  test("with the runtime's own report rather than with its end", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    world.register("a");
    world.exchanges.beginInitError();
    world.exchanges.finishInitError(Buffer.from("why"), "Runtime.Why");
    world.processOf("runtime").exit({ code: 1 });
    expect(await within(1000, "init", init)).toMatchObject({ kind: "init error", errorType: "Runtime.Why" });
    await world.flush();
    expect(world.inits).toMatchObject([{ status: "error", errorType: "Runtime.Why", isRuntimeTried: true }]);
  });

  test("once and for all, although the runtime polls and other extensions end before everything is given up", async () => {
    const world = new World({ extensions: ["a", "b"] });
    const init = world.environment.init();
    world.register("a");
    world.register("b");
    void world.ask("a");
    void world.ask("b");
    world.processOf("a").exit({ code: 4 });
    await init;
    void world.poll();
    await world.flush();
    world.processOf("b").exit({ code: 5 });
    world.processOf("runtime").exit({ code: 6 });
    await world.flush();
    expect(world.inits).toMatchObject([{ status: "error", errorType: "Extension.Crash" }]);
    expect(world.told).toEqual([]);
  });
});

describe("the log names who holds up init", () => {
  let caught: CaughtLines;

  beforeEach(() => {
    caught = catchLines();
  });

  afterEach(() => caught.release());

  const rows: [act: (world: World) => unknown, who: string][] = [
    [() => {}, "the extension a, b to register under the name of its file"],
    [(world) => world.register("a"), "the extension b to register under the name of its file"],
    [(world) => [world.register("a"), world.register("b")], "the runtime"],
    [
      (world) => [world.register("a"), world.register("b"), world.ask("a"), world.poll()],
      "the extension b to ask for its first event",
    ],
  ];

  test.each(rows)("%#. after five seconds, once", async (act, who) => {
    const world = new World({ extensions: ["a", "b"] });
    void world.environment.init();
    act(world);
    await world.clock.advance(4999);
    expect(caught.lines).toEqual([]);
    await world.clock.advance(60_000);
    expect(caught.lines).toEqual([`init waits for ${who}`]);
  });

  test("and nobody when it has ended by then", async () => {
    const world = await World.readyWith({ a: both });
    await world.clock.advance(60_000);
    expect(caught.lines).toEqual([]);
  });
});

describe("an init is told, begun and ended, once:", () => {
  test("a good one, with what the extensions are", async () => {
    const world = await World.readyWith({ a: ["SHUTDOWN", "INVOKE"], b: [] });
    expect(world.phases).toEqual(["init"]);
    expect(world.inits).toEqual([
      {
        phase: "init",
        status: "success",
        errorType: undefined,
        durationMs: 0,
        isRuntimeTried: true,
        isRuntimeReady: true,
        extensions: [
          { name: "a", state: "Ready", events: ["INVOKE", "SHUTDOWN"], errorType: undefined },
          { name: "b", state: "Ready", events: [], errorType: undefined },
        ],
      },
    ]);
  });

  test("one whose extension reported, with the type it gave", async () => {
    const world = new World({ extensions: ["a"] });
    void world.environment.init();
    world.register("a", "INVOKE").report("initError", "Fatal.Config");
    await world.clock.advance(200);
    world.processOf("a").exit({ code: 1 });
    await world.flush();
    expect(world.phases).toEqual(["init"]);
    expect(world.inits).toEqual([
      {
        phase: "init",
        status: "error",
        errorType: "Extension.InitError",
        durationMs: 200,
        isRuntimeTried: true,
        isRuntimeReady: false,
        extensions: [{ name: "a", state: "InitError", events: ["INVOKE"], errorType: "Fatal.Config" }],
      },
    ]);
  });

  test("one that fails for a reason of init's own, as a failure", async () => {
    const world = new World({ extensions: ["a"] });
    world.launchError = new TypeError("unforeseen");
    await world.environment.init();
    expect(world.inits).toMatchObject([{ status: "failure", errorType: "Sandbox.Failure" }]);
  });

  test("one that the invocation's timeout cut off, as a timeout", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    await world.clock.advance(1000);
    const invoked = world.invoke();
    await world.clock.advance(3000);
    const { outcome } = await invoked;
    expect(outcome.kind).toBe("timeout");
    expect(await within(1000, "init", init)).toEqual({ ...outcome, kind: "fault" } as never);
    expect(world.inits).toEqual([
      {
        phase: "init",
        status: "timeout",
        errorType: undefined,
        durationMs: 4000,
        isRuntimeTried: false,
        isRuntimeReady: false,
        extensions: [{ name: "a", state: "Started", events: [], errorType: undefined }],
      },
    ]);
  });

  test("one that is stopped, not at all", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    const down = world.environment.stop();
    await world.clock.advance(10_000);
    await within(1000, "the shutdown", down);
    expect(await within(1000, "init", init)).toEqual({ kind: "cancelled" });
    expect([world.phases, world.inits]).toEqual([["init"], []]);
  });

  test("one inside an invocation, in its phase", async () => {
    const world = await World.readyWith({ a: both });
    const failed = world.invoke();
    await world.flush();
    world.processOf("runtime").exit({ code: 1 });
    await failed;
    await world.clock.advance(5000);
    await expectFresh(world, "id-2", { a: both });
    expect(world.phases).toEqual(["init", "invoke"]);
    expect(world.inits).toMatchObject([
      { phase: "init", status: "success" },
      { phase: "invoke", status: "success" },
    ]);
    void world.environment.stop();
    await world.clock.advance(10_000);
    expect(world.inits).toHaveLength(2);
  });
});

describe("an invocation", () => {
  test("goes to those who subscribed to it, with the same facts, and to nobody else", async () => {
    const world = new World({ extensions: ["a", "b"] });
    const init = world.environment.init();
    world.register("a", ...both);
    world.register("b", "SHUTDOWN");
    world.register("inside", "INVOKE");
    const [a, b, inside] = [world.ask("a"), world.ask("b"), world.ask("inside")];
    const polled = world.poll();
    await init;
    void world.invoke();
    await world.flush();
    const invocation = (await polled)?.invocation;
    expect(invocation?.request.requestId).toBe("id-1");
    expect(await within(1000, "the event of a", a)).toEqual({ kind: "invoke", invocation } as never);
    expect(await within(1000, "the event of inside", inside)).toEqual({ kind: "invoke", invocation } as never);
    expect(await isPending(b)).toBe(true);
  });

  test("does not wait for extensions with its result, which no later break of theirs changes", async () => {
    const world = await World.readyWith({ a: both, b: both });
    expect(await within(1000, "the result", world.serve())).toEqual({ outcome: response() });
    world.processOf("a").exit({ code: 1 });
    await world.flush();
    expect(world.reports).toMatchObject([{ status: "success", faultReason: undefined }]);
  });

  test("waits for extensions that work on the last one, and begins to tell of itself only then", async () => {
    const world = await World.readyWith({ a: both, b: both, c: [] });
    await world.serve();
    const invoked = world.invoke({ requestId: "id-2" });
    await world.clock.advance(1000);
    void world.ask("a");
    await world.flush();
    expect([world.dispatched, world.told]).toEqual([["id-1"], ["start id-1", "end id-1"]]);
    expect(world.exchanges.find("id-2")).toBeUndefined();
    await world.clock.advance(500);
    const second = world.ask("b");
    await world.flush();
    expect([world.dispatched.at(-1), world.told.at(-1)]).toEqual(["id-2", "start id-2"]);
    expect((await second)?.kind).toBe("invoke");
    world.answer(response(), "id-2");
    void world.poll();
    expect(await within(1000, "the second", invoked)).toEqual({ outcome: response() });
    // Theirs was the time of the last one.
    expect(world.told).toContain("extensions finished id-1 1500");
    expect(world.reports.at(-1)?.durationMs).toBe(0);
  });

  test("has what they wrote for the last one received before it begins", async () => {
    const world = await World.readyWith({ a: both });
    await world.serve();
    const receive = world.processOf("a").write();
    void world.ask("a");
    void world.invoke({ requestId: "id-2" });
    await world.clock.advance(100);
    expect(world.told).not.toContain("start id-2");
    receive();
    await world.flush();
    expect(world.told.slice(-3)).toEqual(["output received", "extensions finished id-1 100", "start id-2"]);
  });

  const waits: [what: string, subscriptions: Subscriptions, polls: string[]][] = [
    ["one", { a: both }, []],
    ["two", { a: both, b: both }, []],
    ["one of two", { a: both, b: both }, ["a"]],
  ];

  test.each(waits)(
    "that waits for %s in vain gets fresh processes when the time of the last one is over, and all of its own time",
    async (_what, subscriptions, polls) => {
      const world = await World.readyWith(subscriptions);
      await world.clock.advance(100);
      await world.serve();
      for (const name of polls) void world.ask(name);
      const invoked = world.invoke({ requestId: "id-2" });
      await world.clock.advance(2999);
      expect(world.started).toEqual([...Object.keys(subscriptions), "runtime"]);
      // The last one's deadline; then the extensions are asked to end, in the two seconds a shutdown has.
      await world.clock.advance(2001);
      expect(world.phases).toEqual(["init", "invoke"]);
      await world.bring(subscriptions);
      await world.clock.advance(2500);
      world.answer(response(), "id-2");
      void world.poll();
      expect(await within(1000, "the answer", invoked)).toEqual({ outcome: response() });
      expect(world.reports.at(-1)).toMatchObject({ requestId: "id-2", status: "success", durationMs: 2500 });
    },
  );

  test("after which an extension hangs costs nothing when the next one comes late", async () => {
    const world = await World.readyWith({ a: both });
    await world.serve();
    await world.clock.advance(10_000);
    expect([world.environment.state, world.phases]).toEqual(["cold", ["init"]]);
    await expectFresh(world, "id-2", { a: both });
  });

  test("that its own function holds up blames nobody else, although an extension is busy too", async () => {
    const world = await World.readyWith({ a: both });
    const invoked = world.invoke();
    await world.clock.advance(3000);
    expect((await within(1000, "the timeout", invoked)).outcome).toMatchObject({
      fault: { reason: "Task timed out after 3.00 seconds" },
    });
  });

  test.each([
    ["to register under the name of its file", () => {}],
    [
      "to ask for its first event",
      (world: World) => {
        world.register("a");
        void world.poll();
      },
    ],
  ] as [string, (world: World) => void][])(
    "that waits for one %s in init names it in its timeout",
    async (what, act) => {
      const world = new World({ extensions: ["a"] });
      void world.environment.init();
      await world.flush();
      act(world);
      const invoked = world.invoke();
      await world.clock.advance(3000);
      expect((await within(1000, "the timeout", invoked)).outcome).toMatchObject({
        fault: { reason: `Task timed out after 3.00 seconds while waiting for the extension a ${what}` },
      });
    },
  );

  test("that comes while the processes are being ended has all of its time once they are gone", async () => {
    const world = await World.readyWith({ a: both });
    await world.serve();
    const ending = Promise.withResolvers<boolean>();
    world.ending = ending;
    const invoked = world.invoke({ requestId: "id-2" });
    await world.flush();
    world.processOf("a").exit({ code: 1 });
    await world.clock.advance(4000);
    expect([world.dispatched, world.phases]).toEqual([["id-1"], ["init"]]);
    ending.resolve(true);
    await world.flush();
    await world.bring({ a: both });
    world.answer(response(), "id-2");
    void world.poll();
    expect(await within(1000, "the answer", invoked)).toEqual({ outcome: response() });
    expect([world.endings, world.reports.at(-1)?.durationMs]).toEqual([1, 0]);
  });
});

describe("an extension that breaks in an invocation", () => {
  const ends: [exit: Exit, reason: string][] = [
    [{ code: 0 }, "exit code 0"],
    [{ code: 7 }, "exit status 7"],
    [{ signal: "SIGKILL" }, "signal: killed"],
  ];

  test.each(ends)("by its end %j fails it at once, and the next one starts anew", async (exit, reason) => {
    const world = await World.readyWith({ a: both, b: [] });
    const invoked = world.invoke();
    await world.clock.advance(200);
    world.processOf("b").exit(exit);
    expect(await within(1000, "the failure", invoked)).toEqual({ outcome: crash(reason) });
    expect(world.reports).toMatchObject([{ status: "error", errorType: "Extension.Crash", durationMs: 200 }]);
    await world.clock.advance(10_000);
    await expectFresh(world, "id-2", { a: both, b: [] });
    expect(world.endings).toBe(1);
  });

  test("by an exit error fails it when it ends, with the type of the report", async () => {
    const world = await World.readyWith({ a: both });
    const invoked = world.invoke();
    await world.flush();
    world.extension("a").report("exitError", "Fatal.Lost");
    expect(await isPending(invoked)).toBe(true);
    world.processOf("a").exit({ code: 1 });
    expect(await within(1000, "the failure", invoked)).toEqual({
      outcome: { kind: "fault", fault: { type: "Extension.ExitError", reason: "exit status 1" } },
    });
  });

  test("by an exit error fails it after a second when it does not end", async () => {
    const world = await World.readyWith({ a: both });
    const invoked = world.invoke();
    await world.flush();
    world.extension("a").report("exitError", "Fatal.Lost");
    await world.clock.advance(1000);
    expect(await within(1000, "the failure", invoked)).toEqual({
      outcome: {
        kind: "fault",
        fault: { type: "Extension.ExitError", reason: "the extension a reported Fatal.Lost and did not end" },
      },
    });
  });

  test("after the answer leaves the answer standing, and tells the reason besides", async () => {
    const world = await World.readyWith({ a: both });
    const invoked = world.invoke();
    await world.flush();
    world.answer();
    world.processOf("a").exit({ code: 7 });
    expect(await within(1000, "the answer", invoked)).toEqual({
      outcome: response(),
      faultAfterAnswer: { type: "Extension.Crash", reason: "exit status 7" },
    });
    await world.clock.advance(10_000);
    await expectFresh(world, "id-2", { a: both });
  });

  test("is told as the reason although the runtime breaks right behind it", async () => {
    const world = await World.readyWith({ a: both });
    const invoked = world.invoke();
    await world.flush();
    world.processOf("a").exit({ code: 7 });
    world.processOf("runtime").exit({ code: 8 });
    expect(await within(1000, "the failure", invoked)).toEqual({ outcome: crash("exit status 7") });
    await world.clock.advance(10_000);
    expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
  });

  test("in an init inside an invocation fails that invocation", async () => {
    const world = await World.readyWith({ a: both });
    const failed = world.invoke();
    await world.flush();
    world.processOf("runtime").exit({ code: 1 });
    await failed;
    await world.clock.advance(10_000);
    const invoked = world.invoke({ requestId: "id-2" });
    await world.flush();
    world.processOf("a").exit({ code: 9 });
    expect(await within(1000, "the failure", invoked)).toEqual({ outcome: crash("exit status 9") });
    expect(world.inits.at(-1)).toMatchObject({ phase: "invoke", status: "error", errorType: "Extension.Crash" });
    await world.clock.advance(10_000);
    await expectFresh(world, "id-3", { a: both });
  });
});

describe("an extension that breaks between two invocations", () => {
  test("is nobody's fault: the next one gets fresh processes", async () => {
    const world = await World.readyWith({ a: both });
    await world.serve();
    void world.ask("a");
    world.processOf("a").exit({ code: 5 });
    await world.clock.advance(10_000);
    expect(world.endings).toBe(1);
    expect(world.processOf("runtime").signals).toContain("SIGTERM");
    expect(world.told.filter((what) => what.startsWith("idle"))).toEqual([]);
    await expectFresh(world, "id-2", { a: both });
    expect(world.reports.map(({ status }) => status)).toEqual(["success", "success"]);
  });

  test("while the next one waits for it lets that one have fresh processes", async () => {
    const world = await World.readyWith({ a: both, b: both });
    await world.serve();
    const invoked = world.invoke({ requestId: "id-2" });
    await world.clock.advance(500);
    world.processOf("a").exit({ code: 5 });
    await world.clock.advance(2000);
    expect(world.started).toEqual(["a", "b", "runtime", "a", "b"]);
    expect(world.told.slice(-2)).toEqual(["all ended", "start id-2"]);
    await world.bring({ a: both, b: both });
    world.answer(response(), "id-2");
    void world.poll();
    expect(await within(1000, "the second", invoked)).toEqual({ outcome: response() });
    expect(world.dispatched).toEqual(["id-1", "id-2"]);
  });

  test("while its last output is being received lets the next one start nothing before the old ones have ended", async () => {
    const world = await World.readyWith({ a: both });
    await world.serve();
    void world.ask("a");
    const ending = Promise.withResolvers<boolean>();
    world.ending = ending;
    const receive = world.processOf("a").write();
    const invoked = world.invoke({ requestId: "id-2" });
    await world.flush();
    world.processOf("a").exit({ code: 5 });
    await world.flush();
    receive();
    await world.clock.advance(100);
    expect(world.started).toEqual(["a", "runtime"]);
    ending.resolve(true);
    await world.flush();
    expect(world.started).toEqual(["a", "runtime", "a"]);
    expect(world.told.slice(-2)).toEqual(["all ended", "start id-2"]);
    await world.bring({ a: both });
    world.answer(response(), "id-2");
    void world.poll();
    expect(await within(1000, "the second", invoked)).toEqual({ outcome: response() });
  });

  test("while it reports and stays lets the next one wait no longer than that", async () => {
    const world = await World.readyWith({ a: ["INVOKE"] });
    await world.serve();
    world.extension("a").report("exitError", "Fatal.Lost");
    const invoked = world.invoke({ requestId: "id-2" });
    await world.clock.advance(1000);
    await world.bring({ a: both });
    world.answer(response(), "id-2");
    void world.poll();
    expect(await within(1000, "the second", invoked)).toEqual({ outcome: response() });
  });

  test("although it only loses its poll, while its last output is being received, is waited for again", async () => {
    const world = await World.readyWith({ a: both });
    await world.serve();
    const gone = new AbortController();
    void world.ask("a", gone.signal);
    const receive = world.processOf("a").write();
    void world.invoke({ requestId: "id-2" });
    await world.flush();
    gone.abort();
    receive();
    await world.clock.advance(100);
    expect(world.dispatched).toEqual(["id-1"]);
    const asked = world.ask("a");
    await world.flush();
    expect(world.dispatched).toEqual(["id-1", "id-2"]);
    expect((await within(1000, "the event", asked))?.kind).toBe("invoke");
  });

  test("once is reset once, however many others break with it", async () => {
    const world = await World.readyWith({ a: both, b: both });
    world.processOf("a").exit({ code: 5 });
    world.processOf("b").exit({ code: 6 });
    world.processOf("runtime").exit({ code: 7 });
    await world.clock.advance(10_000);
    expect([world.endings, world.processesEnded]).toEqual([1, 1]);
    expect(world.told).toEqual(["all ended"]);
    await expectFresh(world, "id-2", { a: both, b: both });
  });
});

describe("a runtime that ends between two invocations", () => {
  test("is told at once although an extension is still at work, and fails the next one", async () => {
    const world = await World.readyWith({ a: both });
    await world.serve();
    world.processOf("runtime").exit({ code: 9 });
    await world.flush();
    expect(world.told.at(-1)).toBe("idle: Runtime exited with error: exit status 9");
    expect(await within(1000, "the failure", world.invoke({ requestId: "id-2" }))).toEqual({
      outcome: { kind: "fault", fault: exitFault("exit status 9") },
    });
    await world.clock.advance(10_000);
    await expectFresh(world, "id-3", { a: both });
  });

  test("while the next one waits for an extension fails that one", async () => {
    const world = await World.readyWith({ a: both });
    await world.serve();
    const invoked = world.invoke({ requestId: "id-2" });
    await world.flush();
    world.processOf("runtime").exit({ code: 9 });
    expect(await within(1000, "the failure", invoked)).toEqual({
      outcome: { kind: "fault", fault: exitFault("exit status 9") },
    });
  });
});

describe("fresh processes", () => {
  test("have no part in what the old ones reported, though its second ends only now", async () => {
    const world = await World.readyWith({ a: ["INVOKE"] });
    const failed = world.invoke();
    await world.flush();
    world.extension("a").report("exitError", "Fatal.Lost");
    await world.clock.advance(100);
    world.processOf("runtime").exit({ code: 1 });
    expect(await within(1000, "the failure", failed)).toMatchObject({
      outcome: { fault: { type: "Extension.ExitError" } },
    });
    await world.flush();
    const invoked = world.invoke({ requestId: "id-2" });
    await world.flush();
    await world.bring({ a: ["INVOKE"] });
    expect(world.dispatched).toEqual(["id-1", "id-2"]);
    await world.clock.advance(1500);
    world.answer(response(), "id-2");
    void world.poll();
    expect(await within(1000, "the second", invoked)).toEqual({ outcome: response() });
    expect(world.endings).toBe(1);
  });

  test("come when the outputs of the old ones, extensions' too, have been given up", async () => {
    const world = await World.readyWith({ a: both, b: [] });
    world.processOf("a").exit({ code: 1 });
    await world.clock.advance(10_000);
    expect(world.processes.map(({ isOutputClosed }) => isOutputClosed)).toEqual([true, true, true]);
  });

  test("know nothing of the old ones' identifiers, and register under the same names", async () => {
    const world = await World.readyWith({ a: both });
    const old = world.extension("a");
    const failed = world.invoke();
    await world.flush();
    world.processOf("runtime").exit({ code: 1 });
    await failed;
    await world.clock.advance(10_000);
    await expectFresh(world, "id-2", { a: both });
    expect(world.extension("a").id).not.toBe(old.id);
    expect(world.environment.extensions.withId(old.id)).toBeUndefined();
    void world.ask("a");
    await expectServed(world, "id-3", ["a"]);
  });

  test("are those whose files are there now", async () => {
    const files = ["a"];
    const world = new World({ findExtensions: () => files.map((name) => ({ name, path: `/opt/extensions/${name}` })) });
    const init = world.environment.init();
    await world.bring({ a: [] });
    await init;
    world.processOf("a").exit({ code: 1 });
    await world.clock.advance(10_000);
    files.splice(0, 1, "b", "c");
    await expectFresh(world, "id-1", { b: [], c: [] });
  });
});
