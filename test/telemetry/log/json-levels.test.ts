import { describe, expect, test } from "bun:test";
import {
  applicationLevels,
  keepsApplicationLine,
  keepsSystemEvent,
  systemLevels,
  toApplicationLevel,
} from "../../../src/telemetry/log/json-levels.ts";

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const time = "2026-01-02T03:04:05.006Z";
const given = "2025-12-31T23:59:59.123Z";

/** The wanted levels at which a line is kept. */
const keptAt = (line: string) =>
  applicationLevels.filter((level) => keepsApplicationLine(line, level, at) !== undefined);

/** Those at which a line of this level is. */
const upTo = (level: (typeof applicationLevels)[number]) =>
  applicationLevels.slice(0, applicationLevels.indexOf(level) + 1);

describe("the name of an application level", () => {
  test.each([
    ["INFO", "INFO"],
    ["info", "INFO"],
    ["Warn", "WARN"],
    ["tRaCe", "TRACE"],
    ["debug", "DEBUG"],
    ["ERROR", "ERROR"],
    ["fatal", "FATAL"],
    ["warning", undefined],
    ["", undefined],
    [" info", undefined],
    [undefined, undefined],
    [null, undefined],
    [30, undefined],
    [["INFO"], undefined],
  ])("%j is %p", (text, level) => {
    expect(toApplicationLevel(text)).toBe(level as "INFO");
  });
});

describe("a line", () => {
  test.each(applicationLevels)("of the level %s is kept where that or more detail is wanted", (level) => {
    for (const spelled of [level, level.toLowerCase()]) {
      expect(keptAt(JSON.stringify({ timestamp: given, level: spelled }))).toEqual(upTo(level));
    }
  });

  test.each([
    ["text", "text"],
    ["nothing", ""],
    ["broken JSON", '{"level":"FATAL"'],
    ["a list", '[{"level":"FATAL"}]'],
    ["a quoted text", '"FATAL"'],
    ["an object without a level", JSON.stringify({ timestamp: given })],
    ["an object with an unknown level", JSON.stringify({ timestamp: given, level: "loud" })],
    ["an object with a number for a level", JSON.stringify({ timestamp: given, level: 50 })],
    ["an object with its level under another name", JSON.stringify({ timestamp: given, Level: "FATAL" })],
    ["an object without a timestamp", '{"level":"FATAL"}'],
    ["an object with a timestamp that is none", '{"level":"TRACE","timestamp":"today"}'],
  ])("that is %s counts as INFO", (_, line) => {
    expect(keptAt(line)).toEqual(upTo("INFO"));
  });

  test.each(["text", "", "{broken", ' {"timestamp":"2026-01-01T00:00:00Z", "n":1e2,"n":12345678901234567890} \r'])(
    "%j is kept as it is",
    (line) => {
      expect(keepsApplicationLine(line, "TRACE", at)).toBe(line);
    },
  );
});

describe("a timestamp", () => {
  test.each(["timestamp", "time", "@timestamp", "Timestamp"])("may be called %s", (key) => {
    const line = JSON.stringify({ level: "ERROR", [key]: given });
    expect(keepsApplicationLine(line, "ERROR", at)).toBe(line);
  });

  test.each([
    "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05.1Z",
    "2026-01-02T03:04:05.123456789Z",
    "2026-01-02t03:04:05z",
    "2026-01-02 03:04:05Z",
    "2026-01-02T03:04:05+01:00",
    "2026-01-02T03:04:05.5-11:30",
  ])("may be %s", (timestamp) => {
    const line = JSON.stringify({ timestamp });
    expect(keepsApplicationLine(line, "TRACE", at)).toBe(line);
  });

  test.each([
    "",
    "today",
    "2026-01-02",
    "2026-01-02T03:04Z",
    "2026-01-02T03:04:05",
    "2026-01-02T03:04:05.Z",
    "2026-13-02T03:04:05Z",
    "2026-01-02T25:04:05Z",
    "2026-01-02T03:04:05+0100",
    " 2026-01-02T03:04:05Z",
    "+002026-01-02T03:04:05Z",
    "2026-01-02T03:04:05Z\n",
    1_767_323_045_006,
    null,
    {},
  ])("is not %j, and gives way to the time of reading", (timestamp) => {
    const kept = keepsApplicationLine(JSON.stringify({ timestamp, level: "ERROR", n: 1 }), "INFO", at);
    expect(kept).toBe(JSON.stringify({ timestamp: time, level: "ERROR", n: 1 }));
  });

  test("is added behind the other keys where there is none", () => {
    expect(keepsApplicationLine('{ "message": "m", "__proto__": 1 }', "INFO", at)).toBe(
      `{ "message": "m", "__proto__": 1,"timestamp":"${time}"}`,
    );
  });

  test("is added to an object too deep to be written again, unless an invalid one would have to go", () => {
    const deep = (first: string) => `${`{${first}"a":`}${'{"a":'.repeat(500_000)}1${"}".repeat(500_001)}`;
    expect(keepsApplicationLine(deep(""), "INFO", at)).toBe(`${deep("").slice(0, -1)},"timestamp":"${time}"}`);
    const invalid = deep('"timestamp":1,');
    expect(keepsApplicationLine(invalid, "INFO", at)).toBe(invalid);
  });
});

describe("a system event", () => {
  /** AWS's table: the level of a success, and of everything else. */
  const table: [type: string, success: string, other: string][] = [
    ["platform.initStart", "DEBUG", "DEBUG"],
    ["platform.initRuntimeDone", "DEBUG", "WARN"],
    ["platform.initReport", "DEBUG", "WARN"],
    ["platform.restoreStart", "DEBUG", "DEBUG"],
    ["platform.restoreRuntimeDone", "DEBUG", "WARN"],
    ["platform.restoreReport", "INFO", "WARN"],
    ["platform.start", "INFO", "INFO"],
    ["platform.runtimeDone", "DEBUG", "WARN"],
    ["platform.report", "INFO", "WARN"],
    ["platform.extension", "INFO", "WARN"],
    ["platform.telemetrySubscription", "INFO", "INFO"],
    ["platform.somethingNew", "INFO", "INFO"],
  ];
  const keptAtLevels = (type: string, status: string, initializationType = "on-demand") =>
    systemLevels.filter((level) => keepsSystemEvent(type, status, initializationType, level));
  const upToSystem = (level: string) => systemLevels.slice(0, systemLevels.indexOf(level as "INFO") + 1);

  test.each(table)("%s has the level %s in success, and %s else", (type, success, other) => {
    expect(keptAtLevels(type, "success")).toEqual(upToSystem(success));
    for (const status of ["failure", "error", "timeout"]) expect(keptAtLevels(type, status)).toEqual(upToSystem(other));
  });

  test.each(["provisioned-concurrency", "snap-start"])("platform.initReport has another level in %s", (type) => {
    expect(keptAtLevels("platform.initReport", "success", type)).toEqual(upToSystem("INFO"));
    expect(keptAtLevels("platform.initReport", "error", type)).toEqual(upToSystem("WARN"));
  });
});
