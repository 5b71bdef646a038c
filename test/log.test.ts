import { afterEach, expect, spyOn, test } from "bun:test";
import { log, logLevels, setLogLevel } from "../src/log.ts";
import { stderr } from "../src/standard-streams.ts";

afterEach(() => setLogLevel("warn"));

/** What logging at each level writes to stderr. */
function written(): string {
  let text = "";
  const write = spyOn(stderr, "writeLine").mockImplementation((line) => {
    text += line;
  });
  for (const level of ["trace", "debug", "info", "warn", "error"] as const) log[level](level);
  write.mockRestore();
  return text;
}

test.each([
  ["trace", ["trace", "debug", "info", "warn", "error"]],
  ["debug", ["debug", "info", "warn", "error"]],
  ["info", ["info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["error", ["error"]],
  ["fatal", ["error"]],
  ["panic", ["error"]],
] as const)("at %s are written %j", (level, lines) => {
  setLogLevel(level);
  expect(
    written()
      .trim()
      .split("\n")
      .map((line) => (level === "trace" ? (JSON.parse(line) as { level: string }).level : line.split(" ").at(-1))),
  ).toEqual([...lines]);
});

test("at trace each line is a JSON object", () => {
  setLogLevel("trace");
  expect(JSON.parse(written().split("\n")[1] ?? "")).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\S+Z$/),
    level: "debug",
    msg: "debug",
  });
});

test("every word of the setting has a level", () => {
  expect(Object.keys(logLevels)).toEqual(["trace", "debug", "info", "warn", "error", "fatal", "panic"]);
});

test("a line has its time, its level, and the stack of an error; repeats are not swallowed", () => {
  let text = "";
  const write = spyOn(stderr, "writeLine").mockImplementation((line) => {
    text += line;
  });
  for (let count = 0; count < 20; count++) log.error("failed:", new Error("why"));
  write.mockRestore();
  expect(text.match(/^\d{4}-\d\d-\d\dT\S+Z ERROR failed: Error: why\n +at /gm)).toHaveLength(20);
});
