import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endChildren, killProcessesWith, runApart } from "./children.ts";

const mark = `MARK=ownership-${process.pid}`;

afterEach(async () => {
  await endChildren();
  killProcessesWith(mark);
});

/** A Bun that plays init, with owners, and with processes of which it must keep its hands. */
const init = `
  const { readdirSync, readFileSync, writeFileSync } = require("fs");
  const { systemClock } = await source("clock.ts");
  const { startReaping } = await source("process/reaper.ts");
  const { Owner } = await source("process/owner.ts");
  startReaping();
  const statOf = (pid) => {
    try { return readFileSync("/proc/" + pid + "/stat", "latin1").split(") ")[1].split(" "); } catch { return ["gone"]; }
  };
  const runs = (pid) => !"ZX".includes(statOf(pid)[0]) && statOf(pid)[0] !== "gone";
  const isOrphan = (pid) => Number(statOf(pid)[1]) === process.pid;
  // Lets a shell run to its end: it tells pids, one a line.
  const pidsOf = async (owner, script, env = {}) => {
    let text = "";
    const receiveOutput = () => (chunk) => { text += Buffer.from(chunk).toString(); };
    const command = ["sh", "-c", script];
    const child = owner.launch({ command, cwd: "/", env: { PATH: process.env.PATH, MARK: process.env.MARK, ...env }, receiveOutput });
    await until(() => text.endsWith("end\\n"));
    return text.split("\\n").slice(0, -2).map(Number);
  };
  // Has it done by the shell that was there before init: what it starts and leaves is no owner's.
  const stranger = (script) => {
    writeFileSync(process.env.STRANGERS + "/do", script);
    return Number(readFileSync(process.env.STRANGERS + "/told", "latin1"));
  };
`;

/** Starts a shell in the background before it becomes init: it does what comes out of a pipe, script by script. */
const entrypoint = `
  mkfifo $STRANGERS/do $STRANGERS/told
  while todo=$(cat $STRANGERS/do); do sh -c "$todo" > $STRANGERS/told; done &`;

