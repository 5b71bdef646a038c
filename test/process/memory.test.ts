import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Clock } from "../../src/clock.ts";
import { MemoryMeter } from "../../src/process/memory.ts";
import { descendantsOf } from "../../src/process/tree.ts";
import { waitUntil, within } from "../support/within.ts";
import {
  type Child,
  endChildren,
  isAlive,
  openDescriptors,
  start,
  startShell,
  statusOf,
  systemPath,
} from "./children.ts";

afterEach(endChildren);

/** Time that passes only when told. */
function handClock(): Clock & { ms: number } {
  return {
    ms: 0,
    now() {
      return this.ms;
    },
    epoch: () => 0,
    after: () => () => {},
  };
}

const later = 1000;

function meterBelow({ pid }: Child, clock = handClock()): MemoryMeter {
  return new MemoryMeter(clock, () => descendantsOf(pid));
}

/** A shell below which processes take memory: `eat 50 &` takes 50 MB and says so. */
function startEaters(script: string): Child {
  const eat = `const bytes = Buffer.alloc(Number(process.argv[1]) << 20, 1);
    console.log("full"); setInterval(() => bytes.length, 60000)`;
  return startShell(`eat() { "$BUN" -e '${eat}' $1; }\n${script}`, {
    env: { PATH: systemPath, BUN: process.execPath },
  });
}

function linesOf(child: Child): number {
  return child.output().split("\n").length - 1;
}

describe("the memory of the processes below a root", () => {
  test("is nothing while there are none", () => {
    const child = startShell("exec sleep 60");
    expect(meterBelow(child).sample()).toBe(0);
  });

  test("is at least 1 MB once one was seen", async () => {
    const child = startShell("sleep 60 & echo; wait");
    await waitUntil("the process is there", () => linesOf(child) === 1);
    expect(meterBelow(child).sample()).toBeGreaterThanOrEqual(1);
  });

  test("is the peak of a child that took 50 MB, in whole MB", async () => {
    const child = startEaters("eat 0 & wait");
    await waitUntil("the process is full", () => linesOf(child) === 1);
    const base = meterBelow(child).sample();
    const other = startEaters("eat 50 & wait");
    await waitUntil("the process is full", () => linesOf(other) === 1);
    const used = meterBelow(other).sample();
    expect(Number.isInteger(used)).toBe(true);
    expect(used - base).toBeWithin(40, 70);
  });

  test("is the sum of all, descendants of descendants too", async () => {
    const child = startEaters("eat 50 & (eat 50; :) & wait");
    await waitUntil("both are full", () => linesOf(child) === 2);
    const both = meterBelow(child).sample();
    const single = startEaters("eat 50 & wait");
    await waitUntil("it is full", () => linesOf(single) === 1);
    const one = meterBelow(single).sample();
    expect(both).toBeWithin(one * 2 - 20, one * 2 + 20);
  });

  test("does not count the root itself", async () => {
    const child = startShell(
      `exec "${process.execPath}" -e 'Buffer.alloc(50 << 20, 1); console.log("full"); setInterval(() => {}, 60000)'`,
    );
    await waitUntil("it is full", () => linesOf(child) === 1);
    expect(meterBelow(child).sample()).toBe(0);
  });

  test("never goes down: neither when memory is given back nor when the process ends", async () => {
    const clock = handClock();
    const child = startEaters("eat 50 & echo $!; wait");
    await waitUntil("the process is full", () => linesOf(child) === 2);
    const meter = meterBelow(child, clock);
    const peak = meter.sample();
    const eater = Number(child.output().match(/^\d+$/m)?.[0]);
    process.kill(eater, "SIGKILL");
    await waitUntil("the process has ended", () => !isAlive(eater));
    for (const _ of [1, 2]) {
      clock.ms += later;
      expect(meter.sample()).toBe(peak);
    }
    meter.watch(child.pid);
    expect(meter.sample()).toBe(peak);
  });

  test("shows what a process takes between two looks, and one that is new", async () => {
    const clock = handClock();
    const gate = join(mkdtempSync(join(tmpdir(), "memory-")), "gate");
    const child = startEaters(`mkfifo ${gate}; sleep 60 & echo; read go < ${gate}; eat 50 & wait`);
    await waitUntil("the first process is there", () => linesOf(child) >= 1);
    const meter = meterBelow(child, clock);
    const first = meter.sample();
    expect(first).toBeLessThan(40);
    writeFileSync(gate, "go\n");
    await waitUntil("the second is full", () => linesOf(child) === 2);
    rmSync(dirname(gate), { recursive: true });
    clock.ms += later;
    expect(meter.sample()).toBeGreaterThan(first + 40);
  });

  test("includes a process from its start on, when told of it", async () => {
    const clock = handClock();
    const root = startShell("exec sleep 60");
    const meter = meterBelow(root, clock);
    expect(meter.sample()).toBe(0);
    const eater = start([
      process.execPath,
      "-e",
      'Buffer.alloc(50 << 20, 1); console.log("full"); setInterval(() => {}, 60000)',
    ]);
    await waitUntil("it is full", () => linesOf(eater) === 1);
    meter.watch(eater.pid);
    expect(meter.sample()).toBeGreaterThan(40);
  });

  test("includes, a moment later, also what that process has started", async () => {
    const clock = handClock();
    const child = startEaters("eat 50 & wait");
    await waitUntil("it is full", () => linesOf(child) === 1);
    const meter = meterBelow(child, clock);
    meter.watch(child.pid);
    const first = meter.sample();
    clock.ms += later;
    expect(meter.sample()).toBeGreaterThan(first + 40);
  });
});

test("the meter leaves no descriptor behind for processes that have ended", async () => {
  const clock = handClock();
  const root = startShell("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 60 & done; echo; read go; wait");
  await waitUntil("the processes are there", () => linesOf(root) === 1);
  const before = openDescriptors();
  const meter = meterBelow(root, clock);
  meter.sample();
  root.signalGroup("SIGKILL");
  await within(2000, "the end of the processes", root.exited);
  for (const _ of [1, 2, 3]) {
    clock.ms += later;
    meter.sample();
  }
  await waitUntil("the descriptors are closed", () => openDescriptors() <= before);
  for (let at = 0; at < 20; at++) meter.watch(root.pid);
  expect(openDescriptors()).toBeLessThanOrEqual(before);
});

test("a process taken up twice costs one descriptor, and is counted once", async () => {
  // Stopped: one that is still starting takes more from look to look.
  const child = startShell("kill -STOP $$");
  await waitUntil("it has stopped", () => statusOf(child.pid)?.includes("State:\tT") ?? false);
  const before = openDescriptors();
  const meter = new MemoryMeter(handClock(), () => [child.pid, child.pid]);
  meter.watch(child.pid);
  const once = meter.sample();
  for (let at = 0; at < 20; at++) meter.watch(child.pid);
  expect(meter.sample()).toBe(once);
  expect(openDescriptors()).toBe(before + 1);
  meter.close();
  expect(openDescriptors()).toBe(before);
});
