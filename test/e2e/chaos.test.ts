import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { startWithExtensions } from "./support/extensions.ts";
import { isRoot, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

test("a runtime killed at any moment costs its invocation, and nothing else", async () => {
  const init = startInit(runFixture("does-what-the-event-says.ts"));
  await init.double.waitForReady();
  const { pid } = init.process;
  const killRuntime = () => {
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean)) {
      process.kill(Number(child), "SIGKILL");
    }
  };
  for (let round = 0; round < 200; round++) {
    const respondBytes = 1 + Math.floor(Math.random() * 2_000_000);
    const result = init.invoke(JSON.stringify({ print: "at work\n", respondBytes }));
    // From before the event arrives until after the answer was given.
    const killing = setTimeout(killRuntime, Math.random() * 25);
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
    const { pid } = init.process;
    const killOne = () => {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
      const child = children[Math.floor(Math.random() * children.length)];
      if (child) process.kill(Number(child), "SIGKILL");
    };
    const odd: string[] = [];
    for (let round = 0; round < 60; round++) {
      const result = init.invoke(JSON.stringify({ respondBytes: 1000 }));
      const killing = setTimeout(killOne, Math.random() * 40);
      const { kind, body } = await result;
      clearTimeout(killing);
      const isTrue =
        kind === "response"
          ? body.length === 1000
          : /Error: .*signal: killed","errorType":"(Runtime.ExitError|Extension.Crash)"/.test(body);
      if (!isTrue) odd.push(`${kind} ${body}`);
    }
    expect(odd).toEqual([]);
    const last = await init.invoke(JSON.stringify({ respondBytes: 1000 }));
    expect(last.kind).toBe("response");
    expect(await init.stop()).toBe(0);
    const results = init.double.callbacks.filter(({ kind }) => kind === "response" || kind === "error");
    expect(results).toHaveLength(61);
    expect(new Set(results.map(({ requestId }) => requestId)).size).toBe(61);
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

const killed = (id: string) =>
  `{"errorMessage":"RequestId: ${id} Error: Runtime exited with error: signal: killed","errorType":"Runtime.ExitError"}`;
