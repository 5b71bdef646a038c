/**
 * The two forms of the function's log: AWS's text (`docs/contract/telemetry-and-logs.md 2`) and AWS's JSON
 * (`docs/contract/telemetry-and-logs.md 3`).
 */
import type { InitPhase, InitReport, InvocationReport, InvocationStart } from "../events.ts";
import * as records from "../records.ts";
import { keepsApplicationLine, keepsSystemEvent, type LogLevels } from "./json-levels.ts";
import type { LogBuffer } from "./log-buffer.ts";
import { endLine, reportLine, startLine } from "./platform-lines.ts";

/** Writes what happens into the log buffer. */
export interface LogFormat {
  /** Whether `line` is called for each line of output; otherwise `output` is, for each chunk. */
  readonly takesLines: boolean;
  /** @param bytes whole characters in valid UTF-8 */
  output(bytes: Uint8Array): void;
  line(type: "function" | "extension", line: string, at: number): void;
  initStarted(at: number, phase: InitPhase): void;
  initEnded(at: number, report: InitReport): void;
  started(at: number, start: InvocationStart): void;
  ended(at: number, report: InvocationReport): void;
}

/** START, output as it was written, END, REPORT. */
export class TextFormat implements LogFormat {
  readonly takesLines = false;

  constructor(
    private readonly buffer: LogBuffer,
    private readonly facts: records.FunctionFacts,
  ) {}

  output(bytes: Uint8Array): void {
    this.buffer.appendBytes(bytes);
  }

  line(): void {}

  initStarted(): void {}

  initEnded(): void {}

  started(_: number, { requestId }: InvocationStart): void {
    this.buffer.addLine(startLine(requestId, this.facts.functionVersion));
  }

  ended(_: number, report: InvocationReport): void {
    this.buffer.addLine(endLine(report.requestId));
    const { memorySizeMb } = this.facts;
    this.buffer.addLine(reportLine({ ...report, memorySizeMb, isTimeout: report.status === "timeout" }));
  }
}

/** One JSON record a line, each kept or left out by its level. Extensions' lines have no level and are all kept. */
export class JsonFormat implements LogFormat {
  readonly takesLines = true;

  constructor(
    private readonly buffer: LogBuffer,
    private readonly facts: records.FunctionFacts,
    private readonly levels: LogLevels,
  ) {}

  output(): void {}

  line(type: "function" | "extension", line: string, at: number): void {
    const kept = type === "function" ? keepsApplicationLine(line, this.levels.application, at) : line;
    if (kept !== undefined) this.buffer.append(`${kept}\n`);
  }

  initStarted(at: number, phase: InitPhase): void {
    this.#add(records.initStart(at, phase, this.facts), "success");
  }

  initEnded(at: number, report: InitReport): void {
    if (report.isRuntimeTried) this.#add(records.initRuntimeDone(at, report, this.facts), report.status);
    for (const extension of report.extensions) {
      this.#add(records.extensionState(at, extension), extension.errorType ? "error" : "success");
    }
    this.#add(records.initReport(at, report, this.facts), report.status);
  }

  started(at: number, start: InvocationStart): void {
    this.#add(records.start(at, start, this.facts), "success");
  }

  ended(at: number, report: InvocationReport): void {
    this.#add(records.runtimeDone(at, report), report.status);
    this.#add(records.report(at, report, this.facts), report.status);
  }

  #add(event: records.TelemetryEvent, status: string): void {
    const rendered = event.render(jsonDialect);
    if (!rendered || !keepsSystemEvent(rendered.type, status, this.facts.initializationType, this.levels.system))
      return;
    this.buffer.addLine(`${records.serialize(event, jsonDialect)}\n`);
  }
}

/** System records have the form of the newest schema. */
const jsonDialect = "telemetry 2025-01-29";
