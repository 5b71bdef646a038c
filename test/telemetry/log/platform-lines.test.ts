import { describe, expect, test } from "bun:test";
import {
  endLine,
  faultLines,
  initReportLine,
  lineStatus,
  type ReportFigures,
  reportLine,
  restoreReportLine,
  startLine,
} from "../../../src/telemetry/log/platform-lines.ts";

const figures: ReportFigures = {
  requestId: "id-1",
  durationMs: 2.096,
  billedMs: 3,
  memorySizeMb: 128,
  maxMemoryMb: 36,
};
const upToMemory = (duration: string, billed: number) =>
  `REPORT RequestId: id-1\tDuration: ${duration} ms\tBilled Duration: ${billed} ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t`;

test("START and END name the request", () => {
  expect(startLine("id-1", "$LATEST")).toBe("START RequestId: id-1 Version: $LATEST\n");
  expect(endLine("id-1")).toBe("END RequestId: id-1\n");
});

describe("REPORT", () => {
  test.each<[string, Partial<ReportFigures>, string]>([
    ["ends with a tab", {}, `${upToMemory("2.10", 3)}\n`],
    [
      "has Init Duration after the memory",
      { initDurationMs: 423.984 },
      `${upToMemory("2.10", 3)}Init Duration: 423.98 ms\t\n`,
    ],
    [
      "has the restore and what is billed of it after the memory",
      { restoreDurationMs: 398.97 },
      `${upToMemory("2.10", 3)}Restore Duration: 398.97 ms\tBilled Restore Duration: 399 ms\t\n`,
    ],
    [
      "ends with the status of a timeout, without a tab behind it",
      { durationMs: 3000, billedMs: 3000, end: { status: "timeout" } },
      `${upToMemory("3000.00", 3000)}Status: timeout\n`,
    ],
    [
      "ends with the status of a timeout after Init Duration",
      { durationMs: 3000, billedMs: 3000, initDurationMs: 100, end: { status: "timeout" } },
      `${upToMemory("3000.00", 3000)}Init Duration: 100.00 ms\tStatus: timeout\n`,
    ],
    [
      "ends with the type of an error",
      { end: { status: "error", errorType: "Runtime.ExitError" } },
      `${upToMemory("2.10", 3)}Status: error\tError Type: Runtime.ExitError\n`,
    ],
    ["has no type where there is none", { end: { status: "error" } }, `${upToMemory("2.10", 3)}Status: error\n`],
  ])("%s", (_, changed, line) => {
    expect(reportLine({ ...figures, ...changed })).toBe(line);
  });
});

describe("INIT_REPORT", () => {
  test.each([
    [12.345, "init", undefined, "INIT_REPORT Init Duration: 12.35 ms\n"],
    [9999.79, "init", { status: "timeout" }, "INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout\n"],
    [
      4.87,
      "invoke",
      { status: "error", errorType: "Runtime.ExitError" },
      "INIT_REPORT Init Duration: 4.87 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError\n",
    ],
  ] as const)("of %d ms in %s that ended with %j", (duration, phase, end, line) => {
    expect(initReportLine(duration, phase, end)).toBe(line);
  });
});

test.each([
  [undefined, "RESTORE_REPORT Restore Duration: 511.25 ms\n"],
  [{ status: "timeout" }, "RESTORE_REPORT Restore Duration: 511.25 ms\tStatus: timeout\n"],
  [
    { status: "error", errorType: "Runtime.AfterRestoreError" },
    "RESTORE_REPORT Restore Duration: 511.25 ms\tStatus: error\tError Type: Runtime.AfterRestoreError\n",
  ],
] as const)("RESTORE_REPORT of a restore that ended with %j", (end, line) => {
  expect(restoreReportLine(511.25, end)).toBe(line);
});

test.each([
  ["Runtime.ExitError", "RequestId: id-1 Error: why\nRuntime.ExitError\n"],
  [undefined, "RequestId: id-1 Error: why\n"],
])("what broke, with the type %p, stands on lines of its own", (type, lines) => {
  expect(faultLines("id-1", "why", type)).toBe(lines);
});

describe("only the first word of an error type", () => {
  test.each([
    ["Runtime.Own", "Runtime.Own"],
    ["my_Type.2", "my_Type.2"],
    ["Runtime.Own\tStatus: timeout", "Runtime.Own"],
    ["Runtime.Own\nREPORT RequestId: forged", "Runtime.Own"],
    ["Runtime.Own\r\nx", "Runtime.Own"],
    ["two words", "two"],
    ["\t\n Own", "Own"],
    ["Größe", "Gr"],
    ["a-b", "a"],
  ])("is written: of %j", (type, word) => {
    const end = { status: "error", errorType: type } as const;
    expect(reportLine({ ...figures, end })).toEndWith(`\tStatus: error\tError Type: ${word}\n`);
    expect(initReportLine(1, "init", end)).toEndWith(`\tError Type: ${word}\n`);
    expect(restoreReportLine(1, end)).toEndWith(`\tError Type: ${word}\n`);
    expect(faultLines("id-1", "why", type)).toBe(`RequestId: id-1 Error: why\n${word}\n`);
  });

  test.each(["", "\t", "→"])("is left out where there is none: of %j", (type) => {
    expect(reportLine({ ...figures, end: { status: "error", errorType: type } })).toEndWith("\tStatus: error\n");
    expect(faultLines("id-1", "why", type)).toBe("RequestId: id-1 Error: why\n");
  });
});

test.each([
  ["success", undefined],
  ["timeout", { status: "timeout" }],
  ["error", { status: "error", errorType: "T" }],
  ["failure", { status: "error", errorType: "T" }],
] as const)("lines show the status %s as %j", (status, end) => {
  expect(lineStatus(status, "T")).toEqual(end);
});
