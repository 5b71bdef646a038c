/** What the page's scripts compute, without a browser. */
import { describe, expect, test } from "bun:test";

const scripts = new URL("../../../../src/frontend/emulator/page/client", import.meta.url).pathname;
const { duration, prettyJson, size, statusOf, toCurl } = await import(`${scripts}/format.js`);
const { phasesOf } = await import(`${scripts}/timeline.js`);

test.each([
  [undefined, "–"],
  [0.04, "0.0 ms"],
  [9.94, "9.9 ms"],
  [412.4, "412 ms"],
  [1234, "1.23 s"],
  [90_000, "1 min 30 s"],
])("%p ms are %p", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [1023, "1023 B"],
  [1536, "1.5 KB"],
  [6_291_556, "6.0 MB"],
])("%p bytes are %p", (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

test("JSON is laid out with its numbers as they are, and nothing else is", () => {
  expect(prettyJson('{"a":12345678901234567890,"b":[1.0]}')).toBe(
    '{\n  "a": 12345678901234567890,\n  "b": [\n    1.0\n  ]\n}',
  );
  expect(prettyJson("{a}")).toBeUndefined();
});

test("an invocation has failed only when it is over", () => {
  expect(statusOf({ state: "running", errorType: "E" })).toBe("running");
  expect(statusOf({ state: "done", errorType: "E" })).toBe("failed");
  expect(statusOf({ state: "done" })).toBe("succeeded");
});

describe("the curl command", () => {
  const entry = {
    event: { text: `{"a":"it's"}` },
    source: "invoke",
    functionArn: "arn:aws:lambda:us-east-1:123456789012:function:fn:live",
    clientContext: "",
    tenantId: "",
  };

  /** The words a shell makes of it, and what the command reads. */
  async function words(command: string): Promise<string[]> {
    const print = `curl() { printf '%s\\0' "$@"; case "$*" in *@-*) cat;; esac; }; ${command}`;
    const child = Bun.spawn(["sh", "-s"], { stdin: new Blob([print]), stdout: "pipe" });
    return (await new Response(child.stdout).text()).split("\0");
  }
  const url = "http://localhost:8080/2015-03-31/functions/fn:live/invocations";

  test("survives the shell", async () => {
    expect(await words(toCurl(entry, "http://localhost:8080"))).toEqual(["--data-binary", `{"a":"it's"}`, url, ""]);
  });

  test("has what the call had", async () => {
    const more = { ...entry, source: "event", clientContext: '{"é":1}', tenantId: "t" };
    expect(await words(toCurl(more, "http://localhost:8080"))).toEqual([
      "-H",
      "X-Amz-Invocation-Type: Event",
      "-H",
      `X-Amz-Client-Context: ${Buffer.from('{"é":1}').toString("base64")}`,
      "-H",
      "X-Amz-Tenant-Id: t",
      "--data-binary",
      `{"a":"it's"}`,
      url,
      "",
    ]);
  });

  test("takes an event that is too long for an argument from its input", async () => {
    const text = `"${"$x`'".repeat(50_000)}"`;
    const found = await words(toCurl({ ...entry, event: { text } }, "http://localhost:8080"));
    expect(found).toEqual(["--data-binary", "@-", url, `${text}\n`]);
  });
});

describe("phases as they are drawn", () => {
  const phase = (name: string, startMs: number, durationMs: number) => ({ name, startMs, durationMs });

  test("stand one behind the other where clocks differ by less than a step", () => {
    const phases = [phase("queue", 0, 0.4), phase("invocation", -0.5, 5), phase("response", 5.2, 1)];
    expect(phasesOf({ phases, waitedMs: 0.4, durationMs: 7 })).toEqual([
      phase("queue", 0, 0.4),
      phase("invocation", 0.4, 5),
      phase("response", 5.4, 1),
    ]);
  });

  test("show a start that was part of the call", () => {
    const phases = [phase("invocation", 100, 5)];
    expect(phasesOf({ phases, waitedMs: 1, durationMs: 104 })).toEqual([
      phase("start", 1, 99),
      phase("invocation", 100, 5),
    ]);
  });

  test("of an init ahead of the call lie before it", () => {
    const phases = [phase("init", -30, 30), phase("invocation", 0, 5)];
    expect(phasesOf({ phases, waitedMs: 0, durationMs: 5 })).toEqual(phases);
  });

  test("of a call that was cut short are its whole time; of one that waits there are none", () => {
    expect(phasesOf({ phases: [phase("queue", 0, 3)], waitedMs: 3, durationMs: 20 })).toEqual([
      phase("queue", 0, 3),
      phase("invocation", 3, 20),
    ]);
    expect(phasesOf({})).toEqual([]);
  });
});
