import { describe, expect, test } from "bun:test";
import * as records from "../../src/telemetry/records.ts";
import { at, dialects, only, texts } from "./dialects.ts";

describe("subscriptions and drops", () => {
  test.each([
    ["telemetry 2022-07-01", "platform.telemetrySubscription"],
    ["telemetry 2025-01-29", "platform.telemetrySubscription"],
    ["logs 2020-08-15", "platform.logsSubscription"],
    ["logs 2021-03-18", "platform.logsSubscription"],
  ] as const)("a subscription in %s is %s, told everywhere", (by, type) => {
    expect(texts(records.subscription(at, "a", by, ["platform", "function"]))).toEqual(
      only(dialects, type, '{"name":"a","state":"Subscribed","types":["platform","function"]}'),
    );
  });

  test("platform.logsDropped is told everywhere", () => {
    expect(texts(records.logsDropped(at, "why", 3, 700))).toEqual(
      only(dialects, "platform.logsDropped", '{"reason":"why","droppedRecords":3,"droppedBytes":700}'),
    );
  });
});

describe("a line of output", () => {
  const object = '{"level":"INFO","n":[1,{"a":null}]}';
  const withObjects = ["telemetry 2022-12-13", "telemetry 2025-01-29"] as const;

  test.each(["function", "extension"] as const)("of the %s is a text", (type) => {
    for (const line of ["text", "", ' "quoted"\t\r', object, "\u2028€😀"]) {
      expect(texts(records.outputLine(at, type, line, false))).toEqual(only(dialects, type, JSON.stringify(line)));
    }
  });

  test.each(["function", "extension"] as const)("of the %s is its object where it logs in JSON", (type) => {
    expect(texts(records.outputLine(at, type, object, true))).toEqual({
      ...only(dialects, type, JSON.stringify(object)),
      ...Object.fromEntries(withObjects.map((dialect) => [dialect, `"${type}","record":${object}`])),
    });
  });

  test.each(["text", "", "1", "null", "true", '"text"', "[1]", "{", '{"a":1', '{"a":1} x', "{a:1}", "{'a':1}"])(
    "is a text where it is no object: %s",
    (line) => {
      expect(texts(records.outputLine(at, "function", line, true))).toEqual(
        only(dialects, "function", JSON.stringify(line)),
      );
    },
  );

  test("may have blanks and a carriage return around its object", () => {
    const text = records.serialize(records.outputLine(at, "function", ' \t{"a":1} \r', true), "telemetry 2022-12-13");
    expect(JSON.parse(text as string).record).toEqual({ a: 1 });
  });

  test("that is an object stands as it was written, whatever reading and writing it again would make of it", () => {
    const deep = `${'{"a":'.repeat(500_000)}1${"}".repeat(500_000)}`;
    const text = records.serialize(records.outputLine(at, "function", deep, true), "telemetry 2022-12-13");
    expect(text).toEndWith(`,"record":${deep}}`);
    const odd = '{ "big": 12345678901234567890, "big": 1e400 }';
    expect(records.serialize(records.outputLine(at, "function", odd, true), "telemetry 2025-01-29")).toEndWith(
      `,"record":${odd}}`,
    );
  });
});

describe("times", () => {
  test("are UTC with milliseconds, whatever came before", () => {
    for (const ms of [0, 1, 1, 999.9, 0, at, at]) expect(records.isoTime(ms)).toBe(new Date(ms).toISOString());
  });
});
