import { describe, expect, test } from "bun:test";
import { closeSync, readFileSync, readSync, writeSync } from "node:fs";
import { openPipe, unreadBytes } from "../../src/process/libc.ts";

function flagsOf(fd: number): number {
  return Number.parseInt(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1").match(/^flags:\s+(\d+)/m)?.[1] ?? "", 8);
}

describe("a pipe", () => {
  const nonBlocking = 0o4000;
  const closeOnExec = 0o2000000;

  test("has a read end that never blocks and a write end that does, and no child inherits either", () => {
    const { readEnd, writeEnd } = openPipe(65_536);
    expect([flagsOf(readEnd) & nonBlocking, flagsOf(writeEnd) & nonBlocking]).toEqual([nonBlocking, 0]);
    expect([flagsOf(readEnd) & closeOnExec, flagsOf(writeEnd) & closeOnExec]).toEqual([closeOnExec, closeOnExec]);
    closeSync(readEnd);
    closeSync(writeEnd);
  });

  test("tells how many bytes stand in it", () => {
    const { readEnd, writeEnd } = openPipe(65_536);
    const seen = [unreadBytes(readEnd)];
    for (const size of [1, 4096, 60_000]) {
      writeSync(writeEnd, Buffer.alloc(size));
      seen.push(unreadBytes(readEnd));
      readSync(readEnd, Buffer.alloc(size));
    }
    seen.push(unreadBytes(readEnd));
    expect(seen).toEqual([0, 1, 4096, 60_000, 0]);
    closeSync(readEnd);
    closeSync(writeEnd);
  });
});

// The compiler may move the memory of a small typed array once a function is hot: system calls then write elsewhere.
test("system calls still give the right numbers when their callers have been compiled", async () => {
  for (let round = 0; round < 20_000; round++) {
    const { readEnd, writeEnd } = openPipe(65_536);
    const size = round % 7;
    if (size > 0) writeSync(writeEnd, Buffer.from("1234567"), 0, size);
    const unread = unreadBytes(readEnd);
    if (unread !== size) throw new Error(`round ${round}: ${size} bytes stand in the pipe, not ${unread}`);
    closeSync(readEnd);
    closeSync(writeEnd);
    // The compiler takes over between two turns.
    if (round % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}, 30_000);
