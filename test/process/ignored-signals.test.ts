import { afterEach, describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { endChildren, runApart, startBun } from "./children.ts";

afterEach(endChildren);

const sources = new URL("../../src/", import.meta.url).pathname;

/** By number: those without a name in Node.js too. */
const catchable = Array.from({ length: 64 }, (_, at) => at + 1).filter(
  (signal) => signal !== constants.signals.SIGKILL && signal !== constants.signals.SIGSTOP,
);
/** What `signals.ts` hears, what suspends a process or wakes it up, and what the C library keeps to itself. */
const heard = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGCHLD",
  "SIGCONT",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
] as const;
const known = new Set<number>([...heard.map((signal) => constants.signals[signal]), 32, 33]);
const deadly = catchable.filter((signal) => !known.has(signal));

/** Code that the compiler of the engine has to take up, with memory to collect. */
const work = `
  const work = () => {
    let kept = [];
    for (let round = 0; round < 200_000; round++) {
      kept.push({ round });
      if (kept.length > 1000) kept = kept.slice(500);
    }
    Bun.gc(true);
    return kept.length;
  };`;

describe("an init that ignores deadly signals", () => {
  test("lives on after each of them, and works", async () => {
    const script = `${work}
      const { ignoreDeadlySignals } = await source("process/ignored-signals.ts");
      ignoreDeadlySignals();
      const kill = Bun.spawn(["sh", "-c", ${JSON.stringify(deadly.map((n) => `kill -${n} $PPID`).join("; "))}]);
      await kill.exited;
      tell([kill.exitCode, work() > 0]);`;
    expect(await runApart(script)).toEqual([0, true]);
  });

  test("has children who ignore none", async () => {
    const script = `
      const { ignoreDeadlySignals } = await source("process/ignored-signals.ts");
      ignoreDeadlySignals();
      const child = Bun.spawn(["grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"], { stdout: "pipe" });
      tell(await new Response(child.stdout).text());`;
    expect(await runApart(script)).toBe("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  });

  test("ends all the same over a fault of its own", async () => {
    const child = startBun(`
      const { read } = require("bun:ffi");
      const { ignoreDeadlySignals } = await import("${sources}process/ignored-signals.ts");
      ignoreDeadlySignals();
      read.u8(16);
      setInterval(() => {}, 60_000);`);
    expect(await child.exited).toEqual({ signal: "SIGSEGV" });
  });
});

test.each(["SIGSEGV", "SIGUSR1", "SIGALRM"] as const)(
  "without that %s ends it: the tests above can fail",
  async (signal) => {
    const child = startBun(`process.kill(process.pid, "${signal}"); setInterval(() => {}, 60_000);`);
    expect(await child.exited).not.toEqual({ code: 0 });
  },
);
