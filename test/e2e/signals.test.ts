import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { descendantsOf, isRunning } from "../../src/process/tree.ts";
import { isBeyondQemu, isMusl } from "../support/target.ts";
import { waitUntil } from "../support/within.ts";
import { startWithExtensions } from "./support/extensions.ts";
import { type Init, isRoot, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

const asPid1 = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

const statusOf = (pid: number) => readFileSync(`/proc/${pid}/status`, "latin1");

async function ready(command: readonly string[], options = {}): Promise<Init> {
  const init = startInit(command, options);
  await init.double.waitForReady();
  return init;
}

describe.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const)("%s", (signal) => {
  test("ends an idle init with 0, and is no fault", async () => {
    const init = await ready(runFixture("echoes.ts"));
    expect(await init.stop(signal)).toBe(0);
    expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready"]);
  });

  test("ends init during the init phase, without a word to LocalStack", async () => {
    const init = startInit(["sh", "-c", "echo up; exec sleep 600"]);
    await waitUntil("the runtime is up", () => init.stdout.includes("up"));
    expect(await init.stop(signal)).toBe(0);
    expect(init.double.callbacks).toEqual([]);
  });

  test("in an invocation sends its logs, and an error that says why there is no result", async () => {
    const init = await ready(runFixture("does-what-the-event-says.ts"));
    const id = await init.send('{"print":"working\\n","hang":true}');
    await waitUntil("the function works", () => init.stdout.includes("working"));
    expect(await init.stop(signal)).toBe(0);
    expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready", "logs", "error"]);
    expect(init.double.callbacks[1]?.text).toContain("working");
    expect(JSON.parse(init.double.callbacks[2]?.text ?? "")).toEqual({
      errorMessage: `RequestId: ${id} Error: The execution environment was stopped before the invocation had ended`,
      errorType: "Sandbox.Failure",
    });
  });
});

test.skipIf(isBeyondQemu("signals"))(
  "a request to end is obeyed from the moment it is heard, and nothing is told",
  async () => {
    const init = startInit(["sleep", "600"]);
    const sigterm = 1n << 14n;
    const heard = () => BigInt(`0x${/^SigCgt:\s+(\w+)/m.exec(statusOf(init.process.pid))?.[1]}`);
    await waitUntil("SIGTERM is heard", () => (heard() & sigterm) !== 0n);
    expect(await init.stop("SIGTERM")).toBe(0);
    expect([init.double.callbacks, init.stdout, init.stderr]).toEqual([[], "", ""]);
  },
);

test("a second signal changes nothing", async () => {
  const init = await ready(runFixture("does-what-the-event-says.ts"));
  await init.send('{"print":"working\\n","hang":true}');
  await waitUntil("the function works", () => init.stdout.includes("working"));
  init.signal("SIGTERM");
  expect(await init.stop("SIGTERM")).toBe(0);
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready", "logs", "error"]);
});

test.skipIf(!isRoot || isBeyondQemu("orphans"))(
  "a second SIGINT waits for nobody, and leaves nobody behind",
  async () => {
    const world = startWithExtensions(runFixture("leaves-a-daemon.sh", ...runFixture("echoes.ts")), {
      a: { onShutdown: { ignore: true } },
    });
    const { init } = world;
    await init.double.waitForReady();
    const all = descendantsOf(init.process.pid);
    expect(all.length).toBeGreaterThanOrEqual(3);
    init.signal("SIGINT");
    await world.saw("a", "event", ({ text }) => String(text).includes("SHUTDOWN"));
    init.signal("SIGINT");
    expect(await init.exited()).toBe(130);
    await waitUntil("all processes have ended", () => all.every((pid) => !isRunning(pid)));
  },
);

describe("a signal that is no request to end", () => {
  /** All that end a process by default, by number. */
  const deadly = [4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 24, 25, 26, 27, 29, 30, 31, 34, 35, 50, 64];
  /** musl keeps this one to itself, and lets nobody ignore it. */
  const musls = 34;

  test.skipIf(isBeyondQemu("signals"))("changes nothing, whoever sends it", async () => {
    const init = await ready(runFixture("does-what-the-event-says.ts"));
    for (const signal of deadly.filter((one) => !isMusl || one !== musls)) {
      await Bun.spawn(["kill", `-${signal}`, String(init.process.pid)]).exited;
      expect((await init.invoke("{}")).kind).toBe("response");
    }
    expect(init.stderr).toBe("");
  });

  test.skipIf(!isRoot || isBeyondQemu("signals"))("changes nothing when the function sends it to PID 1", async () => {
    const kills = deadly.map((signal) => `kill -${signal} 1`).join("; ");
    const init = await ready(["sh", "-c", `${kills}; echo sent; exec "$@"`, "sh", ...runFixture("echoes.ts")], {
      prefix: asPid1,
    });
    expect((await init.invoke('"1"')).logs).toStartWith("sent\n");
    expect(init.stderr).toBe("");
  });
});

test("a result that is already there still reaches LocalStack", async () => {
  let told = false;
  const init = await ready(runFixture("echoes.ts"), {
    misbehave({ kind }: { kind: string }) {
      // LocalStack is late with its answer to the logs: the signal comes before the result was sent.
      if (kind !== "logs" || told) return undefined;
      told = true;
      init.signal("SIGTERM");
      return "reset";
    },
  });
  await init.send('"result"');
  expect(await init.exited()).toBe(0);
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready", "logs", "response"]);
});

test.skipIf(!isRoot)("PID 1 ends by SIGTERM too", async () => {
  const init = await ready(runFixture("echoes.ts"), { prefix: asPid1 });
  expect(await init.stop()).toBe(0);
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready"]);
});

test("a failed init that LocalStack stops at once still ends with 1", async () => {
  const init = startInit(runFixture("exits-at-init.sh", "3"), {
    misbehave({ kind }) {
      if (kind === "status error") init.signal("SIGTERM");
      return undefined;
    },
  });
  expect(await init.exited()).toBe(1);
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
});
