/** Managed instances under LocalStack: several invocations at a time, and an environment that is not repaired. */
import { afterEach, expect, test } from "bun:test";
import { Gate } from "./support/gate.ts";
import { callRuntimeApi, startIdle } from "./support/idle.ts";
import { type Init, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

function variables(concurrency: number): Record<string, string> {
  return {
    AWS_LAMBDA_MAX_CONCURRENCY: String(concurrency),
    AWS_LAMBDA_INITIALIZATION_TYPE: "lambda-managed-instances",
    AWS_LAMBDA_LOG_FORMAT: "JSON",
  };
}

function start(concurrency: number, workers: number, env = {}): Init {
  return startInit(runFixture("serves-several-at-a-time.ts", String(workers)), {
    env: { ...variables(concurrency), ...env },
  });
}

const poll = (init: Init, signal?: AbortSignal) =>
  callRuntimeApi(init, "GET", "/invocation/next", signal ? { signal } : {});

const idOf = (reply: Response) => reply.headers.get("lambda-runtime-aws-request-id") ?? "";

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
  const gates = [new Gate(), new Gate()];
  const first = await Promise.all(gates.map(({ path }) => init.send(JSON.stringify({ together: 2, until: path }))));
  for (const id of first) await init.waitForStdout(`"requestId":"${id}","message":"begins"`);
  const last = await init.send("{}");
  await gates[0]?.open();
  expect((await init.double.waitForResult(last)).kind).toBe("response");
  await gates[1]?.open();
  await init.double.waitForResult(first[1] as string);
  const order = init.double.callbacks.filter(({ kind }) => kind === "response").map(({ requestId }) => requestId);
  expect(order).toEqual([first[0] as string, last, first[1] as string]);
});

test("more polls than the concurrency do not make more invocations run", async () => {
  const init = start(1, 4);
  await init.double.waitForReady();
  const gate = new Gate();
  const slow = await init.send(JSON.stringify({ until: gate.path }));
  await init.waitForStdout("begins");
  const quick = await init.send("{}");
  await gate.open();
  await init.double.waitForResult(quick);
  const order = init.double.callbacks.filter(({ kind }) => kind === "response").map(({ requestId }) => requestId);
  expect(order).toEqual([slow, quick]);
});

test("D4: a timeout ends one invocation and nothing else; its worker serves again", async () => {
  const init = start(2, 2, { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" });
  await init.double.waitForReady();
  const gate = new Gate();
  const slow = await init.send(JSON.stringify({ until: gate.path }));
  expect((await init.invoke("{}")).kind).toBe("response");
  const { kind, body } = await init.double.waitForResult(slow);
  expect([kind, body]).toEqual([
    "error",
    `{"errorMessage":"RequestId: ${slow} Error: Task timed out after 5.00 seconds","errorType":"Sandbox.Timedout"}`,
  ]);
  await gate.open();
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

test("D3: is ready with the first poll, and runs what there are workers for", async () => {
  const init = await startIdle({ env: variables(4) });
  const polled = poll(init);
  await init.double.waitForReady();
  const id = await init.send("{}");
  expect(idOf(await polled)).toBe(id);
  expect((await callRuntimeApi(init, "POST", `/invocation/${id}/response`, { body: '"done"' })).status).toBe(202);
  expect((await init.double.waitForResult(id)).body).toBe('"done"');
});

test("D12: the route decides what is an error, not what an answer says", async () => {
  const init = await startIdle({ env: variables(2) });
  const polled = poll(init);
  await init.double.waitForReady();
  const body = '{"errorMessage":"x","errorType":"y"}';
  const id = await init.send("{}");
  await polled;
  await callRuntimeApi(init, "POST", `/invocation/${id}/response`, { body });
  expect(await init.double.waitForResult(id)).toMatchObject({ kind: "response", body });
});

test("D15: an invocation is not lost with a worker that has gone while it waited", async () => {
  const init = await startIdle({ env: variables(4) });
  const gone = new AbortController();
  const left = poll(init, gone.signal).catch(() => {});
  await init.double.waitForReady();
  gone.abort();
  await left;
  const first = await init.send("{}");
  const taken = poll(init);
  expect(idOf(await taken)).toBe(first);
  // One that is there takes it when another has gone.
  const [waiting, goneToo] = [poll(init), new AbortController()];
  const leftToo = poll(init, goneToo.signal).catch(() => {});
  goneToo.abort();
  await leftToo;
  const second = await init.send("{}");
  expect(idOf(await waiting)).toBe(second);
});
