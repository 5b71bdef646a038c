/** A runtime that ends while its report of an init error is being read: the report counts, but is not waited for for ever. */
import { describe, expect, test } from "bun:test";
import type { InitOutcome } from "../../src/environment/init-outcome.ts";
import { lostReportMs } from "../../src/environment/limits.ts";
import { exitFault, World } from "./world.ts";

const body = Buffer.from("why");
const reported = { kind: "init error", body, errorType: "Runtime.Why" } as const;
const ended = { kind: "fault", fault: exitFault("exit status 3") } as const;

/** The runtime has begun its report. `outcome` is that of init, once there is one. */
async function reporting() {
  const world = new World();
  const init: { outcome?: InitOutcome } = {};
  void world.environment.init().then((outcome) => {
    init.outcome = outcome;
  });
  await world.flush();
  world.exchanges.beginInitError();
  return { world, init };
}

describe("a report that is being read when the runtime ends", () => {
  test("is waited for half a second, then the exit is told", async () => {
    const { world, init } = await reporting();
    world.process.exit({ code: 3 });
    await world.clock.advance(lostReportMs - 1);
    expect(init.outcome).toBeUndefined();
    await world.clock.advance(1);
    expect(init.outcome).toEqual(ended);
  });

  test("is told if it comes to its end before that, and the exit adds nothing", async () => {
    const { world, init } = await reporting();
    world.process.exit({ code: 3 });
    await world.clock.advance(lostReportMs - 1);
    world.exchanges.finishInitError(body, "Runtime.Why");
    await world.clock.advance(1000);
    expect(init.outcome).toEqual(reported);
    expect(world.inits).toHaveLength(1);
  });

  test("and breaks off leaves the exit, which is told at once", async () => {
    const { world, init } = await reporting();
    world.process.exit({ code: 3 });
    await world.flush();
    world.exchanges.finishInitError(undefined, "Runtime.Why");
    await world.flush();
    expect(init.outcome).toEqual(ended);
  });
});

test("a report that broke off before the runtime ended is none", async () => {
  const { world, init } = await reporting();
  world.exchanges.finishInitError(undefined, "Runtime.Why");
  await world.flush();
  expect(init.outcome).toBeUndefined();
  world.process.exit({ code: 3 });
  await world.flush();
  expect(init.outcome).toEqual(ended);
});

test("in an init inside an invocation, the exit is told as that invocation's error", async () => {
  const world = await World.ready();
  world.process.exit({ code: 1 });
  await world.flush();
  await world.invoke();
  const invoked = world.invoke({ requestId: "id-2" });
  await world.flush();
  world.exchanges.beginInitError();
  world.process.exit({ code: 3 });
  await world.clock.advance(lostReportMs);
  expect((await invoked).outcome).toEqual(ended);
});
