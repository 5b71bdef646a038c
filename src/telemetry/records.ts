/**
 * Telemetry records in the dialects subscribers ask for: AWS's Telemetry API and Logs API schema references
 * (`docs/contract/lifecycle.md 7.5`; `docs/contract/telemetry-and-logs.md 1`).
 */

/** The schema versions of both APIs. */
export type Dialect =
  | "logs 2020-08-15"
  | "logs 2021-03-18"
  | "telemetry 2022-07-01"
  | "telemetry 2022-12-13"
  | "telemetry 2025-01-29";

/** What a subscriber may ask for. */
export const recordTypes = ["platform", "function", "extension"] as const;
export type RecordType = (typeof recordTypes)[number];

/** What does not change while the process lives. */
export interface FunctionFacts {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly memorySizeMb: number;
  /** `on-demand`, `provisioned-concurrency`, … */
  readonly initializationType: string;
  /** AWS gives the log stream's name. */
  readonly instanceId: string;
  /** A managed instance: invocations run at the same time, and are reported in short. */
  readonly isManaged?: boolean;
  /**
   * Whether Billed Duration includes Init Duration, as on AWS since August 2025. LocalStack's own tests want it
   * without.
   */
  readonly billsInit?: boolean;
}

/** One thing to record. */
export interface TelemetryEvent {
  readonly type: RecordType;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Only of a line of output: the line. */
  readonly line?: string;
  /**
   * The full type, such as `platform.start`, and the record in each dialect; `undefined`: this dialect has no such
   * record.
   */
  render(dialect: Dialect): { readonly type: string; readonly record: unknown } | undefined;
}

/** An event as it goes out: time, type, record, in this order. Times are RFC 3339, UTC, milliseconds. */
export function serialize(event: TelemetryEvent, dialect: Dialect): string | undefined {
  const rendered = event.render(dialect);
  if (!rendered) return undefined;
  const { type, record } = rendered;
  const time = isoTime(event.at);
  // As it was written: big numbers, doubled keys and deep nesting do not survive being read and written again.
  if (record instanceof JsonText) return `{"time":"${time}","type":"${type}","record":${record.text}}`;
  return JSON.stringify({ time, type, record });
}

/** A record that is JSON already. */
export class JsonText {
  constructor(readonly text: string) {}
}

/** Epoch milliseconds as RFC 3339 in UTC. Lines come many to a millisecond: the last text is kept. */
export function isoTime(at: number): string {
  if (at !== lastTime) {
    lastTime = at;
    lastText = new Date(at).toISOString();
  }
  return lastText;
}
let lastTime = Number.NaN;
let lastText = "";

/** A record only the Telemetry API has. */
export function telemetryOnly(at: number, type: string, record: object): TelemetryEvent {
  return { type: "platform", at, render: (dialect) => (isLogs(dialect) ? undefined : { type, record }) };
}

/** A record that is the same everywhere. */
export function everywhere(at: number, type: string, record: unknown): TelemetryEvent {
  return { type: "platform", at, render: () => ({ type, record }) };
}

/** A record only the Logs API has. */
export function logsOnly(at: number, type: string, record: unknown): TelemetryEvent {
  return { type: "platform", at, render: (dialect) => (isLogs(dialect) ? { type, record } : undefined) };
}

/** Told to all subscribers when one more subscribes. */
export function subscription(at: number, name: string, by: Dialect, types: readonly RecordType[]): TelemetryEvent {
  const type = isLogs(by) ? "platform.logsSubscription" : "platform.telemetrySubscription";
  return everywhere(at, type, { name, state: "Subscribed", types });
}

export function logsDropped(at: number, reason: string, droppedRecords: number, droppedBytes: number): TelemetryEvent {
  return everywhere(at, "platform.logsDropped", { reason, droppedRecords, droppedBytes });
}

/**
 * One line of output.
 * @param isJsonFormat the function logs in JSON: newer schemas carry its lines as the objects they are
 */
export function outputLine(
  at: number,
  type: "function" | "extension",
  line: string,
  isJsonFormat: boolean,
): TelemetryEvent {
  let record: JsonText | string | undefined;
  return {
    type,
    at,
    line,
    render(dialect) {
      const carriesObjects = dialect === "telemetry 2022-12-13" || dialect === "telemetry 2025-01-29";
      if (!isJsonFormat || !carriesObjects) return { type, record: line };
      record ??= parseObject(line) ? new JsonText(line.trim()) : line;
      return { type, record };
    },
  };
}

/** The text's JSON object; `undefined` when it is something else. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

export function isLogs(dialect: Dialect): boolean {
  return dialect.startsWith("logs");
}

/** Microsecond precision, as AWS's own figures have. */
export function toMilliseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Leaves out what is `undefined`. */
export function known<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
