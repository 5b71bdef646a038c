/** Managed instances: several calls at a time in one environment (docs/contract/lifecycle-2.md 4). */
import { afterEach, describe, expect, test } from "bun:test";
import { type Emulator, scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";
import { Gate } from "./support/gate.ts";

type Event = Parameters<Emulator["invoke"]>[0];

afterEach(stopEmulators);

async function start(workers: number, env: Record<string, string> = {}): Promise<Emulator> {
  const emulator = await startEmulator(scriptedRuntime, {
    env: {
      AWS_LAMBDA_MAX_CONCURRENCY: String(workers),
      SCRIPT_WORKERS: String(workers),
      AWS_LAMBDA_FUNCTION_TIMEOUT: "30",
      ...env,
    },
  });
  // Init is over with the first poll; the other workers follow.
  for (let together = 0; together < workers; ) {
    const answers = await Promise.all(Array.from({ length: workers }, () => emulator.invoke({ sleepMs: 50 })));
    together = answers.filter(({ status }) => status === 200).length;
  }
  return emulator;
}

/** What the next worker that polls answers: until one does, calls are refused, also between an answer and the next poll. */
async function taken(emulator: Emulator, event: Event): Promise<Response> {
  for (;;) {
    const answer = await emulator.invoke(event);
    if (answer.status !== 400) return answer;
    expect(await answer.json()).toEqual({ errorType: "Runtime.Unavailable" });
  }
}

/** What a worker tells of its call. */
async function served(emulator: Emulator, event: Event = {}): ReturnType<Emulator["ask"]> {
  return (await (await taken(emulator, event)).json()) as Awaited<ReturnType<Emulator["ask"]>>;
}

describe("managed instances", () => {
  test("D1, D2: serve as many calls as there are workers, and refuse one more at once", async () => {
    const emulator = await start(3);
    const gates = [new Gate(), new Gate(), new Gate()];
    const calls = gates.map(({ path }, number) => served(emulator, { number, print: `here ${number}\n`, until: path }));
    await emulator.until("all three to run", ({ stdout }) => [0, 1, 2].every((n) => stdout.includes(`here ${n}`)));
    const refused = await emulator.invoke({});
    expect([refused.status, await refused.json()]).toEqual([400, { errorType: "Runtime.Unavailable" }]);
    for (const gate of gates) await gate.open();
    const answers = await Promise.all(calls);
    expect(answers.map(({ event }) => (event as { number: number }).number)).toEqual([0, 1, 2]);
    expect(new Set(answers.map(({ headers }) => headers["lambda-runtime-aws-request-id"])).size).toBe(3);
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1);
    expect(answers[0]?.env.AWS_LAMBDA_INITIALIZATION_TYPE).toBe("lambda-managed-instances");
  });

  test("live on after a timeout", async () => {
    const emulator = await start(2, { AWS_LAMBDA_FUNCTION_TIMEOUT: "1" });
    const { pid } = await served(emulator);
    const gate = new Gate();
    const overdue = await taken(emulator, { until: gate.path });
    expect(await overdue.json()).toMatchObject({ errorType: "Sandbox.Timedout" });
    await gate.open();
    expect((await served(emulator)).pid).toBe(pid);
  });

  test("whose process dies fail all that runs, and are replaced by the next call", async () => {
    const emulator = await start(2);
    const { pid } = await served(emulator);
    const running = taken(emulator, { print: "here\n", hang: true });
    await emulator.until("a call to run", ({ stdout }) => stdout.includes("here"));
    const dying = await taken(emulator, { exit: 1 });
    for (const answer of [dying, await running]) {
      expect([answer.status, answer.headers.get("x-amz-function-error")]).toEqual([200, "Unhandled"]);
      expect(await answer.json()).toMatchObject({ errorType: "Runtime.ExitError" });
    }
    expect((await served(emulator)).pid).not.toBe(pid);
  });

  test("D16: have the client context letter by letter", async () => {
    const emulator = await start(1);
    const context = '{ "custom": {"k": "v"},  "env":{"n":1.0}, "u":"\\u00e9" }';
    for (;;) {
      const told = await emulator.ask({}, { "X-Amz-Client-Context": Buffer.from(context).toString("base64") });
      if (told.headers === undefined) continue;
      expect(told.headers["lambda-runtime-client-context"]).toBe(context);
      return;
    }
  });
});
