/** A fault of init's own, in what an invocation is followed by, costs nobody an answer. */
import { expect, test } from "bun:test";
import { managedInstance } from "../../src/environment/policy.ts";
import { within } from "../support/within.ts";
import { response, World } from "./world.ts";

/** What is told of the next invocation's end fails. */
function breakNextReport(world: World): void {
  const push = world.reports.push.bind(world.reports);
  world.reports.push = (...reports) => {
    world.reports.push = push;
    throw new Error(`unforeseen, with ${reports.length}`);
  };
}

test("an invocation keeps its outcome, and the next one has fresh processes", async () => {
  const world = await World.ready();
  breakNextReport(world);
  expect(await within(1000, "the answer", world.serve())).toEqual({ outcome: response() });
  await world.flush();
  const next = world.invoke({ requestId: "id-2" });
  await world.flush();
  void world.poll();
  await world.flush();
  world.answer(response("two"), "id-2");
  void world.poll();
  expect(await within(1000, "the next one", next)).toEqual({ outcome: response("two") });
  expect([world.processes.length, world.clock.pendingTimers]).toEqual([2, 0]);
});

test("those that run beside it are ended with the environment", async () => {
  const world = await World.ready({ policy: managedInstance(2, undefined) });
  void world.poll();
  const [first, second] = [world.invoke(), world.invoke({ requestId: "id-2" })];
  await world.flush();
  breakNextReport(world);
  world.answer();
  expect(await within(1000, "the answer", first)).toEqual({ outcome: response() });
  expect(await within(1000, "the end", second)).toEqual({ outcome: { kind: "stopped" } });
  await world.flush();
  expect([world.environment.state, world.clock.now()]).toEqual(["stopped", 0]);
});

test("processes are killed although their ending in order fails", async () => {
  const world = await World.readyWith({ a: ["SHUTDOWN"] });
  const push = world.ends.push.bind(world.ends);
  world.ends.push = (what = "") => {
    if (what.endsWith("the extensions' part")) throw new Error("unforeseen");
    return push(what);
  };
  const failed = world.invoke();
  await world.flush();
  world.processOf("runtime").exit({ code: 1 });
  await within(1000, "the failure", failed);
  await world.clock.advance(5000);
  expect([world.environment.state, world.endings, world.processesEnded]).toEqual(["cold", 1, 1]);
});
