/**
 * The two forms of the function's log: AWS's text (`docs/contract/telemetry-and-logs.md 2`) and AWS's JSON
 * (`docs/contract/telemetry-and-logs.md 3`).
 */
import type { InitPhase, InitReport, InvocationReport, InvocationStart, RestoreReport } from "../events.ts";
import * as invocation from "../invocation-records.ts";
import * as lifecycle from "../lifecycle-records.ts";
import * as records from "../records.ts";
import { keepsApplicationLine, keepsSystemEvent, type LogLevels } from "./json-levels.ts";
import type { LogStore } from "./log-store.ts";
import {
  endLine,
  faultLines,
  initReportLine,
  type LineStatus,
  lineStatus,
  reportLine,
  restoreReportLine,
  startLine,
} from "./platform-lines.ts";

/** Writes what happens into the log. */
export interface LogFormat {
  /** Whether `line` is called for each line of output; otherwise `output` is, for each chunk. */
  readonly takesLines: boolean;
  /** @param bytes whole characters in valid UTF-8 */
  output(bytes: Uint8Array): void;
  /** @param isPiece it is only a piece of a line that is too long */
  line(type: "function" | "extension", line: string, at: number, isPiece: boolean): void;
  initStarted(at: number, phase: InitPhase): void;
  initEnded(at: number, report: InitReport): void;
  restoreStarted(at: number): void;
  restoreEnded(at: number, report: RestoreReport): void;
  started(at: number, start: InvocationStart): void;
  ended(at: number, report: InvocationReport): void;
}

export interface TextOptions {
  /**
   * Whether failed inits have a line, and REPORT their status: LocalStack of the first protocol writes these itself.
   */
  readonly initReports: boolean;
}

/** START, output as it was written, END, REPORT. */
export class TextFormat implements LogFormat {
  readonly takesLines: boolean;

  constructor(
    private readonly logs: LogStore,
    private readonly facts: records.FunctionFacts,
    private readonly options: TextOptions = { initReports: false },
  ) {
    this.takesLines = logs.sortsLines;
  }

  output(bytes: Uint8Array): void {
    this.logs.appendBytes(bytes);
  }

  line(_: string, line: string): void {
    this.logs.appendLine(line);
  }

  initStarted(): void {}

  /** On AWS a good init has no line where the environment is on demand: its first REPORT has the figure. */
  initEnded(_: number, { status, phase, durationMs, errorType }: InitReport): void {
    if (!this.options.initReports) return;
    const isOnDemand = this.facts.initializationType === "on-demand";
    if (status === "success" && (isOnDemand || phase === "invoke")) return;
    this.logs.addLine(initReportLine(durationMs, phase, lineStatus(status, errorType)));
  }

  restoreStarted(): void {}

  restoreEnded(_: number, { status, durationMs, errorType }: RestoreReport): void {
    this.logs.addLine(restoreReportLine(durationMs, lineStatus(status, errorType)));
  }

  started(_: number, { requestId }: InvocationStart): void {
    this.logs.begin(requestId);
    this.logs.addLine(startLine(requestId, this.facts.functionVersion), requestId);
  }

  ended(_: number, report: InvocationReport): void {
    const { requestId, faultReason, errorType } = report;
    const { facts } = this;
    this.logs.end(requestId);
    if (faultReason !== undefined && report.status !== "timeout") {
      this.logs.addLine(faultLines(requestId, faultReason, errorType), requestId);
    }
    const { memorySizeMb } = facts;
    const figures = { ...report, memorySizeMb, billedMs: invocation.billedMs(report, facts), end: this.#endOf(report) };
    // In one, for those who read our stdout write by write.
    this.logs.addLine(`${endLine(requestId)}${reportLine(figures)}`, requestId);
  }

  /** An error that the handler reported gives REPORT no status: on AWS it has none either. */
  #endOf({ status, errorType, faultReason, isInitFailure }: InvocationReport): LineStatus | undefined {
    if (status === "timeout") return { status };
    const isBroken = faultReason !== undefined || (isInitFailure && this.options.initReports);
    return isBroken ? { status: "error", errorType } : undefined;
  }
}

/** One JSON record a line, each kept or left out by its level. Extensions' lines have no level and are all kept. */
export class JsonFormat implements LogFormat {
  readonly takesLines = true;

  constructor(
    private readonly logs: LogStore,
    private readonly facts: records.FunctionFacts,
    private readonly levels: LogLevels,
  ) {}

  output(): void {}

  line(type: "function" | "extension", line: string, at: number, isPiece: boolean): void {
    // A piece says nothing about the level of its whole line, so it is kept.
    const kept = type === "function" && !isPiece ? keepsApplicationLine(line, this.levels.application, at) : line;
    if (kept !== undefined) this.logs.appendLine(kept);
  }

  initStarted(at: number, phase: InitPhase): void {
    this.#add(lifecycle.initStart(at, phase, this.facts), "success");
  }

  initEnded(at: number, report: InitReport): void {
    const runtimeStatus = report.isRuntimeReady ? "success" : report.status;
    if (report.isRuntimeTried) this.#add(lifecycle.initRuntimeDone(at, report, this.facts), runtimeStatus);
    for (const extension of report.extensions) {
      this.#add(lifecycle.extensionState(at, extension), extension.errorType ? "error" : "success");
    }
    this.#add(lifecycle.initReport(at, report, this.facts), report.status);
  }

  restoreStarted(at: number): void {
    this.#add(lifecycle.restoreStart(at, this.facts), "success");
  }

  restoreEnded(at: number, report: RestoreReport): void {
    this.#add(lifecycle.restoreRuntimeDone(at, report), report.status);
    this.#add(lifecycle.restoreReport(at, report), report.status);
  }

  started(at: number, start: InvocationStart): void {
    this.logs.begin(start.requestId);
    this.#add(invocation.start(at, start, this.facts), "success", start.requestId);
  }

  ended(at: number, report: InvocationReport): void {
    const { requestId, status } = report;
    this.logs.end(requestId);
    if (!this.facts.isManaged) this.#add(invocation.runtimeDone(at, report), status, requestId);
    this.#add(invocation.report(at, report, this.facts), status, requestId);
  }

  #add(event: records.TelemetryEvent, status: string, requestId?: string): void {
    const rendered = event.render(jsonDialect);
    if (!rendered || !keepsSystemEvent(rendered.type, status, this.facts.initializationType, this.levels.system))
      return;
    this.logs.addLine(`${records.serialize(event, jsonDialect)}\n`, requestId);
  }
}

/** System records have the form of the newest schema. */
const jsonDialect = "telemetry 2025-01-29";
