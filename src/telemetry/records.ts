/**
 * Telemetry records in the dialects subscribers ask for: AWS's Telemetry API and Logs API schema references
 * (`docs/contract/lifecycle.md 7.5`; `docs/contract/telemetry-and-logs.md 1`).
 */
import type {
  ExtensionReport,
  InitPhase,
  InitReport,
  InvocationReport,
  InvocationStart,
  RestoreReport,
  Span,
} from "./events.ts";

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

/** Whole milliseconds: https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/ */
export function billedMs({ durationMs, initDurationMs }: InvocationReport, { billsInit }: FunctionFacts): number {
  return Math.ceil(billsInit ? durationMs + (initDurationMs ?? 0) : durationMs);
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
function telemetryOnly(at: number, type: string, record: object): TelemetryEvent {
  return { type: "platform", at, render: (dialect) => (isLogs(dialect) ? undefined : { type, record }) };
}

/** A record that is the same everywhere. */
function everywhere(at: number, type: string, record: unknown): TelemetryEvent {
  return { type: "platform", at, render: () => ({ type, record }) };
}

/** A record only the Logs API has. */
function logsOnly(at: number, type: string, record: unknown): TelemetryEvent {
  return { type: "platform", at, render: (dialect) => (isLogs(dialect) ? { type, record } : undefined) };
}

export function initStart(at: number, phase: InitPhase, facts: FunctionFacts): TelemetryEvent {
  const { initializationType } = facts;
  return telemetryOnly(at, "platform.initStart", { initializationType, phase, ...instanceOf(facts) });
}

function instanceOf({ functionName, functionVersion, instanceId, memorySizeMb }: FunctionFacts): object {
  return {
    functionName,
    functionVersion,
    ...(instanceId === "" ? {} : { instanceId }),
    // Bytes, as recorded on AWS; the example in its reference has MB.
    instanceMaxMemory: memorySizeMb * 1024 * 1024,
  };
}

export function initRuntimeDone(at: number, report: InitReport, { initializationType }: FunctionFacts): TelemetryEvent {
  const { phase, status, errorType, isRuntimeReady } = report;
  const end = isRuntimeReady ? { status: "success" } : { status, ...known({ errorType }) };
  return telemetryOnly(at, "platform.initRuntimeDone", { initializationType, phase, ...end });
}

export function initReport(at: number, report: InitReport, { initializationType }: FunctionFacts): TelemetryEvent {
  const { phase, status, errorType, durationMs } = report;
  const metrics = { durationMs: toMilliseconds(durationMs) };
  return telemetryOnly(at, "platform.initReport", {
    initializationType,
    phase,
    status,
    ...known({ errorType }),
    metrics,
  });
}

export function restoreStart(at: number, facts: FunctionFacts): TelemetryEvent {
  const type = "platform.restoreStart";
  return { type: "platform", at, render: (dialect) => ({ type, record: isLogs(dialect) ? {} : instanceOf(facts) }) };
}

export function restoreRuntimeDone(at: number, { status, errorType }: RestoreReport): TelemetryEvent {
  return telemetryOnly(at, "platform.restoreRuntimeDone", { status, ...known({ errorType }) });
}

export function restoreReport(at: number, { status, errorType, durationMs }: RestoreReport): TelemetryEvent {
  const type = "platform.restoreReport";
  const metrics = { durationMs: toMilliseconds(durationMs) };
  const billed = { metrics: { ...metrics, billedDurationMs: Math.ceil(durationMs) } };
  const record = { status, ...known({ errorType }), metrics };
  return { type: "platform", at, render: (dialect) => ({ type, record: isLogs(dialect) ? billed : record }) };
}

export function extensionState(at: number, { name, state, events, errorType }: ExtensionReport): TelemetryEvent {
  return everywhere(at, "platform.extension", { name, state, events, ...known({ errorType }) });
}

export function start(at: number, begun: InvocationStart, { functionVersion }: FunctionFacts): TelemetryEvent {
  const { requestId } = begun;
  const version = functionVersion;
  const traced = known({ tracing: tracing(begun) });
  const type = "platform.start";
  return {
    type: "platform",
    at,
    render(dialect) {
      if (isLogs(dialect)) return { type, record: { requestId, version } };
      const functionArn = dialect === "telemetry 2022-07-01" ? undefined : unqualified(begun.invokedFunctionArn);
      return { type, record: { requestId, ...known({ functionArn }), version, ...traced } };
    },
  };
}

/** The function's ARN without the version or alias that was invoked. */
function unqualified(arn: string | undefined): string | undefined {
  return arn?.split(":").slice(0, 7).join(":") || undefined;
}

export function runtimeDone(at: number, report: InvocationReport): TelemetryEvent {
  const { requestId, status, errorType, runtimeMs, producedBytes, spans } = report;
  return {
    type: "platform",
    at,
    render(dialect) {
      const type = "platform.runtimeDone";
      if (dialect === "logs 2020-08-15") return undefined;
      // This version knows three words: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
      if (isLogs(dialect)) return { type, record: { requestId, status: status === "error" ? "failure" : status } };
      const metrics = { durationMs: toMilliseconds(runtimeMs), ...known({ producedBytes }) };
      const traced = known({ tracing: tracing(report) });
      const record = { requestId, status, ...known({ errorType }), metrics, spans: spans.map(toSpan), ...traced };
      return { type, record };
    },
  };
}

export function invocationEnd(at: number, { requestId }: InvocationReport): TelemetryEvent {
  return logsOnly(at, "platform.end", { requestId });
}

export function fault(at: number, { requestId, faultReason, errorType }: InvocationReport): TelemetryEvent {
  // A timeout has no type.
  const lines = [`RequestId: ${requestId} Error: ${faultReason}`, errorType].filter((line) => line !== undefined);
  return logsOnly(at, "platform.fault", lines.join("\n"));
}

/** @param overhead what extensions took beyond the runtime, where they did */
export function report(at: number, ended: InvocationReport, facts: FunctionFacts, overhead?: Span): TelemetryEvent {
  const { requestId, status, errorType, durationMs, maxMemoryMb, initDurationMs, restoreDurationMs } = ended;
  if (facts.isManaged) return managedReport(at, ended);
  const metrics = {
    durationMs: toMilliseconds(durationMs),
    billedDurationMs: billedMs(ended, facts),
    memorySizeMB: facts.memorySizeMb,
    maxMemoryUsedMB: maxMemoryMb,
    ...(initDurationMs === undefined ? {} : { initDurationMs: toMilliseconds(initDurationMs) }),
    ...(restoreDurationMs === undefined ? {} : { restoreDurationMs: toMilliseconds(restoreDurationMs) }),
  };
  const spans = overhead && [toSpan(overhead)];
  return {
    type: "platform",
    at,
    render(dialect) {
      const type = "platform.report";
      if (isLogs(dialect)) return { type, record: { requestId, metrics } };
      const traced = known({ tracing: tracing(ended) });
      return { type, record: { requestId, status, ...known({ errorType }), metrics, ...known({ spans }), ...traced } };
    },
  };
}

/**
 * All there is to tell of an invocation on a managed instance, which has no `platform.runtimeDone`:
 * https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
 */
function managedReport(at: number, ended: InvocationReport): TelemetryEvent {
  const { requestId, status, errorType, durationMs } = ended;
  const spans = ended.spans.filter(({ name }) => name === "responseLatency" || name === "responseDuration").map(toSpan);
  const metrics = { durationMs: toMilliseconds(durationMs) };
  const traced = known({ tracing: tracing(ended) });
  return telemetryOnly(at, "platform.report", {
    requestId,
    status,
    ...known({ errorType }),
    metrics,
    spans,
    ...traced,
  });
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

function isLogs(dialect: Dialect): boolean {
  return dialect.startsWith("logs");
}

/** `TraceContext`: only where the caller gave a header. The span is the one the header names as the parent. */
function tracing({ traceId }: InvocationStart): object | undefined {
  if (traceId === "") return undefined;
  const spanId = /(?:^|;)\s*Parent=([^;]+)/.exec(traceId)?.[1];
  return { ...known({ spanId }), type: "X-Amzn-Trace-Id", value: traceId };
}

function toSpan({ name, startMs, durationMs }: Span) {
  return { name, start: isoTime(startMs), durationMs: toMilliseconds(durationMs) };
}

/** Microsecond precision, as AWS's own figures have. */
function toMilliseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Leaves out what is `undefined`. */
function known<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
