/**
 * The lines of a text log that are not the function's, as AWS writes them and LocalStack parses them
 * (`docs/contract/localstack.md 12`).
 */
import type { InitPhase, Status } from "../events.ts";

export function startLine(requestId: string, functionVersion: string): string {
  return `START RequestId: ${requestId} Version: ${functionVersion}\n`;
}

export function endLine(requestId: string): string {
  return `END RequestId: ${requestId}\n`;
}

/** What processes that broke leave in the log, before END. */
export function faultLines(requestId: string, reason: string, errorType: string | undefined): string {
  const type = firstWord(errorType);
  return `RequestId: ${requestId} Error: ${reason}\n${type === undefined ? "" : `${type}\n`}`;
}

/** How something ended, as far as a line shows it. */
export interface LineStatus {
  readonly status: "timeout" | "error";
  readonly errorType?: string | undefined;
}

/** The figures of a REPORT line. Durations in milliseconds, sizes in whole MB. */
export interface ReportFigures {
  readonly requestId: string;
  readonly durationMs: number;
  readonly billedMs: number;
  readonly memorySizeMb: number;
  readonly maxMemoryMb: number;
  readonly initDurationMs?: number | undefined;
  readonly restoreDurationMs?: number | undefined;
  readonly end?: LineStatus | undefined;
}

/** Fields end with a tab, except the status, which ends the line. */
export function reportLine(figures: ReportFigures): string {
  const { initDurationMs, restoreDurationMs } = figures;
  const fields = [
    `REPORT RequestId: ${figures.requestId}`,
    `Duration: ${ms(figures.durationMs)}`,
    `Billed Duration: ${figures.billedMs} ms`,
    `Memory Size: ${figures.memorySizeMb} MB`,
    `Max Memory Used: ${figures.maxMemoryMb} MB`,
  ];
  if (initDurationMs !== undefined) fields.push(`Init Duration: ${ms(initDurationMs)}`);
  if (restoreDurationMs !== undefined) {
    fields.push(`Restore Duration: ${ms(restoreDurationMs)}`);
    fields.push(`Billed Restore Duration: ${Math.ceil(restoreDurationMs)} ms`);
  }
  return `${fields.join("\t")}\t${statusFields(figures.end).join("\t")}\n`;
}

/** @param end `undefined`: it succeeded, which has no phase either */
export function initReportLine(durationMs: number, phase: InitPhase, end: LineStatus | undefined): string {
  const fields = [`INIT_REPORT Init Duration: ${ms(durationMs)}`];
  if (end) fields.push(`Phase: ${phase}`, ...statusFields(end));
  return `${fields.join("\t")}\n`;
}

/** @param end `undefined`: it succeeded */
export function restoreReportLine(durationMs: number, end: LineStatus | undefined): string {
  return `${[`RESTORE_REPORT Restore Duration: ${ms(durationMs)}`, ...statusFields(end)].join("\t")}\n`;
}

/** @returns what a line shows of an end with this status and error type; `undefined`: nothing */
export function lineStatus(status: Status, errorType: string | undefined): LineStatus | undefined {
  if (status === "success") return undefined;
  return status === "timeout" ? { status } : { status: "error", errorType };
}

function statusFields(end: LineStatus | undefined): string[] {
  if (!end) return [];
  const type = firstWord(end.errorType);
  return [`Status: ${end.status}`, ...(type === undefined ? [] : [`Error Type: ${type}`])];
}

/** Types come from headers of the function: a tab or a break in one must not make a field or a line of its own. */
function firstWord(errorType: string | undefined): string | undefined {
  return /[\w.]+/.exec(errorType ?? "")?.[0];
}

function ms(duration: number): string {
  return `${duration.toFixed(2)} ms`;
}
