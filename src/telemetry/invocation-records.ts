/** Records of one invocation. */
import type { InvocationReport, InvocationStart, Span } from "./events.ts";
import {
  type FunctionFacts,
  isLogs,
  isoTime,
  known,
  logsOnly,
  type TelemetryEvent,
  telemetryOnly,
  toMilliseconds,
} from "./records.ts";

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

/** Whole milliseconds: https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/ */
export function billedMs({ durationMs, initDurationMs }: InvocationReport, { billsInit }: FunctionFacts): number {
  return Math.ceil(billsInit ? durationMs + (initDurationMs ?? 0) : durationMs);
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
