import { describe, expect, test } from "bun:test";
import { LineSplitter, maxLineLength as limit } from "../../../src/telemetry/log/line-splitter.ts";

function split(chunks: readonly string[], isFlushed = true): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(
    (line) => lines.push(line),
    () => {},
  );
  for (const chunk of chunks) splitter.push(chunk);
  if (isFlushed) splitter.flush();
  return lines;
}

const x = (length: number) => "x".repeat(length);
const lengths = (chunks: readonly string[]) => split(chunks).map((line) => line.length);

describe("lines", () => {
  test.each([
    [["one\ntwo\n"], ["one", "two"]],
    [
      ["o", "ne", "\nt", "wo\n"],
      ["one", "two"],
    ],
    [
      ["one", "\n", "two", "\n"],
      ["one", "two"],
    ],
    [["\n"], [""]],
    [["one\n\n\ntwo\n"], ["one", "", "", "two"]],
    [
      ["one\n", "", "\n"],
      ["one", ""],
    ],
    [
      ["one\r\ntwo\r", "\nthree\r"],
      ["one\r", "two\r", "three\r"],
    ],
    [["a\rb\u2028c\u0085d\n"], ["a\rb\u2028c\u0085d"]],
    [[" \tone \n"], [" \tone "]],
    [["one"], ["one"]],
    [["one\ntwo"], ["one", "two"]],
    [[], []],
    [["", ""], []],
  ])("of %j are %j", (chunks, lines) => {
    expect(split(chunks)).toEqual(lines);
  });

  test("are the same however the chunks fall", () => {
    const text = "one\n\n zwei\r\n€𝄞\n\nend";
    const whole = split([text]);
    for (let first = 0; first <= text.length; first++) {
      for (let second = first; second <= text.length; second++) {
        expect(split([text.slice(0, first), text.slice(first, second), text.slice(second)])).toEqual(whole);
      }
    }
  });

  test("are told as soon as they have ended, and not before", () => {
    const lines: string[] = [];
    const splitter = new LineSplitter(
      (line) => lines.push(line),
      () => {},
    );
    splitter.push("one");
    expect(lines).toEqual([]);
    splitter.push("\ntwo");
    expect(lines).toEqual(["one"]);
  });
});

describe("a flush", () => {
  test("ends a line, once; what comes afterwards is another", () => {
    const lines: string[] = [];
    const splitter = new LineSplitter(
      (line) => lines.push(line),
      () => {},
    );
    splitter.push("one");
    splitter.flush();
    splitter.flush();
    expect(lines).toEqual(["one"]);
    splitter.push("two\n");
    splitter.flush();
    expect(lines).toEqual(["one", "two"]);
  });

  test("makes no line of nothing", () => {
    expect(split([])).toEqual([]);
    expect(split(["one\n"])).toEqual(["one"]);
  });
});

describe("a line longer than the limit", () => {
  test.each([
    ["of exactly the limit is whole", [`${x(limit)}\n`], [limit]],
    ["of exactly the limit is whole in two chunks", [x(limit), "\n"], [limit]],
    ["of one more is cut", [`${x(limit + 1)}\n`], [limit, 1]],
    ["of one more is cut in two chunks", [x(limit + 1), "\n"], [limit, 1]],
    ["of twice the limit is cut once", [`${x(2 * limit)}\n`], [limit, limit]],
    ["of twice the limit is cut once in two chunks", [x(2 * limit), "\n"], [limit, limit]],
    ["of twice the limit is cut once without an end", [x(2 * limit)], [limit, limit]],
    ["in small chunks is cut alike", Array.from({ length: 9 }, () => x(limit / 4)), [limit, limit, limit / 4]],
    ["has the line behind it start anew", [`${x(limit + 5)}\nnext\n`], [limit, 5, 4]],
  ])("%s", (_, chunks, expected) => {
    expect(lengths(chunks)).toEqual(expected);
  });

  test("is told before it has ended, so that it does not grow", () => {
    expect(split([x(3 * limit + 1)], false).map(({ length }) => length)).toEqual([limit, limit, limit]);
  });

  test.each([
    ["in one chunk", (text: string) => [`${text}\n`]],
    ["in two chunks", (text: string) => [text, "\n"]],
  ])("is never cut within a character: %s", (_, toChunks) => {
    const text = `x${"😀".repeat(limit / 2 + 10)}`;
    const lines = split(toChunks(text));
    expect(lines.map(({ length }) => length)).toEqual([limit - 1, 22]);
    expect(lines.every((line) => line.isWellFormed())).toBe(true);
    expect(lines.join("")).toBe(text);
  });

  test("is cut all the same where its characters are broken", () => {
    expect(lengths([`${"\ude00".repeat(limit + 1)}\n`])).toEqual([limit, 1]);
    expect(lengths([`${"\ud83d".repeat(limit + 1)}\n`])).toEqual([limit, 1]);
  });

  test("says of each piece that it is one, and of each cut line once that it was", () => {
    const told: unknown[] = [];
    const splitter = new LineSplitter(
      (line, isPiece) => told.push([line.length, isPiece]),
      () => told.push("cut"),
    );
    for (const text of ["whole\n", x(2 * limit + 1), `${x(9)}\nwhole\n`, `${x(limit + 1)}\n`, x(limit)])
      splitter.push(text);
    splitter.flush();
    expect(told).toEqual([
      [5, false],
      ...["cut", [limit, true], [limit, true], [10, true]],
      [5, false],
      ...["cut", [limit, true], [1, true]],
      [limit, false],
    ]);
  });
});
