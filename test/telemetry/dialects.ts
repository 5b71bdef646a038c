/** Records as each dialect has them. */
import { expect } from "bun:test";
import * as records from "../../src/telemetry/records.ts";

export const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
export const time = "2026-01-02T03:04:05.006Z";

export const dialects = [
  "logs 2020-08-15",
  "logs 2021-03-18",
  "telemetry 2022-07-01",
  "telemetry 2022-12-13",
  "telemetry 2025-01-29",
] as const satisfies records.Dialect[];
export const [oldLogs, newLogs] = dialects;
export const telemetry = dialects.slice(2);
export const logs = [oldLogs, newLogs];

/** The record's JSON text in each dialect, without the time; `undefined` where there is none. */
export function texts(event: records.TelemetryEvent): Record<string, string | undefined> {
  const entries = dialects.map((dialect) => {
    const text = records.serialize(event, dialect);
    if (text === undefined) return [dialect, undefined];
    const start = `{"time":"${time}","type":`;
    expect(text).toStartWith(start);
    return [dialect, text.slice(start.length, -1)];
  });
  return Object.fromEntries(entries);
}

/** What `texts` gives for a record that these dialects have, and no other. */
export function only(having: readonly records.Dialect[], type: string, record: string) {
  return Object.fromEntries(
    dialects.map((dialect) => [dialect, having.includes(dialect) ? `"${type}","record":${record}` : undefined]),
  );
}

export const facts: records.FunctionFacts = {
  functionName: "fn",
  functionVersion: "$LATEST",
  memorySizeMb: 128,
  initializationType: "on-demand",
  instanceId: "",
};
