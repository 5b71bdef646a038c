/** Whatever happens, in whatever order: each invocation is settled, and processes never stand beside each other. */
import { expect, test } from "bun:test";
import { managedInstance, oneAtATime, type Policy } from "../../src/environment/policy.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { Walk } from "./walk.ts";
import type { World } from "./world.ts";

const suppressed: Policy = {
  ...oneAtATime,
  afterFailedInit: "resetting",
  initLimitMs: 5000,
  isInitInvocationsTime: false,
  hasInitReports: true,
};
const forgetful: Policy = { ...oneAtATime, afterFailedInit: "resetting", afterIdleCrash: "resetting" };

const policies: [name: string, policy: Policy, extensions: readonly string[], snapshots: number][] = [
  ["one at a time", oneAtATime, [], 0],
  ["one at a time, with an extension", oneAtATime, ["a"], 0],
  ["one at a time, from snapshots", oneAtATime, [], 8],
  ["a failed init tried again", suppressed, ["a"], 0],
  ["a failed init tried again, from snapshots", suppressed, ["a"], 8],
  ["an idle crash forgotten", forgetful, [], 2],
  ["three at once", managedInstance(3, 5000), [], 0],
  ["four at once, from snapshots", managedInstance(4, 5000), ["a"], 8],
  ["one at once, on a managed instance", managedInstance(1, 5000), ["a"], 2],
];

const walks = 100;

test.each(policies)(
  "%s",
  async (_, policy, extensions, snapshots) => {
    const { seed, random } = seededRandom();
    for (let count = 0; count < walks; count++) {
      const walk = new Walk({ policy, extensions, snapshots }, random);
      try {
        await walk.go();
        await walk.letTimePass();
        await expectSettled(walk);
        // A managed instance may end instead.
        const isServing = await walk.recovers();
        expect(isServing || walk.isStopped || walk.world.told.includes("ended")).toBe(true);
        await expectStops(walk);
        await expectSettled(walk);
        expectTold(walk.world);
        // Where several workers poll, none is given what another has.
        if (policy.endsWith === "the end of its response")
          expect([...new Set(walk.handedOver.values())]).not.toContain(2);
      } catch (error) {
        console.error(`walk ${count} of seed ${seed}:\n${walk.trace.join("\n")}\n${walk.world.told.join("\n")}`);
        throw error;
      }
    }
  },
  60_000,
);

async function expectSettled({ handles, world, isStopped }: Walk): Promise<void> {
  expect(await settledOf(handles)).toEqual(handles);
  for (const { request, settled, answer, isOver } of handles) {
    const { outcome } = await settled;
    expect([isOver, await answer]).toEqual([true, outcome]);
    if (outcome.kind === "response") expect(Buffer.from(outcome.body).toString()).toBe(request.requestId);
    if (outcome.kind === "error") expect(outcome.body).toBe(request.requestId);
    // Nobody but who stops it, or an environment that ends by itself.
    if (outcome.kind === "stopped") expect(isStopped || world.told.includes("ended")).toBe(true);
  }
}

/** Nothing is left of it, and nothing starts any more. */
async function expectStops(walk: Walk): Promise<void> {
  const { world, polls } = walk;
  walk.stop();
  await world.clock.advance(6000);
  expect([world.environment.state, world.clock.pendingTimers]).toEqual(["stopped", 0]);
  expect(world.processes.filter(({ isAlive }) => isAlive)).toEqual([]);
  expect(await settledOf(polls.map((settled) => ({ settled })))).toHaveLength(polls.length);

  const { length } = world.processes;
  walk.invoke();
  world.environment.reload();
  await world.clock.advance(6000);
  expect(world.processes).toHaveLength(length);
}

/** Those of them that are settled. */
async function settledOf<Waiting extends { readonly settled: Promise<unknown> }>(all: Waiting[]): Promise<Waiting[]> {
  const settled = new Set<Waiting>();
  for (const one of all) {
    const note = () => void settled.add(one);
    one.settled.then(note, note);
  }
  await new Promise(setImmediate);
  return all.filter((one) => settled.has(one));
}

/** What is told of invocations and of what runs for them: each has a start and an end. */
function expectTold(world: World): void {
  const open = new Set<string>();
  for (const what of world.told) {
    const [event, id = ""] = /^(start|end) (\S+)$/.exec(what)?.slice(1) ?? [];
    if (event) expect([what, open.has(id)]).toEqual([what, event === "end"]);
    if (event === "start") open.add(id);
    if (event === "end") open.delete(id);
  }
  expect([...open]).toEqual([]);
  expect(world.told.filter((what) => what === "restore")).toHaveLength(world.restores.length);
  expect(world.inits.length).toBeLessThanOrEqual(world.phases.length);
  expect(world.reports.filter(({ initDurationMs }) => initDurationMs !== undefined).length).toBeLessThanOrEqual(1);
  for (const { durationMs, status } of world.reports) {
    expect(durationMs).toBeLessThanOrEqual(3000);
    if (status === "timeout") expect(durationMs).toBe(3000);
  }
}
