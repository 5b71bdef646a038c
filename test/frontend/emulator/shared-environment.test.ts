import { describe, expect, test } from "bun:test";
import {
  SharedEnvironment,
  type SharedMember,
  WorkersBusyError,
} from "../../../src/frontend/emulator/shared-environment.ts";
import { FakeMember, World } from "./world.ts";

/** Environments with so many workers. */
function managed(workers: number) {
  let polls = workers;
  const world = new World();
  const members: FakeMember[] = [];
  let onEnd = () => {};
  const shared = new SharedEnvironment({
    concurrency: workers,
    clock: world.clock,
    newMember: async (ended) => {
      onEnd = ended;
      const member = new FakeMember(world, 0);
      members.push(member);
      member.ready.resolve({ kind: "ready" });
      Object.defineProperty(member.environment, "hasFreeWorker", { get: () => polls - shared.load.busy > 0 });
      return member as unknown as SharedMember;
    },
  });
  const poll = (count: number) => {
    polls = count;
  };
  return { shared, members, clock: world.clock, poll, end: () => onEnd() };
}

describe("a managed instance", () => {
  test("D2: serves as many calls as workers wait, and refuses the next at once", async () => {
    const { shared, members, clock } = managed(2);
    const [first] = await Promise.all([shared.acquire(), shared.acquire()]);
    await clock.advance(100);
    const refused = await shared.acquire().catch((error) => error);
    expect(refused).toBeInstanceOf(WorkersBusyError);
    const answer = refused.toResponse("id") as Response;
    expect([answer.status, await answer.json()]).toEqual([400, { errorType: "Runtime.Unavailable" }]);
    first.release();
    first.release();
    await shared.acquire();
    expect(shared.load).toMatchObject({ environments: 1, busy: 2 });
    expect(members).toHaveLength(1);
  });

  test("gives a worker that has just answered the time to poll again", async () => {
    const { shared, clock, poll } = managed(1);
    const lease = await shared.acquire();
    await clock.advance(100);
    poll(0);
    lease.release();
    let isServed = false;
    const waiting = shared.acquire().then(() => {
      isServed = true;
    });
    await clock.advance(50);
    expect(isServed).toBe(false);
    poll(1);
    await clock.advance(10);
    await waiting;
    const late = shared.acquire().catch((error) => error);
    await clock.advance(200);
    expect(await late).toBeInstanceOf(WorkersBusyError);
  });

  test("is made once, and only then started", async () => {
    const { shared, members } = managed(1);
    await shared.open();
    expect([members.length, shared.load.environments]).toEqual([1, 0]);
    shared.warm();
    await shared.acquire();
    expect(members).toHaveLength(1);
  });

  test("that has ended by itself is replaced by the next call, once it is gone", async () => {
    const { shared, members, end } = managed(1);
    (await shared.acquire()).release();
    end();
    await shared.acquire();
    expect(members.map(({ isDisposed }) => isDisposed)).toEqual([true, false]);
  });

  test("hears of new code, and of a stop", async () => {
    const { shared, members } = managed(1);
    await shared.open();
    shared.reload();
    await shared.stop();
    expect([members[0]?.reloads, members[0]?.isDisposed]).toEqual([1, true]);
  });
});
