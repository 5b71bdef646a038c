import { afterEach, describe, expect, test } from "bun:test";
import { endChildren, runApart } from "./children.ts";

afterEach(endChildren);

/** A Bun that plays init: reaping, with `launch(script)` and `zombies()`. */
const init = `
  const { readFileSync, readdirSync } = require("fs");
  const { startReaping } = await source("process/reaper.ts");
  const { systemClock } = await source("clock.ts");
  const { Owner } = await source("process/owner.ts");
  const statOf = (pid) => {
    try { return readFileSync("/proc/" + pid + "/stat", "latin1").split(") ")[1].split(" "); } catch { return []; }
  };
  const zombies = () => readdirSync("/proc").filter((pid) => {
    const [state, parent] = /^[0-9]+$/.test(pid) ? statOf(pid) : [];
    return state === "Z" && Number(parent) === process.pid;
  }).length;
  let output = "";
  const receiveOutput = () => (chunk) => { output += Buffer.from(chunk).toString(); };
  const owner = new Owner(systemClock);
  const launch = (script) => owner.launch({ command: ["sh", "-c", script], cwd: "/", env: { PATH: process.env.PATH }, receiveOutput });
`;

describe("orphans", () => {
  test("become children of init, also from a session of their own", async () => {
    const script = `${init}
      startReaping();
      await launch("setsid sh -c 'setsid sleep 60 & echo $!' & wait").exited;
      await until(() => output.endsWith("\\n"));
      const orphan = Number(output);
      await until(() => Number(statOf(orphan)[1]) === process.pid);
      process.kill(orphan, "SIGKILL");
      await until(() => statOf(orphan).length === 0);
      tell("reaped");`;
    expect(await runApart(script)).toBe("reaped");
  });

  test("are all reaped when many end at once", async () => {
    const script = `${init}
      startReaping();
      const child = launch("for i in $(seq 200); do (sleep 0.1 & echo $!); done");
      await child.exited;
      await child.drain();
      const orphans = output.split("\\n").filter(Boolean);
      await until(() => orphans.every((pid) => statOf(pid).length === 0));
      tell([orphans.length, zombies()]);`;
    expect(await runApart(script)).toEqual([200, 0]);
  });

  test("stay zombies without reaping: the tests above can fail", async () => {
    const script = `${init}
      const { becomeSubreaper } = await source("process/libc.ts");
      const agreed = becomeSubreaper();
      await launch("sleep 0.05 & exit").exited;
      await until(() => zombies() > 0);
      tell([agreed, zombies()]);`;
    expect(await runApart(script)).toEqual([true, 1]);
  });
});

describe("the exit status of a process init started", () => {
  test("is never taken by the reaping of orphans that end at the same time", async () => {
    const script = `${init}
      startReaping();
      const children = Array.from({ length: 200 }, (_, at) => launch("(exit 9 &); (sleep 0 &); exit " + at));
      const exits = await Promise.all(children.map(({ exited }) => exited));
      await until(() => zombies() === 0);
      tell(exits.map(({ code }, at) => code === at).filter((isRight) => !isRight).length);`;
    expect(await runApart(script)).toBe(0);
  }, 20_000);

  test("is told although init was busy while the process ended", async () => {
    const script = `${init}
      startReaping();
      const results = [];
      for (let round = 0; round < 20; round++) {
        const children = [launch("exit 7"), launch("kill -9 $$"), launch("(sleep 0 &); exit 0")];
        Bun.sleepSync(5);
        results.push(await Promise.all(children.map(({ exited }) => exited)));
      }
      tell(results.every((exits) => JSON.stringify(exits) === '[{"code":7},{"signal":"SIGKILL"},{"code":0}]'));`;
    expect(await runApart(script)).toBe(true);
  }, 20_000);
});
