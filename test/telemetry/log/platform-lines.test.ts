import { describe, expect, test } from "bun:test";
import { endLine, reportLine, startLine } from "../../../src/telemetry/log/platform-lines.ts";

const figures = {
  requestId: "id-1",
  durationMs: 2.096,
  memorySizeMb: 128,
  maxMemoryMb: 36,
  initDurationMs: undefined as number | undefined,
  isTimeout: false,
};
const upToMemory = (duration: string, billed: number) =>
  `REPORT RequestId: id-1\tDuration: ${duration} ms\tBilled Duration: ${billed} ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t`;

test("START and END name the request", () => {
  expect(startLine("id-1", "$LATEST")).toBe("START RequestId: id-1 Version: $LATEST\n");
  expect(endLine("id-1")).toBe("END RequestId: id-1\n");
});

describe("REPORT", () => {
  test.each([
    ["ends with a tab", {}, `${upToMemory("2.10", 3)}\n`],
    ["bills a whole millisecond as it is", { durationMs: 3 }, `${upToMemory("3.00", 3)}\n`],
    ["bills nothing for nothing", { durationMs: 0 }, `${upToMemory("0.00", 0)}\n`],
    [
      "has Init Duration after the memory",
      { initDurationMs: 423.984 },
      `${upToMemory("2.10", 3)}Init Duration: 423.98 ms\t\n`,
    ],
    [
      "ends with the status of a timeout, without a tab behind it",
      { durationMs: 3000, isTimeout: true },
      `${upToMemory("3000.00", 3000)}Status: timeout\n`,
    ],
    [
      "has both in their order",
      { durationMs: 3000, isTimeout: true, initDurationMs: 1 },
      `${upToMemory("3000.00", 3000)}Init Duration: 1.00 ms\tStatus: timeout\n`,
    ],
  ])("%s", (_, given, line) => {
    expect(reportLine({ ...figures, ...given })).toBe(line);
  });
});
