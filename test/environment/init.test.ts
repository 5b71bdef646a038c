import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exit } from "../../src/errors.ts";
import { within } from "../support/within.ts";
import { exitFault, launchError, World } from "./world.ts";

const json = (body: string) => Buffer.from(body);

describe("init", () => {
  test("starts the runtime once, with its command, directory and environment", async () => {
    const world = await World.ready({ bootstrap: { command: ["/b", "x"], cwd: "/tmp" }, env: { A: "1" } });
    expect(world.processes).toHaveLength(1);
    expect(world.process.spec).toMatchObject({ command: ["/b", "x"], cwd: "/tmp", env: { A: "1" } });
  });

  test("has ended well when the runtime polls, however long that takes", async () => {
    const world = new World();
    const init = world.environment.init();
    await world.clock.advance(3_600_000);
    void world.poll();
    expect(await init).toEqual({ kind: "ready" });
  });

  test.each([
    [{ code: 0 }, "Runtime exited without providing a reason"],
    [{ code: 1 }, "Runtime exited with error: exit status 1"],
    [{ code: 127 }, "Runtime exited with error: exit status 127"],
    [{ signal: "SIGKILL" }, "Runtime exited with error: signal: killed"],
    [{ signal: "SIGSEGV" }, "Runtime exited with error: signal: segmentation fault"],
  ] as [Exit, string][])("has failed when the runtime ends first: %j", async (exit, reason) => {
    const world = new World();
    const init = world.environment.init();
    world.process.exit(exit);
    expect(await init).toEqual({ kind: "fault", fault: { type: "Runtime.ExitError", reason } });
    expect(world.told).toEqual([]);
  });

  test("has failed with the runtime's own words, whatever follows", async () => {
    const world = new World();
    const init = world.environment.init();
    world.exchanges.beginInitError();
    world.exchanges.finishInitError(json("why"), "Runtime.Why");
    world.process.exit({ code: 1 });
    expect(await init).toEqual({ kind: "init error", body: json("why"), errorType: "Runtime.Why" });
    await world.flush();
    expect(world.told).toEqual([]);
  });

  test("has failed when nothing can be started", async () => {
    const world = new World();
    world.launchError = launchError;
    expect(await world.environment.init()).toEqual({
      kind: "fault",
      fault: { type: "Runtime.InvalidEntrypoint", reason: launchError.message },
    });
  });

  test("goes on being well when the runtime ends after its first poll: that is an idle crash", async () => {
    const world = new World();
    const init = world.environment.init();
    void world.poll();
    world.process.exit({ code: 1 });
    expect(await init).toEqual({ kind: "ready" });
    await world.flush();
    expect(world.told).toEqual(["idle: Runtime exited with error: exit status 1"]);
  });
});

describe("the working directory", () => {
  const folder = mkdtempSync(join(tmpdir(), "cwd-"));
  rmSync(folder, { recursive: true });
  const absent = "the working directory doesn't exist:";
  const relative = (dir: string) => `the working directory '${dir}' is invalid, it needs to be an absolute path`;

  test.each([
    ["missing", folder, `${absent} ${folder}`],
    ["a file", "/etc/passwd", `${absent} /etc/passwd`],
    ["below a file", "/etc/passwd/x", `${absent} /etc/passwd/x`],
    ["a name that is too long", `/${"n".repeat(300)}`, `${absent} /${"n".repeat(300)}`],
    ["relative", "task", relative("task")],
    ["relative, though it exists", ".", relative(".")],
    ["empty", "", relative("")],
  ])("that is %s is told, and nothing is started", async (_what, cwd, reason) => {
    const world = new World({ bootstrap: { command: ["/b"], cwd } });
    expect(await within(1000, "the outcome", world.environment.init())).toEqual({
      kind: "fault",
      fault: { type: "Runtime.InvalidWorkingDir", reason },
    });
    expect(world.processes).toEqual([]);
  });
});

