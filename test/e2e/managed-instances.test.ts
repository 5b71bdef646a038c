/** Managed instances under LocalStack: several invocations at a time, and an environment that is not repaired. */
import { afterEach, expect, test } from "bun:test";
import { type Init, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

function start(concurrency: number, workers: number, env = {}): Init {
  return startInit(runFixture("serves-several-at-a-time.ts", String(workers)), {
    env: {
      AWS_LAMBDA_MAX_CONCURRENCY: String(concurrency),
      AWS_LAMBDA_INITIALIZATION_TYPE: "lambda-managed-instances",
      AWS_LAMBDA_LOG_FORMAT: "JSON",
      ...env,
    },
  });
}

/** Of each invocation, what it was told by, in order. */
function toldOf(init: Init, id: string): string[] {
  return init.double.callbacks.filter(({ requestId }) => requestId === id).map(({ kind }) => kind);
}

test("D1: as many invocations run together as the concurrency says, each told by its own log and result", async () => {
  const init = start(4, 4);
  await init.double.waitForReady();
  // Each waits in the function until all four are there.
  const ids = await Promise.all(Array.from({ length: 4 }, () => init.send('{"together":4}')));
  for (const id of ids) expect((await init.double.waitForResult(id)).kind).toBe("response");
  for (const id of ids) expect(toldOf(init, id)).toEqual(["logs", "response"]);
});

test("D2: one more waits for a free worker", async () => {
  const init = start(2, 2);
  await init.double.waitForReady();
  const first = await Promise.all([
    init.send('{"together":2,"sleepMs":300}'),
    init.send('{"together":2,"sleepMs":300}'),
  ]);
  const last = await init.send("{}");
  expect((await init.double.waitForResult(last)).kind).toBe("response");
  const order = init.double.callbacks.filter(({ kind }) => kind === "response").map(({ requestId }) => requestId);
  expect(order.slice(0, 2).sort()).toEqual(first.sort());
  expect(order.at(-1)).toBe(last);
});

test("more polls than the concurrency do not make more invocations run", async () => {
  const init = start(1, 4);
  await init.double.waitForReady();
  const slow = await init.send('{"sleepMs":300}');
  const quick = await init.send("{}");
  await init.double.waitForResult(quick);
  const order = init.double.callbacks.filter(({ kind }) => kind === "response").map(({ requestId }) => requestId);
  expect(order).toEqual([slow, quick]);
});

test("D4: a timeout ends one invocation and nothing else; its worker serves again", async () => {
  const init = start(2, 2, { AWS_LAMBDA_FUNCTION_TIMEOUT: "1" });
  await init.double.waitForReady();
  const slow = await init.send('{"sleepMs":1500}');
  expect((await init.invoke("{}")).kind).toBe("response");
  const { kind, body } = await init.double.waitForResult(slow);
  expect([kind, body]).toEqual([
    "error",
    `{"errorMessage":"RequestId: ${slow} Error: Task timed out after 1.00 seconds","errorType":"Sandbox.Timedout"}`,
  ]);
  // Both workers have to come for this.
  const both = await Promise.all([init.send('{"together":2}'), init.send('{"together":2}')]);
  for (const id of both) expect((await init.double.waitForResult(id)).kind).toBe("response");
});

test("D5: the end of the runtime is told to every invocation, then init ends with 1", async () => {
  const init = start(3, 3);
  await init.double.waitForReady();
  const ids = await Promise.all(Array.from({ length: 3 }, () => init.send('{"together":3,"exit":5}')));
  for (const id of ids) {
    const { kind, body } = await init.double.waitForResult(id);
    expect([kind, body]).toEqual([
      "error",
      `{"errorMessage":"RequestId: ${id} Error: Runtime exited with error: exit status 5","errorType":"Runtime.ExitError"}`,
    ]);
    expect(toldOf(init, id)).toEqual(["logs", "error"]);
  }
  expect(await init.exitedByItself()).toBe(1);
});
