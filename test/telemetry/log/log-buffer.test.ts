import { expect, test } from "bun:test";
import { LogBuffer } from "../../../src/telemetry/log/log-buffer.ts";

test("output and lines stand in the order they came, and are taken once", () => {
  const buffer = new LogBuffer();
  buffer.append("early\n");
  buffer.addLine("START\n");
  buffer.append("output\n");
  buffer.addLine("END\n");
  expect(buffer.take()).toBe("early\nSTART\noutput\nEND\n");
  expect(buffer.take()).toBe("");
});

test("a line of init's own never continues the function's", () => {
  const buffer = new LogBuffer();
  buffer.append("unfinished");
  buffer.addLine("END\n");
  expect(buffer.take()).toBe("unfinished\nEND\n");
});

test("more than can be kept is counted, and the count is told once", () => {
  const buffer = new LogBuffer();
  const chunk = "x".repeat(64 * 1024 * 1024);
  for (let count = 0; count < 5; count++) buffer.append(chunk);
  const text = buffer.take();
  expect(text.length).toBeLessThan(257 * 1024 * 1024);
  expect(text.slice(-120)).toContain(`\n${chunk.length} characters of output were dropped`);
  expect(buffer.take()).toBe("");
});
