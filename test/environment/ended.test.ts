/** What there is to hear from an environment that has ended by itself, and from processes that are given up. */
import { describe, expect, test } from "bun:test";
import { managedInstance } from "../../src/environment/policy.ts";
import { isPending } from "../runtime-api/fixture.ts";
import { within } from "../support/within.ts";
import { exitFault, World } from "./world.ts";

const policy = managedInstance(2, 130_000);

describe("an invocation that comes when a managed instance has ended by itself fails with the reason:", () => {
  /** One more, after everything has come to its end. */
  async function oneMore(world: World) {
    await world.clock.advance(5000);
    expect([world.environment.state, world.told.at(-1)]).toEqual(["stopped", "ended"]);
    return (await within(1000, "the refusal", world.invoke({ requestId: "id-late" }))).outcome;
  }

  test("its init took too long", async () => {
    const world = new World({ policy });
    void world.environment.init();
    await world.clock.advance(130_000);
    void world.invoke();
    expect(await oneMore(world)).toMatchObject({ kind: "fault", fault: { type: "Sandbox.Timeout" } });
  });

  test("an init inside an invocation failed", async () => {
    const world = new World({ policy });
    void world.invoke();
    world.process.exit({ code: 3 });
    expect(await oneMore(world)).toEqual({ kind: "fault", fault: exitFault("exit status 3") });
  });

  test("its runtime reported an error in init", async () => {
    const world = new World({ policy });
    void world.invoke();
    world.exchanges.beginInitError();
    world.exchanges.finishInitError(Buffer.from("why"), "Runtime.Why");
    expect(await oneMore(world)).toEqual({ kind: "init error", body: Buffer.from("why"), errorType: "Runtime.Why" });
  });

  test("its restore took too long", async () => {
    const world = new World({ policy });
    const init = world.environment.init();
    void world.exchanges.restoreNext();
    await init;
    void world.invoke();
    await world.clock.advance(10_000);
    expect(await oneMore(world)).toMatchObject({ kind: "fault", fault: { type: "Runtime.RestoreHookUserTimeout" } });
  });

  test("its runtime ended", async () => {
    const world = await World.ready({ policy });
    void world.invoke();
    await world.flush();
    world.process.exit({ code: 3 });
    expect(await oneMore(world)).toEqual({ kind: "fault", fault: exitFault("exit status 3") });
  });

  test("but not when it was stopped", async () => {
    const world = new World({ policy });
    void world.environment.init();
    world.process.exit({ code: 3 });
    await world.flush();
    await world.environment.stop();
    expect(await world.invoke()).toEqual({ outcome: { kind: "stopped" } });
  });
});

describe("an extension whose processes are given up", () => {
  test("is let go when it polls again, though its process, or what it left behind, still can", async () => {
    const world = await World.readyWith({ a: ["INVOKE"] });
    const extension = world.extension("a");
    world.processOf("a").isStubborn = true;
    void world.invoke();
    await world.flush();
    world.processOf("runtime").exit({ code: 3 });
    await world.clock.advance(5000);
    expect([world.environment.state, extension.state]).toEqual(["cold", "Running"]);
    expect(await within(1000, "the poll", extension.next(new AbortController().signal))).toBeUndefined();
  });

  test("is not before: it may poll until it is told to shut down", async () => {
    const world = await World.readyWith({ a: ["SHUTDOWN"] });
    world.processOf("runtime").ignored.add("SIGTERM");
    const stopped = world.environment.stop();
    await world.flush();
    const asked = world.asked.get("a") as Promise<unknown>;
    expect(await isPending(asked)).toBe(true);
    await world.clock.advance(600);
    expect(await within(1000, "the event", asked)).toMatchObject({ kind: "shutdown", reason: "spindown" });
    world.processOf("a").exit({ code: 0 });
    await stopped;
  });
});
