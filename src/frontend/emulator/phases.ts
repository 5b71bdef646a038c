/** The phases of an invocation, for a time line drawn to scale. */
import type { InvocationReport } from "../../telemetry/events.ts";

export type PhaseName = "queue" | "init" | "extensions" | "invocation" | "response" | "overhead";

/** A stretch of time within a call. */
export interface Phase {
  readonly name: PhaseName;
  /** Milliseconds after the call came in; below 0 for an init that was over before. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** Names of AWS's spans, and of the phases they are. */
const spanPhases = {
  responseLatency: "invocation",
  responseDuration: "response",
  runtimeOverhead: "overhead",
} as const;

/** @param acceptedAt epoch milliseconds at which the call came in */
export function toPhases(report: InvocationReport, acceptedAt: number): Phase[] {
  return report.spans.map(({ name, startMs, durationMs }) => ({
    name: spanPhases[name],
    startMs: startMs - acceptedAt,
    durationMs,
  }));
}
