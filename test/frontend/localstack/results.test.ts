import { expect, test } from "bun:test";
import type { Outcome } from "../../../src/environment/invocation.ts";
import { newFaultBody, toResult } from "../../../src/frontend/localstack/results.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  [{ kind: "response", body: bytes("r"), contentType: "" }, "response", "r"],
  [{ kind: "error", body: "e", contentType: "", errorType: "E" }, "error", "e"],
  [{ kind: "init error", body: bytes('{"a":1.0}'), errorType: "E" }, "error", '{"a":1.0,"requestId":"id"}'],
  [
    { kind: "fault", fault: { type: "Runtime.ExitError", reason: "gone" } },
    "error",
    '{"errorMessage":"RequestId: id Error: gone","errorType":"Runtime.ExitError"}',
  ],
  [
    { kind: "timeout", fault: { type: "Sandbox.Timedout", reason: "late" } },
    "error",
    '{"errorMessage":"RequestId: id Error: late","errorType":"Sandbox.Timedout"}',
  ],
  [
    { kind: "too large" },
    "error",
    '{"errorMessage":"Response payload size exceeded maximum allowed payload size (7 bytes).","errorType":"Function.ResponseSizeTooLarge"}',
  ],
  [
    { kind: "stopped" },
    "error",
    '{"errorMessage":"RequestId: id Error: The execution environment was stopped before the invocation had ended","errorType":"Sandbox.Failure"}',
  ],
] as [Outcome, string, string][])("%j is told", (outcome, channel, body) => {
  const told = toResult(outcome, "id", 7);
  expect([told.channel, Buffer.from(told.body).toString()]).toEqual([channel, body]);
});

test("a fault outside of any invocation has an id of its own each time", async () => {
  const fault = { type: "Sandbox.Failure", reason: "r" } as const;
  const told = [await newFaultBody(fault), await newFaultBody(fault)];
  for (const body of told)
    expect(body).toMatch(/^\{"errorMessage":"RequestId: [0-9a-f-]{36} Error: r","errorType":"Sandbox\.Failure"\}$/);
  expect(told[0]).not.toBe(told[1]);
});