async function script(text: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "strangers-"));
  try {
    const env = { MARK: mark.slice("MARK=".length), STRANGERS: folder };
    return await runApart(`${init}\n${text}`, { env, entrypoint });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How a daemon can come to be: the shell tells the pid of what is left, and ends. */
const daemons: [how: string, shell: string][] = [
  ["whose parent has ended", "sleep 60 & echo $!; echo end; exit"],
  ["forked twice", "(sleep 60 & echo $!); echo end; exit"],
  ["in a session of its own", "setsid sleep 60 & echo $!; echo end; exit"],
  ["forked twice, in a session of its own", "setsid sh -c 'sleep 60 >/dev/null & echo $!' ; echo end; exit"],
  [
    "forked twice, in a session of its own, without a variable",
    "setsid env -i /bin/sh -c 'setsid /bin/sleep 60 >/dev/null & echo $!' ; echo end; exit",
  ],
];

describe("an orphan is its owner's", () => {
  test.each(daemons)("one %s", async (_how, shell) => {
    const text = `
      const owner = new Owner(systemClock);
      const [orphan] = await pidsOf(owner, ${JSON.stringify(shell)});
      await until(() => isOrphan(orphan));
      const before = runs(orphan);
      tell({ before, all: await owner.endAll(20_000), after: runs(orphan) });`;
    expect(await script(text)).toEqual({ before: true, all: true, after: false });
  });

  test.each(daemons)("one %s, and no other owner's", async (_how, shell) => {
    const text = `
      const [owner, other] = [new Owner(systemClock), new Owner(systemClock)];
      const [orphan] = await pidsOf(owner, ${JSON.stringify(shell)});
      const [neighbour] = await pidsOf(other, ${JSON.stringify(shell)});
      await until(() => isOrphan(orphan) && isOrphan(neighbour));
      const steps = [[await other.endAll(20_000), runs(orphan), runs(neighbour)]];
      steps.push([await owner.endAll(20_000), runs(orphan)]);
      tell(steps);`;
    expect(await script(text)).toEqual([
      [true, true, false],
      [true, false],
    ]);
  });

  test("also where no score is to be had, unless it has left both session and variables behind", async () => {
    const env = 'AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001"';
    const text = `
      const { takeScore } = await source("process/oom-score.ts");
      while (takeScore() !== undefined);
      const owner = new Owner(systemClock);
      const results = [];
      for (const shell of ${JSON.stringify(daemons.map(([, shell]) => shell))}) {
        const [orphan] = await pidsOf(owner, shell, { ${env} });
        await until(() => isOrphan(orphan));
        await owner.endAll(20_000);
        results.push(runs(orphan));
      }
      tell(results);`;
    expect(await script(text)).toEqual([false, false, false, false, true]);
  });

  test("also where no score is to be had and it becomes another program again and again", async () => {
    // Each time it has no variables for a moment.
    const text = `
      const { takeScore } = await source("process/oom-score.ts");
      while (takeScore() !== undefined);
      writeFileSync(process.env.STRANGERS + "/hop", 'exec sh "$0"');
      const results = [];
      for (let run = 0; run < 20; run++) {
        const owner = new Owner(systemClock);
        const shell = "setsid sh " + process.env.STRANGERS + "/hop & echo $!; echo end; exit";
        const [orphan] = await pidsOf(owner, shell, { AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001" });
        await until(() => isOrphan(orphan));
        results.push(await owner.endAll(20_000), runs(orphan));
        owner.dispose();
      }
      tell(results);`;
    expect(await script(text)).toEqual(Array.from({ length: 20 }, () => [true, false]).flat());
  });
});

test("what init kills before it ends at once includes one that becomes another program again and again", async () => {
  const text = `
    const { takeScore } = await source("process/oom-score.ts");
    const { killAllFamilies } = await source("process/ownership.ts");
    while (takeScore() !== undefined);
    writeFileSync(process.env.STRANGERS + "/hop", 'exec sh "$0"');
    const owner = new Owner(systemClock);
    const shell = "setsid sh " + process.env.STRANGERS + "/hop & echo $!; echo end; exit";
    let ended = 0;
    for (let run = 0; run < 20; run++) {
      const [orphan] = await pidsOf(owner, shell, { AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001" });
      await until(() => isOrphan(orphan));
      killAllFamilies();
      await until(() => !runs(orphan));
      ended++;
    }
    tell(ended);`;
  expect(await script(text)).toBe(20);
});

describe("a process is nobody's", () => {
  test.each([
    ["one that was there before started", "sleep 60 >/dev/null & echo $!"],
    ["is also in a session of its own", "setsid sleep 60 >/dev/null & echo $!"],
    ["was forked twice", "setsid sh -c 'sleep 60 >/dev/null & echo $!'"],
  ])("that %s", async (_what, shell) => {
    const text = `
      const before = stranger(${JSON.stringify(shell)});
      const owner = new Owner(systemClock);
      const [orphan] = await pidsOf(owner, "setsid sleep 60 & echo $!; echo end");
      const later = stranger(${JSON.stringify(shell)});
      await until(() => [before, later, orphan].every(isOrphan));
      const all = await owner.endAll(20_000);
      tell({ all, orphan: runs(orphan), before: runs(before), later: runs(later), mb: owner.memory.sample() });`;
    expect(await script(text)).toEqual({ all: true, orphan: false, before: true, later: true, mb: 0 });
  });

  test("and neither is the one that was there", async () => {
    const text = `
      const { childrenOf } = await source("process/tree.ts");
      const before = childrenOf(process.pid).filter(runs);
      const owner = new Owner(systemClock);
      await pidsOf(owner, "sleep 60 & echo $!; echo end");
      tell({ before: before.length, all: await owner.endAll(20_000), after: before.filter(runs).length });`;
    expect(await script(text)).toEqual({ before: 1, all: true, after: 1 });
  });

  test("and is reaped all the same when it ends", async () => {
    const text = `
      const pid = stranger("sleep 60 >/dev/null & echo $!");
      await until(() => isOrphan(pid));
      process.kill(pid, "SIGKILL");
      await until(() => statOf(pid)[0] === "gone");
      tell("reaped");`;
    expect(await script(text)).toBe("reaped");
  });
});

describe("memory", () => {
  test("counts an owner's orphans, and no stranger", async () => {
    const eat = `'${process.execPath}' -e 'Buffer.alloc(50 << 20, 1); console.log(process.pid); setInterval(() => {}, 60000)'`;
    const text = `
      stranger(${JSON.stringify(`${eat} > /dev/null & echo $!`)});
      let aheadMs = 0;
      const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
      const [owner, other] = [new Owner(clock), new Owner(clock)];
      const command = ["sh", "-c", ${JSON.stringify(`(setsid ${eat} &) ; exit`)}];
      let text = "";
      const receiveOutput = () => (chunk) => { text += Buffer.from(chunk).toString(); };
      await owner.launch({ command, cwd: "/", env: process.env, receiveOutput }).exited;
      await until(() => text.endsWith("\\n"));
      await until(() => isOrphan(Number(text)));
      const [orphan] = [Number(text)];
      // One that still works takes more from look to look.
      process.kill(orphan, "SIGSTOP");
      const threads = "/proc/" + orphan + "/task";
      await until(() => readdirSync(threads).every((thread) => statOf(orphan + "/task/" + thread)[0] === "T"));
      // The tree is walked only so often.
      aheadMs = 1000;
      const [mine, others] = [owner.memory.sample(), other.memory.sample()];
      const single = Math.ceil(Number(readFileSync("/proc/" + orphan + "/status", "latin1").match(/VmHWM:\\s+(\\d+)/)[1]) / 1024);
      await owner.endAll(20_000);
      tell([mine - single, others]);`;
    expect(await script(text)).toEqual([0, 0]);
  });
});