describe("an init that runs inside an invocation", () => {
  /** A world whose runtime has crashed and been cleared away: the next invocation starts anew. */
  async function afterCrash(): Promise<World> {
    const world = await World.ready();
    const invoked = world.invoke({ requestId: "id-0" });
    await world.flush();
    world.process.exit({ code: 1 });
    await invoked;
    await world.flush();
    return world;
  }

  test("that reports an error ends it with the runtime's own words", async () => {
    const world = await afterCrash();
    const invoked = world.invoke();
    await world.flush();
    world.exchanges.beginInitError();
    world.exchanges.finishInitError(json("why"), "Runtime.Why");
    world.process.exit({ code: 1 });
    expect(await invoked).toEqual({ outcome: { kind: "init error", body: json("why"), errorType: "Runtime.Why" } });
  });

  test("that ends ends it with the reason", async () => {
    const world = await afterCrash();
    const invoked = world.invoke();
    await world.flush();
    world.process.exit({ code: 42 });
    expect(await invoked).toEqual({ outcome: { kind: "fault", fault: exitFault("exit status 42") } });
  });

  test("that cannot start anything ends it with the reason", async () => {
    const world = await afterCrash();
    world.launchError = launchError;
    expect(await world.invoke()).toEqual({
      outcome: { kind: "fault", fault: { type: "Runtime.InvalidEntrypoint", reason: launchError.message } },
    });
    world.launchError = undefined;
    const next = world.invoke({ requestId: "id-2" });
    await world.flush();
    expect(world.processes).toHaveLength(2);
    world.process.exit({ code: 1 });
    await next;
  });

  test("that fails in an unforeseen way still ends it", async () => {
    const world = await afterCrash();
    world.launchError = new TypeError("unforeseen");
    const { outcome } = await within(1000, "the outcome", world.invoke());
    expect(outcome).toEqual({ kind: "fault", fault: { type: "Sandbox.Failure", reason: "unforeseen" } });
  });

  test("has a first failed boot's reason when that was never replaced", async () => {
    const world = new World();
    const init = world.environment.init();
    world.process.exit({ code: 7 });
    await init;
    expect(await world.invoke()).toEqual({ outcome: { kind: "fault", fault: exitFault("exit status 7") } });
    const next = world.invoke({ requestId: "id-2" });
    await world.flush();
    expect(world.processes).toHaveLength(2);
    void world.poll();
    await world.flush();
    world.answer(undefined, "id-2");
    void world.poll();
    expect((await next).outcome.kind).toBe("response");
  });
});

describe("memory is looked at once after init has ended well", () => {
  async function initialized(): Promise<World> {
    const world = new World();
    const init = world.environment.init();
    void world.poll();
    await init;
    return world;
  }

  test("but whoever waits for init does not wait for that", async () => {
    const world = await initialized();
    expect(world.memorySamples).toBe(0);
    await world.clock.advance(1);
    expect(world.memorySamples).toBe(1);
    await world.clock.advance(1000);
    expect(world.memorySamples).toBe(1);
  });

  test("and not when a stop comes first", async () => {
    const world = await initialized();
    void world.environment.stop();
    await world.clock.advance(1000);
    expect(world.memorySamples).toBe(0);
  });

  test("before the runtime has its first event: it may die of that, and has used some", async () => {
    const world = await initialized();
    void world.invoke({ requestId: "1" });
    await world.flush();
    expect([world.dispatched, world.memorySamples]).toEqual([["1"], 1]);
  });
});

test("where a failed init is tried again, it is told when its processes have ended", async () => {
  const world = new World({ policy: { afterFailedInit: "resetting" } });
  world.ending = Promise.withResolvers<boolean>();
  let isTold = false;
  const init = world.environment.init().then((outcome) => {
    isTold = true;
    return outcome;
  });
  world.process.exit({ code: 3 });
  await world.clock.advance(100);
  expect(isTold).toBe(false);
  world.ending.resolve(true);
  expect(await within(1000, "the outcome", init)).toEqual({ kind: "fault", fault: exitFault("exit status 3") });
  expect(world.environment.state).toBe("cold");
});

describe("an invocation that takes up its time in the first init", () => {
  const timeout = (blame = "") => ({
    type: "Sandbox.Timedout" as const,
    reason: `Task timed out after 3.00 seconds${blame}`,
  });

  test.each([0, 500, 60_000])("having come %d ms after the start, ends that init with its fault, once", async (ms) => {
    const world = new World();
    const outcomes: unknown[] = [];
    void world.environment.init().then((outcome) => outcomes.push(outcome));
    await world.clock.advance(ms);
    const invoked = world.invoke();
    await world.clock.advance(2999);
    expect(outcomes).toEqual([]);
    await world.clock.advance(1);
    expect((await within(1000, "the timeout", invoked)).outcome).toEqual({ kind: "timeout", fault: timeout() });
    await world.clock.advance(60_000);
    expect(outcomes).toEqual([{ kind: "fault", fault: timeout() }]);
    expect(world.inits).toMatchObject([{ phase: "init", status: "timeout", durationMs: ms + 3000 }]);
  });

  test("names the extension that held it up", async () => {
    const world = new World({ extensions: ["a"] });
    const init = world.environment.init();
    void world.invoke();
    await world.clock.advance(3000);
    const blame = " while waiting for the extension a to register under the name of its file";
    expect(await within(1000, "the outcome", init)).toEqual({ kind: "fault", fault: timeout(blame) });
  });

  test("leaves an init alone that had ended well before", async () => {
    const world = new World();
    const init = world.environment.init();
    const invoked = world.invoke();
    await world.clock.advance(2000);
    void world.poll();
    await world.clock.advance(1000);
    expect((await within(1000, "the timeout", invoked)).outcome.kind).toBe("timeout");
    expect(await init).toEqual({ kind: "ready" });
  });
});
