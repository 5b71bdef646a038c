import { describe, expect, test } from "bun:test";
import { isUtf8 } from "node:buffer";
import { endOfPiece, mended, WholeCharacters } from "../../../src/telemetry/log/whole-characters.ts";
import { seededRandom } from "../../support/seeded-random.ts";

function pushed(chunks: readonly Uint8Array[]): Buffer {
  const stream = new WholeCharacters();
  return Buffer.concat([...chunks.map((chunk) => mended(stream.push(chunk))), mended(stream.end())]);
}

/** What the standard's own decoder makes of it. */
const decoded = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

describe("whole characters", () => {
  test("are handed on as they are, without a copy", () => {
    const chunk = Buffer.from("aé€😀\n");
    expect(new WholeCharacters().push(chunk)).toBe(chunk);
    expect(mended(chunk)).toBe(chunk);
  });

  test.each(["é", "€", "😀", "a😀b", "\ufeffa"])("cut anywhere, %j is put together", (text) => {
    const bytes = Buffer.from(text);
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(pushed([bytes.subarray(0, cut), bytes.subarray(cut)]).toString()).toBe(text);
    }
  });

  test("are told at once: only a beginning waits", () => {
    const stream = new WholeCharacters();
    expect(stream.push(Buffer.from([0x61, 0xf0, 0x9f])).length).toBe(1);
    expect(stream.push(Buffer.from([0x98])).length).toBe(0);
    expect(Buffer.from(stream.push(Buffer.from([0x80, 0x62]))).toString()).toBe("😀b");
  });

  test("that never end become U+FFFD at the end", () => {
    const stream = new WholeCharacters();
    stream.push(Buffer.from([0xe2, 0x82]));
    const end = stream.end();
    expect([[...end], Buffer.from(mended(end)).toString()]).toEqual([[0xe2, 0x82], "\ufffd"]);
    expect(stream.end().length).toBe(0);
  });
});

test.each([[[0xff]], [[0xc0, 0x80]], [[0xc1]], [[0xf5, 0x80, 0x80, 0x80]], [[0x80, 0x80, 0x80, 0x80]]])(
  "what begins no character waits for nothing: %j",
  (bytes) => {
    expect(Buffer.from(mended(new WholeCharacters().push(Buffer.from(bytes)))).toString()).toBe(
      decoded(Buffer.from(bytes)),
    );
  },
);

test("any bytes in any chunks are what the standard's decoder makes of the whole", () => {
  const { random, seed } = seededRandom();
  const interesting = [
    0x0a, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xf0, 0x90, 0xf4, 0x8f, 0xff,
  ];
  for (let round = 0; round < 5000; round++) {
    const bytes = Uint8Array.from({ length: random(24) }, () => interesting[random(interesting.length)] ?? 0);
    const chunks: Uint8Array[] = [];
    for (let from = 0; from < bytes.length; ) {
      const length = 1 + random(5);
      chunks.push(bytes.subarray(from, from + length));
      from += length;
    }
    const whole = pushed(chunks);
    expect(isUtf8(whole), `seed ${seed}, round ${round}`).toBe(true);
    expect(whole.toString(), `seed ${seed}, round ${round}`).toBe(decoded(bytes));
  }
});

test.each([
  ["abcdef", 0, 4, 4],
  ["abcdef", 2, 4, 6],
  ["abcdef", 5, 4, 6],
  ["abc€", 0, 4, 3],
  ["abc€", 0, 5, 3],
  ["abc€", 0, 6, 6],
  ["😀😀", 0, 7, 4],
  ["\x80\x80\x80\x80\x80\x80\x80\x80", 0, 6, 6],
])("a piece of %j from %i of at most %i bytes ends at %i", (text, from, most, end) => {
  const bytes = text.startsWith("\x80") ? Buffer.from(text, "latin1") : Buffer.from(text);
  expect(endOfPiece(bytes, from, most)).toBe(end);
});
