import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { bearing, giveBackScore, scoreOf, takeScore } from "../../src/process/oom-score.ts";
import { endChildren, runApart, start, startShell } from "./children.ts";

afterEach(endChildren);

const ownScore = Number(readFileSync("/proc/self/oom_score_adj", "latin1"));

describe("a score", () => {
  test("is above init's own, and each one's alone until it is given back", () => {
    const taken = [takeScore(), takeScore(), takeScore()];
    expect(new Set(taken).size).toBe(3);
    for (const score of taken) expect(score).toBeGreaterThan(ownScore);
    giveBackScore(taken[1]);
    expect(takeScore()).toBe(taken[1] as number);
    for (const score of taken) giveBackScore(score);
  });

  test("is borne by what is started, by nothing before and nothing after", () => {
    const score = takeScore();
    const seen = bearing(score, () => scoreOf("self"));
    expect([seen, scoreOf("self")]).toEqual([score, ownScore]);
    giveBackScore(score);
  });

  test("is given up also when the start fails", () => {
    const score = takeScore();
    const fails = () => {
      throw new Error("no such program");
    };
    expect(() => bearing(score, fails)).toThrow("no such program");
    expect(scoreOf("self")).toBe(ownScore);
    giveBackScore(score);
  });

  test("is nobody's once all are taken: processes start with init's own", async () => {
    const script = `
      const { bearing, scoreOf, takeScore } = await source("process/oom-score.ts");
      const own = scoreOf("self");
      let count = 0;
      while (takeScore() !== undefined) count++;
      tell([count > 0, bearing(undefined, () => scoreOf("self")) === own]);`;
    expect(await runApart(script)).toEqual([true, true]);
  });

  test("is that of a process that is gone no more", () => {
    expect(scoreOf(2 ** 22 + 1)).toBeUndefined();
  });
});

describe("a launched process", () => {
  test("has a score above init's, and so has what it forks with its first breath", async () => {
    const child = startShell("cat /proc/self/oom_score_adj & cat /proc/self/oom_score_adj; wait");
    await child.exited;
    await child.drain();
    const scores = child.output().trim().split("\n").map(Number);
    expect(scores).toHaveLength(2);
    for (const score of scores) expect(score).toBeGreaterThan(ownScore);
    expect(scoreOf("self")).toBe(ownScore);
  });

  test.skipIf(process.getuid?.() !== 0)("has it although init has given up root's rights since", async () => {
    const script = `
      const { systemClock } = await source("clock.ts");
      const { Owner } = await source("process/owner.ts");
      const { scoreOf } = await source("process/oom-score.ts");
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
      const child = new Owner(systemClock).launch({ command: ["sleep", "60"], cwd: "/", env: { PATH: process.env.PATH }, receiveOutput: () => () => {} });
      const seen = [scoreOf(child.pid) > scoreOf("self"), scoreOf("self")];
      child.signalGroup("SIGKILL");
      tell(seen);`;
    const [isAbove, own] = (await runApart(script)) as [boolean, number];
    // The Bun of the script bears this test's score itself.
    expect([isAbove, own]).toEqual([true, scoreOf(start(["sleep", "60"]).pid) as number]);
  });
});
