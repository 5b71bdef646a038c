/**
 * Processes killed at random moments. The choices come from a seed that is printed; `CHAOS_SEED=<seed>` makes the same
 * ones again, as far as the machine keeps the same pace.
 */
import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { seededRandom } from "../support/seeded-random.ts";
import { startWithExtensions } from "./support/extensions.ts";
import { type Init, isRoot, runFixture, startInit, stopAll } from "./support/init.ts";

const { random } = seededRandom("new", "CHAOS_SEED");

afterEach(stopAll);

test("a runtime killed at any moment costs its invocation, and nothing else", async () => {
  const init = startInit(runFixture("does-what-the-event-says.ts"));
  await init.double.waitForReady();
  const killRuntime = () => {
    for (const child of childrenOf(init)) kill(child);
  };
  for (let round = 0; round < 200; round++) {
    const respondBytes = 1 + random(2_000_000);
    const result = init.invoke(JSON.stringify({ print: "at work\n", respondBytes }));
    // From before the event arrives until after the answer was given.
    const killing = setTimeout(killRuntime, random(25_000) / 1000);
    const { id, kind, body, logs } = await result;
    clearTimeout(killing);
    expect(logs).toMatch(/START RequestId: (.|\n)*END RequestId: .*\nREPORT RequestId: .*\n$/);
    if (kind === "response") expect(body.length).toBe(respondBytes);
    else expect(body).toBe(killed(id));
  }
  await init.stop();
  const kinds = new Map<string, string[]>();
  for (const { requestId, kind } of init.double.callbacks) {
    if (requestId !== "") kinds.set(requestId, [...(kinds.get(requestId) ?? []), kind]);
  }
  const odd = [...kinds.values()].filter(([first, second, third]) => first !== "logs" || !second || third);
  expect(odd).toEqual([]);
  expect(init.stderr).toBe("");
}, 60_000);

test.skipIf(!isRoot)(
  "an extension or a runtime killed at any moment costs its invocation at most, and every answer is one and true",
  async () => {
    const { init } = startWithExtensions(runFixture("does-what-the-event-says.ts"), {
      a: { telemetry: { types: ["platform"] }, onInvoke: [{ delayMs: 5 }] },
      b: { events: ["SHUTDOWN"] },
    });
    await init.double.waitForReady();
    const killOne = (choice: number) => {
      const children = childrenOf(init);
      const child = children[choice % children.length];
      if (child) kill(child);
    };
    const odd: string[] = [];
    for (let round = 0; round < 60; round++) {
      const result = init.invoke(JSON.stringify({ respondBytes: 1000 }));
      const killing = setTimeout(killOne, random(40_000) / 1000, random(1_000_000));
      const { kind, body } = await result;
      clearTimeout(killing);
      const isTrue =
        kind === "response"
          ? body.length === 1000
          : /Error: .*signal: killed","errorType":"(Runtime.ExitError|Extension.Crash)"/.test(body);
      if (!isTrue) odd.push(`${kind} ${body}`);
    }
    expect(odd).toEqual([]);
    // A process killed between the last answer and the call-off of its timer costs the next invocation, not the one after.
    await init.invoke(JSON.stringify({ respondBytes: 1000 }));
    const last = await init.invoke(JSON.stringify({ respondBytes: 1000 }));
    expect(last.kind).toBe("response");
    expect(await init.stop()).toBe(0);
    const results = init.double.callbacks.filter(({ kind }) => kind === "response" || kind === "error");
    expect(results).toHaveLength(62);
    expect(new Set(results.map(({ requestId }) => requestId)).size).toBe(62);
  },
  60_000,
);

test("three hundred new generations leave no descriptor open", async () => {
  const init = startInit(runFixture("does-what-the-event-says.ts"));
  const open = () => readdirSync(`/proc/${init.process.pid}/fd`).length;
  await init.invoke("{}");
  const before = open();
  for (let round = 0; round < 300; round++) await init.invoke('{"exit":1}');
  await init.invoke("{}");
  expect(open()).toBe(before);
}, 60_000);

/** The processes init started that are there at this moment. */
function childrenOf({ process: { pid } }: Init): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended by itself since it was looked up.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

const killed = (id: string) =>
  `{"errorMessage":"RequestId: ${id} Error: Runtime exited with error: signal: killed","errorType":"Runtime.ExitError"}`;
