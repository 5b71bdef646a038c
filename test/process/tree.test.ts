import { afterEach, describe, expect, test } from "bun:test";
import { childrenOf, descendantsOf, isBecomingAnother, isRunning } from "../../src/process/tree.ts";
import { waitUntil, within } from "../support/within.ts";
import { type Child, endChildren, isAlive, runApart, start, startShell, statusOf } from "./children.ts";

afterEach(endChildren);

/** The pids a script has told, one in each line. */
async function pidsTold(child: Child, count: number): Promise<number[]> {
  const told = () => child.output().split("\n").slice(0, -1);
  await waitUntil(`${count} pids are told`, () => told().length >= count);
  return told().map(Number);
}

const goneState = () => {
  const child = startShell("exit 0");
  return within(2000, "the end of a child", child.exited).then(() => child.pid);
};

describe("the children of a process", () => {
  test("are those it started, not theirs", async () => {
    const child = startShell("sh -c 'echo $$; sleep 60 & echo $!; wait' & sleep 60 & echo $!; wait");
    const [first, second, third] = (await pidsTold(child, 3)) as [number, number, number];
    const direct = childrenOf(child.pid);
    expect(direct).toHaveLength(2);
    const all = [first, second, third];
    expect(descendantsOf(child.pid).sort()).toEqual(all.sort());
    for (const pid of direct) expect(all).toContain(pid);
  });

  test("are none for a process without any, and for one that has ended", async () => {
    expect(childrenOf(start(["sleep", "60"]).pid)).toEqual([]);
    expect(childrenOf(await goneState())).toEqual([]);
    expect(descendantsOf(await goneState())).toEqual([]);
  });

  test("are told whichever thread started them", async () => {
    const script = `
      const worker = new Worker(URL.createObjectURL(new Blob([\`
        const { spawn } = require("node:child_process");
        postMessage(spawn("sleep", ["60"]).pid);
      \`])));
      worker.onmessage = async ({ data }) => {
        const { childrenOf } = await source("process/tree.ts");
        tell(childrenOf(process.pid).includes(data));
        process.kill(data);
      };`;
    expect(await runApart(script)).toBe(true);
  });

  test("are all told while threads of the process come and go", async () => {
    // Real threads that end at once, started through libc: a worker would live too long.
    const script = `
      const { dlopen, ptr } = require("bun:ffi");
      const libc = dlopen("libc.so.6", {
        dlsym: { args: ["ptr", "ptr"], returns: "ptr" },
        pthread_create: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
        pthread_detach: { args: ["u64"], returns: "i32" },
      }).symbols;
      const usleep = libc.dlsym(null, ptr(Buffer.from("usleep\\0")));
      const thread = new BigUint64Array(new ArrayBuffer(8));
      const address = ptr(thread);
      const { childrenOf } = await source("process/tree.ts");
      const { systemClock } = await source("clock.ts");
      const { Owner } = await source("process/owner.ts");
      const child = new Owner(systemClock).launch({ command: ["/bin/sleep", "60"], cwd: "/", env: {}, receiveOutput: () => () => {} });
      let missed = 0;
      for (let round = 0; round < 3000; round++) {
        for (let count = 0; count < 4; count++) {
          if (libc.pthread_create(address, null, usleep, count * 40) === 0) libc.pthread_detach(thread[0]);
        }
        if (!childrenOf(process.pid).includes(child.pid)) missed++;
      }
      child.signalGroup("SIGKILL");
      tell(missed);`;
    expect(await runApart(script)).toBe(0);
  }, 30_000);
});

describe("descendants", () => {
  test("come parents before children, without the root", async () => {
    const child = startShell("echo $$; sh -c 'echo $$; sh -c \"echo \\$\\$; sleep 60; :\"; :'; :");
    const [, second, third] = (await pidsTold(child, 3)) as [number, number, number];
    await waitUntil("the last one is there", () => descendantsOf(child.pid).length === 3);
    expect(descendantsOf(child.pid).slice(0, 2)).toEqual([second, third]);
  });

  test("include one that has ended but was not reaped", async () => {
    // `sleep` takes over from the shell and never reaps what the shell had started, which ends only then.
    const ends = `sh -c 'until [ "$(cat /proc/$PPID/comm)" = sleep ]; do :; done'`;
    const child = startShell(`${ends} & echo $!; exec sleep 60`);
    const [zombie] = (await pidsTold(child, 1)) as [number];
    await waitUntil("it has ended", () => statusOf(zombie)?.includes("State:\tZ") ?? false);
    expect(descendantsOf(child.pid)).toEqual([zombie]);
    expect(isRunning(zombie)).toBe(false);
  });
});

describe("a process runs", () => {
  test("while it sleeps, and while it is stopped", async () => {
    const { pid } = start(["sleep", "60"]);
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, "SIGSTOP");
    await waitUntil("it is stopped", () => statusOf(pid)?.includes("State:\tT") ?? false);
    expect(isRunning(pid)).toBe(true);
    expect(isAlive(pid)).toBe(true);
  });

  test("no more once it has ended, and if it never was", async () => {
    expect(isRunning(await goneState())).toBe(false);
    expect(isRunning(2 ** 22 + 1)).toBe(false);
  });

  test("also when its name looks like the fields behind it", async () => {
    const child = startShell("exec 3>/proc/self/comm; printf 'a) Z 1 (b' >&3; exec 3>&-; echo $$; read line");
    const stopped = startShell("printf '%s' 'x) Z 1' > /proc/$$/comm; echo $$; kill -STOP $$");
    for (const { pid, output } of [child, stopped]) {
      await waitUntil("it has its name", () => output() !== "");
      if (isAlive(pid)) expect(isRunning(pid)).toBe(true);
    }
    expect(isAlive(stopped.pid)).toBe(true);
  });
});

describe("a process that shows no variables", () => {
  test("has none, and is not becoming another program", async () => {
    const child = start(["env", "-i", "/bin/sh", "-c", "echo; /bin/sleep 60; :"]);
    await waitUntil("the shell is there", () => child.output() === "\n");
    expect(isBecomingAnother(child.pid)).toBe(false);
  });

  test("has ended, or is gone", async () => {
    expect(isBecomingAnother(await goneState())).toBe(false);
  });
});
