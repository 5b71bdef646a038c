import { afterEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import { endAllProcesses, type Look } from "../../src/process/end-all.ts";
import { catchLines } from "../support/log-lines.ts";
import { endChildren, isAlive, killProcessesWith, runApart, start, systemPath } from "./children.ts";

const mark = `MARK=end-all-${process.pid}`;
const env = { PATH: systemPath, MARK: mark.slice("MARK=".length) };

afterEach(async () => {
  await endChildren();
  killProcessesWith(mark);
});

interface Ended {
  /** What `endAll` resolved with. */
  all: boolean;
  /** Listeners for SIGCHLD it left behind. */
  listeners: number;
  /** Processes that were running before. */
  before: number;
  /** Processes running at the moment it resolved. */
  left: number;
}

/**
 * A clock that stands still and counts the timers that were begun. None of them rings: what is waited for has to come by
 * itself, as it does where no wait lasts until its limit.
 */
const stillClock = `
  let timers = 0;
  const stillClock = { now: () => 0, epoch: () => 0, after: () => { timers++; return () => {}; } };`;

/** Starts the script below a Bun that plays init, waits for its line and for its processes, and ends all. */
function endAll(script: string, { budgetMs = 20_000, runs = 1, atLeast = 0 } = {}): Promise<Ended[]> {
  return runApart(
    `
    ${stillClock}
    const { readdirSync, readFileSync } = require("fs");
    const { startReaping } = await source("process/reaper.ts");
    const { Owner } = await source("process/owner.ts");
    startReaping();
    const owner = new Owner(stillClock);
    // Told by a variable and not by the tree, which is what is being tested.
    const marked = () => readdirSync("/proc").filter((pid) => {
      if (!/^[0-9]+$/.test(pid) || Number(pid) === process.pid) return false;
      try {
        return !/^State:\\t[ZX]/m.test(readFileSync("/proc/" + pid + "/status", "latin1")) &&
          readFileSync("/proc/" + pid + "/environ", "latin1").includes(process.env.MARK);
      } catch { return false; }
    });
    const results = [];
    for (let run = 0; run < ${runs}; run++) {
      const command = ["sh", "-c", process.env.SCRIPT];
      let output = "";
      const receiveOutput = () => (chunk) => { output += Buffer.from(chunk).toString(); };
      const listeners = process.listenerCount("SIGCHLD");
      const child = owner.launch({ command, cwd: "/", env: { PATH: process.env.PATH, MARK: process.env.MARK }, receiveOutput });
      await until(() => output.includes("ready"));
      // One that is just becoming another program has no environment for a moment.
      await until(() => marked().length >= ${atLeast});
      const before = marked().length;
      const all = await owner.endAll(${budgetMs});
      // Twice: one that is just being started may be missed by one look.
      const left = Math.max(marked().length, marked().length);
      results.push({ all, before, left, listeners: process.listenerCount("SIGCHLD") - listeners });
      for (const pid of marked()) try { process.kill(Number(pid), "SIGKILL"); } catch {}
      child.closeOutput();
    }
    tell(results);`,
    { env: { ...env, SCRIPT: script } },
  ) as Promise<Ended[]>;
}

describe("all processes are ended", () => {
  test.each([
    ["the process itself", "echo ready; exec sleep 60", 1],
    ["its children", "sleep 60 & sleep 60 & echo ready; wait", 3],
    ["children whose parent has ended", "sleep 60 & echo ready", 1],
    ["children in a session of their own", "setsid sleep 60 & echo ready; wait", 2],
    ["daemons, forked twice and in a session of their own", "setsid sh -c 'sleep 60 & echo ready' & exit", 1],
    ["daemons of daemons", "setsid sh -c 'setsid sh -c \"setsid sleep 60 & echo ready\" & exit' & exit", 1],
    [
      "a deep chain",
      'sh -c \'sh -c "sh -c \\"sh -c \\\\\\"sleep 60; :\\\\\\"; :\\"; :"; :\' & sleep 0.1; echo ready; wait',
      6,
    ],
    ["those that ignore every signal they can", "trap '' TERM INT HUP QUIT CHLD; sleep 60 & echo ready; wait; wait", 2],
    ["those that are stopped", "sh -c 'kill -STOP $$' & sleep 60 & sleep 0.05; echo ready; kill -STOP $$", 3],
  ])(
    "%s",
    async (_who, script, atLeast) => {
      const [ended] = (await endAll(script, { atLeast })) as [Ended];
      expect(ended).toMatchObject({ all: true, left: 0, listeners: 0 });
    },
    20_000,
  );

  test("one that starts others without pause", async () => {
    const script = "i=0; echo ready; while [ $i -lt 3000 ]; do sleep 60 & i=$((i+1)); done; wait";
    for (const ended of await endAll(script, { runs: 5 })) expect(ended).toMatchObject({ all: true, left: 0 });
  }, 40_000);

  test("one that hands over to a new process again and again", async () => {
    // Each starts the next and ends: whoever looks at the tree sees the old one, or the new one, or in between none.
    const script = "hop() { [ $1 -eq 0 ] && exec sleep 60; hop $(($1 - 1)) & exit; }; echo ready; hop 5000";
    for (const ended of await endAll(script, { runs: 20 })) expect(ended).toMatchObject({ all: true, left: 0 });
  }, 40_000);
});

describe("the end", () => {
  test("is told at once when there is nothing to end", async () => {
    const script = `${stillClock}
      const { Owner } = await source("process/owner.ts");
      const listeners = process.listenerCount("SIGCHLD");
      const all = await new Owner(stillClock).endAll(20_000);
      tell({ all, timers, listeners: process.listenerCount("SIGCHLD") - listeners });`;
    expect(await runApart(script)).toEqual({ all: true, timers: 0, listeners: 0 });
  });

  test("is not claimed when the budget is used up", async () => {
    const [ended] = (await endAll("echo ready; exec sleep 60", { budgetMs: 0 })) as [Ended];
    expect(ended).toMatchObject({ all: false, listeners: 0 });
  });
});

describe("while it cannot be told whose a process is", () => {
  test("it is looked at again, and ended once it is a member", async () => {
    const { pid } = start(["sleep", "60"]);
    const undecided = { members: [], undecided: [pid] };
    const looks: Look[] = [undecided, undecided, { members: [pid], undecided: [] }];
    expect(await endAllProcesses(systemClock, 20_000, () => looks.shift() ?? { members: [pid], undecided: [] })).toBe(
      true,
    );
    expect(isAlive(pid)).toBe(false);
  });

  test("it is left alone once it is a stranger", async () => {
    const { pid } = start(["sleep", "60"]);
    const looks: Look[] = [{ members: [], undecided: [pid] }];
    expect(await endAllProcesses(systemClock, 20_000, () => looks.shift() ?? { members: [], undecided: [] })).toBe(
      true,
    );
    expect(isAlive(pid)).toBe(true);
  });

  test("the end is not claimed, and the log names it when the budget is used up", async () => {
    const { lines, release } = catchLines();
    try {
      const { pid } = start(["sleep", "60"]);
      expect(await endAllProcesses(systemClock, 20, () => ({ members: [], undecided: [pid] }))).toBe(false);
      expect(lines).toEqual([
        `whose these processes are could not be told within 20 ms, so they were left alone: ${pid}`,
      ]);
    } finally {
      release();
    }
  });
});
