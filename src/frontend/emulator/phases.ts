/** The phases of a call, for a time line drawn to scale. */

export type PhaseName = "queue" | "init" | "invocation" | "response" | "overhead" | "extensions";

/** A stretch of time within a call. */
export interface Phase {
  readonly name: PhaseName;
  /** Milliseconds after the call came in; below 0 for an init that had begun before. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** What an environment measures of an invocation: the figures of REPORT, and AWS's spans. */
export interface Figures {
  readonly requestId: string;
  readonly durationMs: number;
  readonly maxMemoryMb: number;
  /** Only of an environment's first invocation. */
  readonly initDurationMs: number | undefined;
  /** Their start in epoch milliseconds. */
  readonly spans: readonly { readonly name: string; readonly startMs: number; readonly durationMs: number }[];
}

/** AWS's names of spans, and of the phases they are. */
const spanPhases: Readonly<Record<string, PhaseName>> = {
  responseLatency: "invocation",
  responseDuration: "response",
  runtimeOverhead: "overhead",
};

/**
 * @param acceptedAt epoch milliseconds at which the call came in
 * @param waitedMs milliseconds until it had an environment whose init was over
 */
export function toPhases({ spans, initDurationMs = 0 }: Figures, acceptedAt: number, waitedMs: number): Phase[] {
  const phases: Phase[] = [];
  const initStartMs = waitedMs - initDurationMs;
  if (initStartMs > 0) phases.push({ name: "queue", startMs: 0, durationMs: initStartMs });
  if (initDurationMs > 0) phases.push({ name: "init", startMs: initStartMs, durationMs: initDurationMs });
  for (const { name, startMs, durationMs } of spans) {
    const phase = spanPhases[name];
    if (phase) phases.push({ name: phase, startMs: startMs - acceptedAt, durationMs });
  }
  return phases;
}

/** What extensions did for a call after its runtime was done with it. */
export function withExtensions(phases: readonly Phase[], durationMs: number): Phase[] {
  const endMs = Math.max(0, ...phases.map((phase) => phase.startMs + phase.durationMs));
  return durationMs > 0 ? [...phases, { name: "extensions", startMs: endMs, durationMs }] : [...phases];
}
