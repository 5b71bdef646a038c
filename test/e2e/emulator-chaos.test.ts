/** Functions that answer, fail, crash, hang and stream, all at once: every call has its answer, and nothing is left behind. */
import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Script } from "../fixtures/scripted-runtime.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { waitUntil } from "../support/within.ts";
import { scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";

afterEach(stopEmulators);

/** What is asked of the function, and the type of error that comes of it; none: all is well. */
const fates: readonly (readonly [script: Script, errorType: string | undefined])[] = [
  [{}, undefined],
  [{ sleepMs: 50 }, undefined],
  [{ print: "line\n", times: 100 }, undefined],
  [{ stream: { parts: ["a", "b"], everyMs: 10 } }, undefined],
  [{ error: '{"errorType":"Mine","errorMessage":"m"}' }, "Mine"],
  [{ exit: 1 }, "Runtime.ExitError"],
  [{ kill: "SIGKILL" }, "Runtime.ExitError"],
  [{ respond: "1", exitAfterAnswer: 0 }, undefined],
  [{ hang: true }, "Sandbox.Timedout"],
  [{ respondBytes: 7_000_000 }, "Function.ResponseSizeTooLarge"],
];

/** The processes the emulator has started and not ended. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
}

test("chaos in four environments", async () => {
  const { random, seed } = seededRandom("new", "CHAOS_SEED");
  const emulator = await startEmulator(scriptedRuntime, {
    flags: ["--concurrency", "4"],
    // Within it a new runtime has to start, on a machine that may be busy.
    env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "3" },
  });
  const plan = Array.from({ length: 150 }, () => fates[random(fates.length)] as (typeof fates)[number]);
  const wrong: unknown[] = [];
  let next = 0;
  const caller = async () => {
    for (let at = next++; at < plan.length; at = next++) {
      const [script, errorType] = plan[at] as (typeof fates)[number];
      const answer = await emulator.invoke({ ...script });
      const text = await answer.text();
      const isFault = answer.headers.get("x-amz-function-error") === "Unhandled";
      const type = isFault ? JSON.parse(text).errorType : undefined;
      if (answer.status !== 200 || type !== errorType)
        wrong.push({ script, status: answer.status, text: text.slice(0, 200) });
    }
  };
  await Promise.all(Array.from({ length: 12 }, caller));
  expect({ seed, wrong }).toEqual({ seed, wrong: [] });
  for (let at = 0; at < 8; at++) expect((await emulator.invoke({})).status).toBe(200);
  await waitUntil("only the environments' own runtimes are left", () => childrenOf(emulator.process.pid).length <= 4);
  await emulator.until("all reports", ({ stdout }) => stdout.split("\nREPORT RequestId").length === plan.length + 9);
  expect(await emulator.stop()).toBe(0);
});
