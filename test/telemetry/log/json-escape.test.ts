import { expect, test } from "bun:test";
import { escapeInto, longestEscape } from "../../../src/telemetry/log/json-escape.ts";

function escaped(bytes: Uint8Array, at = 0): Buffer {
  const target = Buffer.alloc(at + bytes.length * longestEscape);
  return target.subarray(at, escapeInto(target, at, bytes, 0, bytes.length));
}

test("every byte of ASCII is escaped as JSON.stringify does it", () => {
  for (let code = 0; code < 0x80; code++) {
    const text = String.fromCharCode(code);
    expect(escaped(Buffer.from(text)).toString()).toBe(JSON.stringify(text).slice(1, -1));
  }
});

test("all other bytes stay as they are, also those of a character that was cut", () => {
  const bytes = Buffer.from(Array.from({ length: 0x80 }, (_, index) => 0x80 + index));
  expect(escaped(bytes)).toEqual(bytes);
});

test("only the part that is asked for is written, behind what stands there", () => {
  const target = Buffer.from("ab.......");
  expect(escapeInto(target, 2, Buffer.from('1"\n2'), 1, 3)).toBe(6);
  expect(target.toString()).toBe('ab\\"\\n...');
});

test("no escape is longer than it may be", () => {
  expect(Math.max(...Array.from({ length: 0x100 }, (_, byte) => escaped(Buffer.from([byte])).length))).toBe(
    longestEscape,
  );
});
