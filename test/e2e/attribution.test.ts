/** The great guarantee of the log: no line is lost, and none stands under another invocation than its own. */
import { afterEach, expect, test } from "bun:test";
import { startWithExtensions } from "./support/extensions.ts";
import { isRoot, runFixture, stopAll } from "./support/init.ts";

afterEach(stopAll);

const invocations = 1000;
/** Of each of three processes, in each invocation: 102,000 lines in all. */
const linesEach = 34;

/** Checks one log text against the lines it must hold. @returns what is wrong with it */
function faultsIn(text: string, id: string, writers: readonly string[]): string[] {
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const line of text.split("\n")) {
    const [who = "", owner, at] = line.split(" ");
    if (!writers.includes(who)) continue;
    if (owner !== id) faults.push(`${line} stands under ${id}`);
    else if (seen.has(`${who} ${at}`)) faults.push(`${line} came twice`);
    seen.add(`${who} ${at}`);
  }
  const missing = writers.length * linesEach - seen.size;
  if (missing !== 0) faults.push(`${missing} lines of ${id} are missing`);
  return faults;
}

/** The text between one invocation's START and the next one's: an extension may write after the answer. */
function textsById(logs: readonly string[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const part of logs.join("").split(/^(?=START RequestId: )/m)) {
    const id = /^START RequestId: (\S+)/.exec(part)?.[1];
    if (id) texts.set(id, part);
  }
  return texts;
}

test.skipIf(!isRoot)(
  "100,000 lines of three processes over 1,000 invocations: in the log and in the telemetry",
  async () => {
    const print = Array.from({ length: linesEach }, (_, at) => `extension $id ${at}\n`).join("");
    const world = startWithExtensions(
      runFixture("writes-lines-of-its-invocation.ts", String(linesEach)),
      { a: { onInvoke: [{ print }], telemetry: { types: ["platform", "function", "extension"] } } },
      { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "60" } },
    );
    const ids: string[] = [];
    const logs: string[] = [];
    for (let count = 0; count <= invocations; count++) {
      const { id, logs: text } = await world.init.invoke("{}");
      ids.push(id);
      logs.push(text);
    }
    const writers = ["runtime", "child", "extension"];
    const texts = textsById(logs);
    // The last one's extension may still be writing: it only proves the one before to be complete.
    const counted = ids.slice(0, invocations);
    expect(counted.flatMap((id) => faultsIn(texts.get(id) ?? "", id, writers))).toEqual([]);

    await world.record("a", "platform.report", ({ record }) => record.requestId === ids.at(-1));
    const told = new Map<string, string>();
    let current = "";
    for (const { type, record } of world.records("a")) {
      if (type === "platform.start") current = record.requestId;
      if (type === "function" || type === "extension") told.set(current, `${told.get(current) ?? ""}${record}\n`);
    }
    expect(counted.flatMap((id) => faultsIn(told.get(id) ?? "", id, writers))).toEqual([]);
  },
  120_000,
);

test("lines that a function's child writes after the answer are found out", async () => {
  const world = startWithExtensions(runFixture("writes-lines-of-its-invocation.ts", String(linesEach), "hasty"), {});
  const first = await world.init.invoke("{}");
  expect(faultsIn(first.logs, first.id, ["runtime"])).toEqual([]);
  expect(faultsIn(first.logs, first.id, ["runtime", "child"])).toEqual([
    `${linesEach} lines of ${first.id} are missing`,
  ]);
  const second = await world.init.invoke("{}");
  expect(faultsIn(second.logs, second.id, ["child"])).toHaveLength(linesEach);
  expect(faultsIn(second.logs, second.id, ["child"])).toContain(`child ${first.id} 0 stands under ${second.id}`);
});

test("a log with a lost line, a line twice or a line of another invocation is found out", () => {
  const line = (who: string, id: string, at: number) => `${who} ${id} ${at}\n`;
  const whole = Array.from({ length: linesEach }, (_, at) => line("runtime", "id", at)).join("");
  expect(faultsIn(whole, "id", ["runtime"])).toEqual([]);
  expect(faultsIn(whole.replace(line("runtime", "id", 3), ""), "id", ["runtime"])).toHaveLength(1);
  expect(faultsIn(whole + line("runtime", "id", 3), "id", ["runtime"])).toHaveLength(1);
  expect(faultsIn(whole + line("runtime", "other", 3), "id", ["runtime"])).toHaveLength(1);
});
