import { describe, expect, test } from "bun:test";
import { endOf, logTail, readableLog } from "../../../src/frontend/emulator/log-tail.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { logText } from "./world.ts";

/** A log that fails a test which has it decoded as a whole. */
function largeLog(text: string, pieceBytes?: number) {
  const log = logText(text, pieceBytes);
  return {
    ...log,
    text: () => {
      throw new Error("the whole log was decoded");
    },
  };
}

describe("the tail of a log", () => {
  test("is its last 4096 bytes, in base64", () => {
    const text = `${"a".repeat(10_000)}END\n`;
    expect(Buffer.from(logTail([logText(text)]), "base64").toString()).toBe(text.slice(-4096));
  });

  test("of a short log is all of it", () => {
    expect(Buffer.from(logTail([logText("a"), logText("b\n")]), "base64").toString()).toBe("ab\n");
    expect(logTail([])).toBe("");
  });

  test.each([
    ["plain", "abcdefghij\n"],
    ["escapes", 'a"b\\c\td\u0001\n then a word\n'],
    ["letters of two and four bytes", "éß😀\n"],
    ["backslashes that look like escapes", "\\u0041 \\n plain text here\n"],
  ])("of a large log of %s is found without decoding all of it", (_, unit) => {
    const text = unit.repeat(100_000);
    for (const pieceBytes of [7, 1000, 32_768]) {
      const end = endOf(largeLog(text.slice(0, 60_000), pieceBytes), 100);
      expect(Buffer.byteLength(end)).toBeGreaterThanOrEqual(100);
      expect(text.slice(0, 60_000)).toEndWith(end);
    }
  });

  test("of a log with no place to begin at is right all the same", () => {
    const text = "\\".repeat(50_000);
    expect(text).toEndWith(endOf(logText(text), 100));
  });

  test("for a reader is all of a short log, and the end of a long one", () => {
    expect(readableLog([logText("a\n"), logText("é\n")], 100)).toEqual({
      text: "a\né\n",
      totalBytes: 5,
      isCut: false,
      isBase64: false,
    });
    const text = "abcdefghij\n".repeat(1000);
    const { text: end, isCut, totalBytes } = readableLog([largeLog(text)], 100);
    expect([text.endsWith(end), end.length < 1000, isCut, totalBytes >= text.length]).toEqual([true, true, true, true]);
  });

  test("of any text is a tail of it", () => {
    const { random, seed } = seededRandom(11);
    const letters = ["a", "\\", "\n", '"', "é", "😀", "\u0000", "u", "0", "n"];
    for (let run = 0; run < 200; run++) {
      const text = Array.from({ length: 2000 }, () => letters[random(letters.length)]).join("");
      const end = endOf(logText(text, 1 + random(500)), 50);
      expect([seed, text.endsWith(end), Buffer.byteLength(end) >= 50]).toEqual([seed, true, true]);
    }
  });
});
