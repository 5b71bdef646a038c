/** Which lines of a JSON log are kept, by AWS's rules for levels: `docs/contract/telemetry-and-logs.md 3`. */
import { isoTime, parseObject } from "../records.ts";

/** From most to least detail. */
export const applicationLevels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const;
export type ApplicationLevel = (typeof applicationLevels)[number];

/** From most to least detail. */
export const systemLevels = ["DEBUG", "INFO", "WARN"] as const;
export type SystemLevel = (typeof systemLevels)[number];

/** The least level that is kept of each kind. */
export interface LogLevels {
  readonly application: ApplicationLevel;
  readonly system: SystemLevel;
}

/** Reads a level in any letter case; `undefined` when there is none of that name. */
export function toApplicationLevel(text: unknown): ApplicationLevel | undefined {
  if (typeof text !== "string") return undefined;
  const name = text.toUpperCase();
  return applicationLevels.find((level) => level === name);
}

/**
 * A line of the function as it is to be kept, or `undefined`: its level is below the wanted one. Text, broken JSON and
 * objects without a known level or a valid timestamp count as INFO; an object without a valid timestamp gets one:
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
 * @param at epoch milliseconds, when the line was read
 */
export function keepsApplicationLine(line: string, wanted: ApplicationLevel, at: number): string | undefined {
  const object = parseObject(line);
  const isTimed = object !== undefined && timestampKeys.some((key) => isRfc3339(object[key]));
  const level = (isTimed && toApplicationLevel(object.level)) || "INFO";
  if (applicationLevels.indexOf(level) < applicationLevels.indexOf(wanted)) return undefined;
  return !object || isTimed ? line : withTimestamp(line, object, isoTime(at));
}

/** The rest stays as it was written, unless an invalid timestamp stands in the way. */
function withTimestamp(line: string, object: Record<string, unknown>, timestamp: string): string {
  if (object.timestamp === undefined) {
    const open = line.trimEnd().slice(0, -1).trimEnd();
    return `${open}${open.endsWith("{") ? "" : ","}"timestamp":"${timestamp}"}`;
  }
  try {
    return JSON.stringify({ ...object, timestamp });
  } catch {
    // Nested so deeply that `JSON.parse` can read it and `JSON.stringify` cannot write it.
    return line;
  }
}

/** What the managed runtimes and common loggers call it. */
const timestampKeys = ["timestamp", "time", "@timestamp", "Timestamp"] as const;

function isRfc3339(value: unknown): boolean {
  return (
    typeof value === "string" &&
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}

type Rule = SystemLevel | ((isSuccess: boolean, initializationType: string) => SystemLevel);

const onlyFailures: Rule = (isSuccess) => (isSuccess ? "DEBUG" : "WARN");
const failuresLoud: Rule = (isSuccess) => (isSuccess ? "INFO" : "WARN");

/** AWS's table. `initStart` and `restoreStart` would be INFO with a known runtime version, which nobody tells us. */
const systemEventLevels: Readonly<Record<string, Rule>> = {
  "platform.initStart": "DEBUG",
  "platform.initRuntimeDone": onlyFailures,
  "platform.initReport": (isSuccess, type) => (!isSuccess ? "WARN" : type === "on-demand" ? "DEBUG" : "INFO"),
  "platform.restoreStart": "DEBUG",
  "platform.restoreRuntimeDone": onlyFailures,
  "platform.restoreReport": failuresLoud,
  "platform.start": "INFO",
  "platform.runtimeDone": onlyFailures,
  "platform.report": failuresLoud,
  "platform.extension": failuresLoud,
};

/** Whether a system event of this type and status belongs into a log of this level. */
export function keepsSystemEvent(
  type: string,
  status: string,
  initializationType: string,
  wanted: SystemLevel,
): boolean {
  const rule = systemEventLevels[type] ?? "INFO";
  const level = typeof rule === "string" ? rule : rule(status === "success", initializationType);
  return systemLevels.indexOf(level) >= systemLevels.indexOf(wanted);
}
