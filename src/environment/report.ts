/** The figures of an invocation that is over. */
import type { Clock } from "../clock.ts";
import { type Fault, tooLargeType } from "../errors.ts";
import type { InvocationReport, Span, Status } from "../telemetry/events.ts";
import type { Invocation, Outcome, Settlement } from "./invocation.ts";

/** What only the environment knows of it. */
export interface Measured {
  readonly clock: Clock;
  readonly durationMs: number;
  readonly maxMemoryMb: number;
  readonly initDurationMs: number | undefined;
  readonly restoreDurationMs: number | undefined;
  /** It ended because of an init or a restore that ran for it. */
  readonly isInitFailure: boolean;
  /** Extensions are still at work on it. */
  readonly areExtensionsBusy: boolean;
}

export function reportOn(invocation: Invocation, settlement: Settlement, measured: Measured): InvocationReport {
  const { outcome, faultAfterAnswer } = settlement;
  const { clock, durationMs, maxMemoryMb, initDurationMs, restoreDurationMs, isInitFailure, areExtensionsBusy } =
    measured;
  const { handedOver, over = clock.now() } = invocation.marks;
  const { requestId, traceId, invokedFunctionArn } = invocation.request;
  return {
    requestId,
    traceId,
    invokedFunctionArn,
    ...statusOf(outcome.kind === "stream" ? (invocation.streamBrokenBy ?? outcome) : outcome, faultAfterAnswer),
    durationMs,
    runtimeMs: handedOver === undefined ? 0 : over - handedOver,
    producedBytes: outcome.kind === "response" ? outcome.body.byteLength : invocation.streamedBytes,
    spans: spansOf(invocation, clock),
    maxMemoryMb,
    initDurationMs,
    restoreDurationMs,
    isInitFailure,
    areExtensionsBusy,
  };
}

/** `failure` where the function itself said so, or the environment is to blame; `error` where the processes broke. */
function statusOf(
  outcome: Outcome,
  faultAfterAnswer: Fault | undefined,
): Pick<InvocationReport, "status" | "errorType" | "faultReason"> {
  const fault = outcome.kind === "fault" ? outcome.fault : faultAfterAnswer;
  if (fault) {
    const status: Status = fault.type.startsWith("Sandbox.") ? "failure" : "error";
    return { status, errorType: fault.type, faultReason: fault.reason };
  }
  switch (outcome.kind) {
    case "error":
      return { status: "failure", errorType: outcome.errorType, faultReason: undefined };
    case "init error":
      return { status: "error", errorType: outcome.errorType, faultReason: undefined };
    case "too large":
      return { status: "error", errorType: tooLargeType, faultReason: undefined };
    case "timeout":
      return { status: "timeout", errorType: undefined, faultReason: outcome.fault.reason };
    case "stopped":
      return { status: "failure", errorType: undefined, faultReason: undefined };
    default:
      return { status: "success", errorType: undefined, faultReason: undefined };
  }
}

/** Whatever of the three was gone through to its end. */
function spansOf({ marks }: Invocation, clock: Clock): Span[] {
  const { handedOver, answering, answered, over } = marks;
  const sinceEpoch = clock.epoch() - clock.now();
  const spans: Span[] = [];
  const add = (name: Span["name"], from: number | undefined, to: number | undefined) => {
    if (from !== undefined && to !== undefined) spans.push({ name, startMs: from + sinceEpoch, durationMs: to - from });
  };
  add("responseLatency", handedOver, answering);
  add("responseDuration", answering, answered);
  add("runtimeOverhead", answered, over);
  return spans;
}
