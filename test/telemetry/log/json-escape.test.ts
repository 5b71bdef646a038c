import { expect, test } from "bun:test";
import { escapedText, escapeInto, longestEscape } from "../../../src/telemetry/log/json-escape.ts";

function escaped(bytes: Uint8Array): Buffer {
  const target = Buffer.alloc(bytes.length * longestEscape);
  return target.subarray(0, escapeInto(target, Buffer.from(bytes)));
}

test("every byte of ASCII is escaped as JSON.stringify does it, alone and beside others", () => {
  for (let code = 0; code < 0x80; code++) {
    for (const text of [
      String.fromCharCode(code),
      `é${String.fromCharCode(code)}\nx`,
      `\n\n${String.fromCharCode(code)}`,
    ]) {
      const wanted = Buffer.from(JSON.stringify(text).slice(1, -1));
      expect(escaped(Buffer.from(text))).toEqual(wanted);
      expect(escapedText(text)).toEqual(wanted);
    }
  }
});

test.each(["\n", "\n\t"])(
  "bytes beyond ASCII stay as they are, also those of a character that was cut: behind %j",
  (more) => {
    const bytes = Buffer.from(Array.from({ length: 0x80 }, (_, index) => 0x80 + index));
    const wanted = Buffer.concat([Buffer.from(JSON.stringify(more).slice(1, -1)), bytes]);
    expect(escaped(Buffer.concat([Buffer.from(more), bytes]))).toEqual(wanted);
  },
);

test("the halves of characters become escapes", () => {
  expect(escapedText("a\ud83d").toString()).toBe("a\\ud83d");
});

test("no escape is longer than it may be", () => {
  expect(Math.max(...Array.from({ length: 0x100 }, (_, byte) => escaped(Buffer.from([byte])).length))).toBe(
    longestEscape,
  );
});
