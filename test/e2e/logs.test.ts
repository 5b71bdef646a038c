import { afterEach, describe, expect, test } from "bun:test";
import { type Init, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

let init: Init;
const start = (options = {}) => {
  init = startInit(runFixture("does-what-the-event-says.ts"), options);
};
const say = (instruction: object, options = {}) => init.invoke(JSON.stringify(instruction), options);

const report = (id: string, rest = "") =>
  `REPORT RequestId: ${id}\\tDuration: \\d+\\.\\d\\d ms\\tBilled Duration: \\d+ ms\\tMemory Size: 128 MB\\tMax Memory Used: \\d+ MB\\t${rest}\\n`;

test("an invocation's log is START, its output, END and REPORT; Init Duration stands in the first one only", async () => {
  start();
  const first = await say({ print: "one\n" });
  const second = await say({ print: "two\n" });
  const frame = (id: string, output: string, rest = "") =>
    new RegExp(`^START RequestId: ${id} Version: \\$LATEST\\n${output}END RequestId: ${id}\\n${report(id, rest)}$`);
  expect(first.logs).toMatch(frame(first.id, "one\\n", "Init Duration: \\d+\\.\\d\\d ms\\t"));
  expect(second.logs).toMatch(frame(second.id, "two\\n"));
});

test("the billed duration is the duration rounded up; memory is measured", async () => {
  start();
  const { logs } = await say({});
  const [, duration, billed, memory] =
    logs.match(/Duration: ([\d.]+) ms\tBilled Duration: (\d+) ms.*Max Memory Used: (\d+) MB/) ?? [];
  expect(Number(billed)).toBe(Math.ceil(Number(duration)));
  // The fixture is a Bun process: more than a shell, less than the memory size of a large function.
  expect(Number(memory)).toBeGreaterThan(10);
  expect(Number(memory)).toBeLessThan(1000);
  expect(Number(memory)).not.toBe(128);
});

test("the retry of an init that timed out carries no Init Duration, and neither does the next", async () => {
  start();
  expect((await say({}, { extra: { "is-init-retry": true } })).logs).not.toContain("Init Duration");
  expect((await say({})).logs).not.toContain("Init Duration");
});

test("a new init inside an invocation carries no Init Duration", async () => {
  start();
  await say({ exit: 1 });
  expect((await say({})).logs).not.toContain("Init Duration");
});

test("what init wrote stands before the first START", async () => {
  init = startInit(["sh", "-c", 'echo starting; exec "$@"', "sh", ...runFixture("echoes.ts")]);
  expect((await init.invoke("{}")).logs).toStartWith("starting\nSTART RequestId: ");
});

test("END stands on a line of its own although the function's last line had no newline", async () => {
  start();
  const { id, logs } = await say({ print: "unfinished" });
  expect(logs).toContain(`unfinished\nEND RequestId: ${id}\n`);
});

test("output also goes to init's stdout, as written, without init's own lines", async () => {
  start();
  await say({ print: "ü shown\n" });
  await init.stop();
  expect(init.stdout).toBe("ü shown\n");
  expect(init.stderr).toBe("");
});

test("bytes that are no UTF-8 become replacement characters", async () => {
  init = startInit(["sh", "-c", `printf 'a\\377b\\n'; exec "$@"`, "sh", ...runFixture("echoes.ts")]);
  expect((await init.invoke("{}")).logs).toStartWith("a\uFFFDb\nSTART");
});

test("20 MB of one invocation arrive whole", async () => {
  start();
  const { logs, id } = await say({ printBytes: 20_000_000 });
  const start_ = `START RequestId: ${id} Version: $LATEST\n`;
  expect(logs.slice(0, start_.length)).toBe(start_);
  const output = logs.slice(start_.length, logs.indexOf("END RequestId"));
  expect(output.length).toBe(20_000_000);
  expect(output === `${"x".repeat(99)}\n`.repeat(200_000)).toBe(true);
});

test("a crash's last words belong to the invocation that crashed", async () => {
  start();
  expect((await say({ print: "last words", exit: 1 })).logs).toMatch(/\nlast words\nEND RequestId: .*\nREPORT .*\n$/);
});

describe("every line of 2,000 invocations", () => {
  test("belongs to the invocation that wrote it", async () => {
    init = startInit(runFixture("writes-and-answers.ts"));
    for (let round = 0; round < 2000; round++) {
      const { id, body, logs } = await init.invoke("{}");
      const lines = logs.split("\n").filter((line) => line.endsWith("z") || /^\S+ \d+ $/.test(line));
      expect(lines.length).toBe(Number(body));
      expect(lines.every((line) => line.startsWith(id))).toBe(true);
    }
  }, 60_000);
});
