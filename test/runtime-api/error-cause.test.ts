import { describe, expect, test } from "bun:test";
import { toErrorCause } from "../../src/runtime-api/error-cause.ts";

const frame = { path: "/var/task/a.js", line: 7, label: "handler" };
const exception = { message: "m", type: "T", stack: [frame] };

describe("a cause", () => {
  const valid: [what: string, given: unknown, stored: string][] = [
    [
      "with all fields, in their order",
      { message: "m", paths: ["p"], working_directory: "/w", exceptions: [exception] },
      `{"exceptions":[${JSON.stringify(exception)}],"working_directory":"/w","paths":["p"],"message":"m"}`,
    ],
    ["with a message only", { message: "m" }, '{"exceptions":null,"working_directory":"","paths":null,"message":"m"}'],
    ["with a directory only", { working_directory: "/w" }, '{"exceptions":null,"working_directory":"/w","paths":null}'],
    ["with paths only", { paths: ["p"] }, '{"exceptions":null,"working_directory":"","paths":["p"]}'],
    [
      "with exceptions only",
      { exceptions: [exception] },
      `{"exceptions":[${JSON.stringify(exception)}],"working_directory":"","paths":null}`,
    ],
    [
      "with unknown keys, which are dropped",
      { message: "m", other: 1, cause: {} },
      '{"exceptions":null,"working_directory":"","paths":null,"message":"m"}',
    ],
    [
      "with unknown keys inside, which are dropped",
      { exceptions: [{ ...exception, stack: [{ ...frame, column: 3 }], remote: true }] },
      `{"exceptions":[${JSON.stringify(exception)}],"working_directory":"","paths":null}`,
    ],
  ];

  test.each(valid)("%s is kept", (_what, given, stored) => {
    expect(toErrorCause(JSON.stringify(given))).toBe(stored);
  });

  const invalid: [what: string, given: string][] = [
    ["text", "not JSON"],
    ["nothing", ""],
    ["a list", "[]"],
    ["null", "null"],
    ["a text in JSON", '"m"'],
    ["an empty object", "{}"],
    ["four empty fields", '{"exceptions":[],"working_directory":"","paths":[],"message":""}'],
    ["only unknown keys", '{"other":1}'],
    ["a message of another type", '{"message":1}'],
    ["a directory of another type", '{"message":"m","working_directory":[]}'],
    ["paths of another type", '{"message":"m","paths":"p"}'],
    ["a path of another type", '{"message":"m","paths":["p",1]}'],
    ["exceptions of another type", '{"message":"m","exceptions":{}}'],
    ["an exception of another type", '{"message":"m","exceptions":["e"]}'],
    ["an exception's message of another type", '{"exceptions":[{"message":1}]}'],
    ["an exception's type of another type", '{"exceptions":[{"type":1}]}'],
    ["a stack of another type", '{"exceptions":[{"stack":"s"}]}'],
    ["a frame of another type", '{"exceptions":[{"stack":["s"]}]}'],
    ["a line that is no number", '{"exceptions":[{"stack":[{"line":"7"}]}]}'],
    ["a line that is not whole", '{"exceptions":[{"stack":[{"line":7.5}]}]}'],
  ];

  test.each(invalid)("of %s is none", (_what, given) => {
    expect(toErrorCause(given)).toBeUndefined();
  });
});

describe("a cause above 64 KiB", () => {
  const limit = 65_536;
  const exceptions = (count: number, size: number) =>
    Array.from({ length: count }, (_, at) => ({ message: `${at}`.padEnd(size, "x"), type: "T", stack: [] }));

  function compacted(count: number, size: number, paths = 0): { exceptions: unknown[] | null; paths: string[] | null } {
    const given = { exceptions: exceptions(count, size), paths: Array(paths).fill("p"), message: "m" };
    const text = toErrorCause(JSON.stringify(given)) ?? "";
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit);
    return JSON.parse(text);
  }

  test.each([
    [10, 6000, 10],
    [10, 7500, 8],
    [10, 9000, 6],
    [10, 13_000, 4],
    [10, 20_000, 2],
    // Counts are rounded down: 7 * 0.8 = 5.6.
    [7, 11_000, 5],
    [3, 30_000, 2],
  ])("of %d exceptions of %d bytes keeps the first %d", (count, size, kept) => {
    const { exceptions: left } = compacted(count, size);
    expect(left).toEqual(exceptions(count, size).slice(0, kept));
  });

  test("keeps the same share of its paths", () => {
    expect(compacted(10, 7500, 5).paths).toHaveLength(4);
    expect(compacted(10, 20_000, 5).paths).toHaveLength(1);
  });

  test("loses both lists when a fifth of them is still too much", () => {
    const stored = compacted(10, 40_000, 5);
    expect(stored).toEqual({ exceptions: null, working_directory: "", paths: null, message: "m" } as never);
  });

  test("of exactly 64 KiB is kept whole", () => {
    const size = (message: string) => Buffer.byteLength(toErrorCause(JSON.stringify({ message })) ?? "");
    const room = limit - size("m") + 1;
    expect(size("m".repeat(room))).toBe(limit);
    expect(size("m".repeat(room + 1))).toBeLessThan(limit);
  });

  test.each([
    ["message", "working_directory"],
    ["working_directory", "message"],
  ])("cuts its %s to 30720 bytes that end in dots, and leaves a short %s alone", (long, short) => {
    const stored = JSON.parse(toErrorCause(JSON.stringify({ [long]: "x".repeat(70_000), [short]: "short" })) ?? "");
    expect(stored[long]).toBe(`${"x".repeat(30_717)}...`);
    expect(stored[short]).toBe("short");
  });

  test("is small enough even when the cut splits a character", () => {
    const text = "😀".repeat(20_000);
    const stored = toErrorCause(JSON.stringify({ message: `x${text}`, working_directory: text })) ?? "";
    expect(Buffer.byteLength(stored)).toBeLessThanOrEqual(limit);
    expect(JSON.parse(stored).message).toEndWith("...");
  });
});
