import { describe, expect, test } from "bun:test";
import { type Figures, toPhases, withExtensions } from "../../../src/frontend/emulator/phases.ts";

const figures: Figures = {
  requestId: "id",
  durationMs: 30,
  maxMemoryMb: 50,
  initDurationMs: undefined,
  spans: [
    { name: "responseLatency", startMs: 1005, durationMs: 10 },
    { name: "responseDuration", startMs: 1015, durationMs: 2 },
    { name: "runtimeOverhead", startMs: 1017, durationMs: 3 },
    { name: "another", startMs: 1020, durationMs: 1 },
  ],
};
const invocation = [
  { name: "invocation", startMs: 5, durationMs: 10 },
  { name: "response", startMs: 15, durationMs: 2 },
  { name: "overhead", startMs: 17, durationMs: 3 },
] as const;

describe("the phases of a call", () => {
  test("that did not wait", () => {
    expect(toPhases(figures, 1000, 0)).toEqual([...invocation]);
  });

  test("that waited its turn", () => {
    expect(toPhases(figures, 1000, 4)).toEqual([{ name: "queue", startMs: 0, durationMs: 4 }, ...invocation]);
  });

  test.each([
    ["began with it", 4, [{ name: "init", startMs: 0, durationMs: 4 }]],
    ["had begun before", 1, [{ name: "init", startMs: -3, durationMs: 4 }]],
    [
      "began later",
      9,
      [
        { name: "queue", startMs: 0, durationMs: 5 },
        { name: "init", startMs: 5, durationMs: 4 },
      ],
    ],
  ] as const)("whose init %s", (_, waitedMs, before) => {
    expect(toPhases({ ...figures, initDurationMs: 4 }, 1000, waitedMs)).toEqual([...before, ...invocation]);
  });

  test("for which extensions worked on", () => {
    expect(withExtensions(invocation, 7)).toEqual([...invocation, { name: "extensions", startMs: 20, durationMs: 7 }]);
    expect(withExtensions([], 0)).toEqual([]);
  });
});
