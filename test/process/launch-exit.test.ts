import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Exit, runtimeExitFault } from "../../src/errors.ts";
import { waitUntil, within } from "../support/within.ts";
import { endChildren, isAlive, startShell } from "./children.ts";

afterEach(endChildren);

const exitOf = (script: string): Promise<Exit> => within(5000, `the end of: ${script}`, startShell(script).exited);

describe("exit statuses", () => {
  test("each of the 256 is told as it was given", async () => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    for (let from = 0; from < codes.length; from += 32) {
      const batch = codes.slice(from, from + 32);
      expect(await Promise.all(batch.map((code) => exitOf(`exit ${code}`)))).toEqual(batch.map((code) => ({ code })));
    }
  }, 30_000);

  test("a shell that tells of a killed child by status 137 is not mistaken for a killed process", async () => {
    expect(await exitOf("sh -c 'kill -9 $$'; exit $?")).toEqual({ code: 137 });
  });
});

describe("signals", () => {
  const named: [number: number, text: string][] = [
    [1, "hangup"],
    [2, "interrupt"],
    [3, "quit"],
    [4, "illegal instruction"],
    [5, "trace/breakpoint trap"],
    [6, "aborted"],
    [7, "bus error"],
    [8, "floating point exception"],
    [9, "killed"],
    [10, "user defined signal 1"],
    [11, "segmentation fault"],
    [12, "user defined signal 2"],
    [13, "broken pipe"],
    [14, "alarm clock"],
    [15, "terminated"],
  ];
  const numbered = [16, 24, 25, 26, 27, 29, 30, 31, 34, 35, 48, 64].map((n): [number, string] => [n, `signal ${n}`]);

  test.each([...named, ...numbered])("a process ended by signal %d ended by `signal: %s`", async (number, text) => {
    const exit = await exitOf(`ulimit -c 0; kill -${number} $$; sleep 10`);
    expect(runtimeExitFault(exit)).toEqual({
      type: "Runtime.ExitError",
      reason: `Runtime exited with error: signal: ${text}`,
    });
  });
});

describe("the exit notice", () => {
  test.each([
    ["in its own group", "sleep 60 & echo $!; exit 3"],
    ["in a session of its own", "setsid sleep 60 & echo $!; exit 3"],
  ])("comes although a descendant %s holds the output open", async (_where, script) => {
    const child = startShell(script);
    expect(await within(2000, "the exit notice", child.exited)).toEqual({ code: 3 });
    await child.drain();
    const descendant = Number(child.output());
    expect(isAlive(descendant)).toBe(true);
    process.kill(descendant, "SIGKILL");
  });

  test("leaves no zombie behind", async () => {
    const child = startShell("exit 0");
    await within(2000, "the exit notice", child.exited);
    expect(() => readFileSync(`/proc/${child.pid}/stat`)).toThrow();
  });

  test("is never lost when many processes end at once", async () => {
    const children = Array.from({ length: 64 }, (_, at) => startShell(`exit ${at}`));
    const exits = await within(10_000, "64 exit notices", Promise.all(children.map(({ exited }) => exited)));
    expect(exits).toEqual(children.map((_, code) => ({ code })));
  });
});

describe("a signal to the group", () => {
  test("reaches the processes the first one started", async () => {
    const child = startShell("sleep 60 & echo $!; wait");
    await waitUntil("the descendant is there", () => child.output().endsWith("\n"));
    child.signalGroup("SIGKILL");
    expect(await within(2000, "the exit notice", child.exited)).toEqual({ signal: "SIGKILL" });
    await waitUntil("the descendant has ended", () => !isAlive(Number(child.output())));
  });

  test("reaches what is left of the group when the first one has ended", async () => {
    const child = startShell("sleep 60 & echo $!");
    await within(2000, "the exit notice", child.exited);
    await child.drain();
    expect(isAlive(Number(child.output()))).toBe(true);
    child.signalGroup("SIGKILL");
    await waitUntil("the descendant has ended", () => !isAlive(Number(child.output())));
  });

  test("does nothing when nobody is left", async () => {
    const child = startShell("exit 0");
    await within(2000, "the exit notice", child.exited);
    expect(() => child.signalGroup("SIGKILL")).not.toThrow();
  });
});
