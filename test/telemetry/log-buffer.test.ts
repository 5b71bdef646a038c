import { describe, expect, test } from "bun:test";
import { LogBuffer } from "../../src/telemetry/log-buffer.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("output and lines stand in the order they came, and are taken once", () => {
  const buffer = new LogBuffer();
  const receive = buffer.receiveOutput();
  receive(bytes("early\n"));
  buffer.addLine("START\n");
  receive(bytes("output\n"));
  buffer.addLine("END\n");
  expect(buffer.take()).toBe("early\nSTART\noutput\nEND\n");
  expect(buffer.take()).toBe("");
});

test("a line of init's own never continues the function's", () => {
  const buffer = new LogBuffer();
  buffer.receiveOutput()(bytes("unfinished"));
  buffer.addLine("END\n");
  expect(buffer.take()).toBe("unfinished\nEND\n");
});

describe("characters of several bytes", () => {
  test("are put together again however they were cut, also while another stream writes in between", () => {
    const whole = bytes("aü€😀z");
    for (let cut = 0; cut <= whole.length; cut++) {
      const buffer = new LogBuffer();
      const [one, other] = [buffer.receiveOutput(), buffer.receiveOutput()];
      one(whole.subarray(0, cut));
      other(bytes("|"));
      one(whole.subarray(cut));
      expect(buffer.take().replace("|", "")).toBe("aü€😀z");
    }
  });

  test("that are none become U+FFFD", () => {
    const buffer = new LogBuffer();
    buffer.receiveOutput()(new Uint8Array([0x61, 0xff, 0x62]));
    expect(buffer.take()).toBe("a\uFFFDb");
  });
});

test("more than can be kept is counted, and the count is told once", () => {
  const buffer = new LogBuffer();
  const receive = buffer.receiveOutput();
  const chunk = bytes("x".repeat(64 * 1024 * 1024));
  for (let count = 0; count < 5; count++) receive(chunk);
  const text = buffer.take();
  expect(text.length).toBeLessThan(257 * 1024 * 1024);
  expect(text.slice(-120)).toContain(`\n${chunk.length} characters of output were dropped`);
  expect(buffer.take()).toBe("");
});
