/**
 * What a process wrote before it answered belongs to that invocation (`docs/contract/decisions.md 18`): a child writes,
 * then tells how much it has written so far, and from that moment on a drain must bring all of it.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { within } from "../support/within.ts";
import { type Child, endChildren, start, startBun, systemPath } from "./children.ts";

afterEach(endChildren);

/** Writes random amounts to both streams in each of many rounds, and after each tells the sum and waits for an answer. */
const writer = `
  const { existsSync, renameSync, writeFileSync, writeSync } = require("fs");
  const [rounds, max, where] = process.env.TASK.split(" ");
  let state = process.pid, sum = 0;
  const random = (below) => Math.floor((state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 4294967296 * below);
  const write = (fd, size) => { for (let left = Buffer.alloc(size, 120); left.length > 0;) {
    const written = writeSync(fd, left); sum += written; left = left.subarray(written); } };
  const sizes = [1, 1, 100, 100, 4096, 5000, 65536, 200000].map((size) => Math.min(size, Number(max)));
  for (let round = 0; round < Number(rounds); round++) {
    for (let part = random(6); part >= 0; part--) write(1 + random(2), 1 + random(sizes[random(sizes.length)]));
    if (where.startsWith("http:")) { await (await fetch(where + sum)).text(); continue; }
    writeFileSync(where + "/telling", String(sum));
    renameSync(where + "/telling", where + "/told-" + round);
    while (!existsSync(where + "/go-on-" + round)) Bun.sleepSync(1);
  }`;

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

interface Tally {
  rounds: number;
  /** Rounds in which bytes were missing when they were counted. */
  incomplete: number;
}

/** Told over HTTP, as runtimes do: output and answer are heard of in any order. */
async function countOverHttp(rounds: number, children: number): Promise<Tally> {
  const tally: Tally = { rounds: 0, incomplete: 0 };
  const started: Child[] = [];
  const received = new Array<number>(children).fill(0);
  const servers = Array.from({ length: children }, (_, at) =>
    Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch({ url }) {
        const written = Number(url.slice(url.lastIndexOf("/") + 1));
        await started[at]?.drain();
        tally.rounds++;
        if ((received[at] as number) < written) tally.incomplete++;
        return new Response("go on");
      },
    }),
  );
  for (const [at, { url }] of servers.entries()) {
    const receiveOutput = () => (chunk: Uint8Array) => {
      received[at] = (received[at] as number) + chunk.length;
      // A receiver that takes its time: the child writes on and tells meanwhile, and may be heard before it is read.
      spin(0.2);
    };
    const env = { PATH: systemPath, TASK: `${rounds / children} 200000 ${url}` };
    started.push(start([process.execPath, "-e", writer], { env, receiveOutput }));
  }
  const exits = await within(60_000, "the rounds", Promise.all(started.map(({ exited }) => exited)));
  expect(exits).toEqual(started.map(() => ({ code: 0 })));
  for (const server of servers) await server.stop(true);
  expect(received.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(rounds * 1000);
  return tally;
}

/** Told while the event loop stands still: nothing can have been read when the child is heard. */
async function countWhileBusy(rounds: number, drain: (child: Child) => unknown): Promise<Tally> {
  const tally: Tally = { rounds: 0, incomplete: 0 };
  const folder = mkdtempSync(join(tmpdir(), "drain-"));
  try {
    const child = startBun(writer, { TASK: `${rounds} 8000 ${folder}` });
    for (let round = 0; round < rounds; round++) {
      blockUntil(join(folder, `told-${round}`));
      await drain(child);
      const written = Number(readFileSync(join(folder, `told-${round}`), "utf8"));
      tally.rounds++;
      if (child.receivedBytes() < written) tally.incomplete++;
      await child.drain();
      writeFileSync(join(folder, `go-on-${round}`), "");
    }
    expect(await within(5000, "the end of the writer", child.exited)).toEqual({ code: 0 });
  } finally {
    rmSync(folder, { recursive: true });
  }
  return tally;
}

function blockUntil(path: string): void {
  const deadline = performance.now() + 50_000;
  while (!existsSync(path)) {
    if (performance.now() > deadline) throw new Error(`${path} did not appear`);
    Bun.sleepSync(1);
  }
}

describe("after a drain nothing is missing of what was written before the answer", () => {
  test.each([1, 4])(
    "when %d processes write and answer, thousands of times",
    async (children) => {
      expect(await countOverHttp(3000, children)).toEqual({ rounds: 3000, incomplete: 0 });
    },
    90_000,
  );

  test("when init was busy while the process wrote", async () => {
    expect(await countWhileBusy(300, (child) => child.drain())).toEqual({ rounds: 300, incomplete: 0 });
  }, 90_000);
});

test("without a drain bytes are missing each time: the tests above can fail", async () => {
  expect(await countWhileBusy(50, () => undefined)).toEqual({ rounds: 50, incomplete: 50 });
}, 90_000);
