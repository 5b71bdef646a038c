import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { isBeyondQemu } from "../support/target.ts";
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
  // Rounded up before it is written with two digits: 1.003 ms is 1.00 ms and billed as 2.
  expect(Number(duration)).toBeWithin(Number(billed) - 1 - 0.005, Number(billed) + 0.006);
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

describe("an invocation whose runtime breaks", () => {
  test.each<[string, object, string]>([
    ["exits", { exit: 3 }, "Runtime exited with error: exit status 3"],
    ["exits without a reason", { exit: 0 }, "Runtime exited without providing a reason"],
    ["is killed", { kill: "SIGKILL" }, "Runtime exited with error: signal: killed"],
    ["exits after its answer", { exitAfterAnswer: 3 }, "Runtime exited with error: exit status 3"],
  ])("because it %s has its last words, the reason before END, and a status", async (_, how, reason) => {
    start();
    const { logs, id } = await say({ print: "last words", ...how });
    const crash = `last words\\nRequestId: ${id} Error: ${reason}\\nRuntime.ExitError\\nEND RequestId: ${id}\\n`;
    const end = "Init Duration: \\d+\\.\\d\\d ms\\tStatus: error\\tError Type: Runtime.ExitError";
    expect(logs).toMatch(new RegExp(`${crash}${report(id, end)}$`));
  });

  test("is the only one that shows it: neither an error of the handler nor the next invocation does", async () => {
    start();
    await say({ exit: 1 });
    expect((await say({})).logs).not.toMatch(/Error|Status/);
    const body = JSON.stringify({ errorMessage: "m", errorType: "T" });
    expect((await say({ error: body, headers: { "Lambda-Runtime-Function-Error-Type": "T" } })).logs).not.toMatch(
      /Error|Status/,
    );
  });
});

describe("a large log", () => {
  test("takes its own size of init's memory, and its answer is right: 20 MB, three times", async () => {
    start();
    await say({});
    const before = peakMb();
    for (let count = 2; count <= 4; count++) {
      const { logs, body } = await say({ printBytes: 20_000_000 });
      expect([logs.length > 20_000_000, JSON.parse(body).count]).toEqual([true, count]);
    }
    // Besides the log: output on its way to stdout, and what escaping has left behind since it was collected.
    expect(peakMb() - before).toBeLessThan(20 * 1.5 + 16);
  });

  test.skipIf(isBeyondQemu("memory"))(
    "of 200 MB does too",
    async () => {
      start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "60" } });
      const { logs, body } = await say({ printBytes: 200_000_000 });
      expect([logs.length > 200_000_000, JSON.parse(body).count]).toEqual([true, 1]);
      expect(peakMb()).toBeLessThan(200 + 38 + 40);
    },
    60_000,
  );
});

/** Init's largest resident memory so far. */
function peakMb(): number {
  const status = readFileSync(`/proc/${init.process.pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

describe("a function that logs in JSON", () => {
  const record = (level: string, bytes: number) =>
    JSON.stringify({ timestamp: "2026-01-02T03:04:05Z", message: "x".repeat(bytes), level });
  const json = { env: { AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_LOG_LEVEL: "ERROR" } };

  test.each([300_000, 2_000_000])("has a record of %i bytes judged whole", async (bytes) => {
    start(json);
    const { logs } = await say({ print: `${record("ERROR", bytes)}\n${record("INFO", bytes)}\n` });
    const lines = logs.split("\n").filter((line) => line.includes("xxx"));
    expect(lines.length).toBe(1);
    expect(lines[0] === record("ERROR", bytes)).toBe(true);
  });
});

/** Each leaves init a stdout that takes nothing, in another way. */
const brokenStdouts: [string, string[]][] = [
  ["whose reader has gone", ["bash", "-c", 'exec "$@" > >(exec true)', "bash"]],
  ["whose disk is full", ["bash", "-c", 'exec "$@" > /dev/full', "bash"]],
];

describe.each(brokenStdouts)("a stdout %s", (_, prefix) => {
  test("costs one warning; logs and answers are as good as before", async () => {
    start({ prefix });
    for (let count = 1; count <= 3; count++) {
      const { logs, body } = await say({ print: "line\n", printBytes: 200_000 });
      expect([logs.length > 200_000, JSON.parse(body).count]).toEqual([true, count]);
    }
    expect(await init.stop()).toBe(0);
    // An empty one lies between them where the last of the output was no whole line.
    const lines = init.stderr.split("\n").filter(Boolean);
    expect(lines[0]).toMatch(/ WARN init's stdout takes no more output \((EPIPE|ENOSPC)\)/);
    expect(init.stderr).not.toMatch(/a fault inside init|\n +at /);
    expect(lines.length).toBeLessThanOrEqual(2);
  });
});

test("a stdout nobody reads holds up no invocation for longer than a second, and fills no memory", async () => {
  // The reader of this one never reads, and lives.
  start({ prefix: ["bash", "-c", 'exec "$@" > >(exec sleep 20)', "bash"] });
  for (let count = 1; count <= 2; count++) {
    const { logs } = await say({ printBytes: 20_000_000 });
    expect(logs.length).toBeGreaterThan(20_000_000);
  }
  expect(init.stderr).toContain("its reader does not read");
});

test("a line of init's own begins on a new line, behind output that had no newline", async () => {
  // Both streams in one, as `docker logs` shows them.
  start({ prefix: ["sh", "-c", 'exec "$@" >&2', "sh"], env: { LOCALSTACK_INIT_LOG_LEVEL: "debug" } });
  await say({ print: "unfinished" });
  await init.stop();
  expect(init.stderr).toMatch(/unfinished\n\d{4}-\d\d-\d\dT\S+ DEBUG /);
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
