import { afterEach, describe, expect, test } from "bun:test";
import { LaunchError } from "../../src/process/launch.ts";
import { waitUntil, within } from "../support/within.ts";
import { endChildren, openDescriptors, owner, start, startShell } from "./children.ts";

afterEach(endChildren);

const launches = 300;

/** Descriptors of Bun's own, opened once at the first use of a process or a pipe. */
async function warmUp(): Promise<number> {
  await within(5000, "a first child", startShell("echo").exited);
  await endChildren();
  return openDescriptors();
}

async function expectNoneLeft(before: number): Promise<void> {
  await waitUntil(`no more than ${before} descriptors are open`, () => openDescriptors() <= before);
  expect(openDescriptors()).toBe(before);
}

describe(`${launches} launches leave no descriptor behind`, () => {
  test("when the processes end and their output is read", async () => {
    const before = await warmUp();
    for (let at = 0; at < launches; at++) {
      const child = startShell("echo out; echo err >&2");
      await within(5000, "the end of a child", child.exited);
      await child.drain();
      expect(child.output()).toBe("out\nerr\n");
    }
    await expectNoneLeft(before);
  }, 30_000);

  test("when descendants hold the output open, and it is given up", async () => {
    const before = await warmUp();
    for (let at = 0; at < launches; at++) {
      const child = startShell("sleep 60 & exit 0");
      await within(5000, "the end of a child", child.exited);
      child.closeOutput();
      child.signalGroup("SIGKILL");
    }
    await expectNoneLeft(before);
  }, 30_000);

  test("when the output is given up while bytes stand in it", async () => {
    const before = await warmUp();
    for (let at = 0; at < launches; at++) {
      const child = start(["sh", "-c", "head -c 200000 /dev/zero"]);
      if (at % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      const drained = child.drain();
      child.closeOutput();
      await within(5000, "a drain of a pipe that was given up", Promise.resolve(drained));
      child.signalGroup("SIGKILL");
      await within(5000, "the end of a child", child.exited);
    }
    await expectNoneLeft(before);
  }, 30_000);

  test("when nothing can be started", async () => {
    const before = await warmUp();
    const spec = { command: ["/no/such/program"], cwd: "/", env: {}, receiveOutput: () => () => {} };
    for (let at = 0; at < launches; at++) expect(() => owner.launch(spec)).toThrow(LaunchError);
    await expectNoneLeft(before);
  }, 30_000);
});

test("outputs given up close no descriptor of anybody else", async () => {
  await warmUp();
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => new Response(request.body) });
  try {
    for (let at = 0; at < 100; at++) {
      const child = startShell("sleep 60 & echo hello");
      const echo = fetch(server.url, { method: "POST", body: "x".repeat(10_000), keepalive: false });
      await within(5000, "the end of a child", child.exited);
      child.closeOutput();
      child.closeOutput();
      child.signalGroup("SIGKILL");
      expect((await within(5000, "an answer", (await echo).text())).length).toBe(10_000);
    }
  } finally {
    await server.stop(true);
  }
}, 30_000);
