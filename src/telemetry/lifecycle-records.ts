/** Records of what happens to an environment: its init, its restore, its extensions. */
import type { ExtensionReport, InitPhase, InitReport, RestoreReport } from "./events.ts";
import {
  everywhere,
  type FunctionFacts,
  isLogs,
  known,
  type TelemetryEvent,
  telemetryOnly,
  toMilliseconds,
} from "./records.ts";

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
