/** Takes what the environment tells, and puts it where it belongs: LocalStack's log, init's stdout, the subscribers. */
import type { Clock } from "../clock.ts";
import { log } from "../log.ts";
import type {
  EnvironmentEvents,
  InitPhase,
  InitReport,
  InvocationReport,
  InvocationStart,
  OutputSource,
  RestoreReport,
} from "./events.ts";
import * as invocation from "./invocation-records.ts";
import * as lifecycle from "./lifecycle-records.ts";
import { LineSplitter, maxLineLength } from "./log/line-splitter.ts";
import type { LogFormat } from "./log/log-format.ts";
import { mended, WholeCharacters } from "./log/whole-characters.ts";
import * as records from "./records.ts";
import type { TelemetryService } from "./subscribers/service.ts";

export interface RecorderOptions {
  readonly clock: Clock;
  readonly format: LogFormat;
  readonly telemetry: TelemetryService;
  readonly facts: records.FunctionFacts;
  /** Whether the function logs in JSON. */
  readonly isJsonFormat: boolean;
  /**
   * Shows output as it is, in whole characters, and takes its memory over. A promise it returns holds up whoever
   * writes.
   */
  readonly show: (chunk: Uint8Array) => unknown;
  /** Milliseconds subscribers have, when a shutdown begins, to take what waits for them. */
  readonly flushMs: number;
  /** Is told what was measured of each invocation. */
  readonly onMeasured?: (report: InvocationReport) => void;
  /** Is told for how many milliseconds extensions worked on after an invocation. */
  readonly onExtensionsFinished?: (requestId: string, ms: number) => void;
}

/** The output of one process. */
interface Stream {
  readonly type: OutputSource["kind"];
  readonly lines: LineSplitter;
  /** Takes what is left of a character whose end never came. */
  readonly endCharacters: () => void;
}

export class Recorder implements EnvironmentEvents {
  #streams: Stream[] = [];
  /** Lines that were too long. */
  #cutLines = 0;
  /** Invocations that extensions still work on, by request id. */
  readonly #unreported = new Map<string, InvocationReport>();

  constructor(private readonly options: RecorderOptions) {}

  /** Each process has its characters put together for itself, for two may interleave in the middle of one. */
  receiveOutput(source: OutputSource): (chunk: Uint8Array) => unknown {
    const { format, telemetry, show } = this.options;
    const type = source.kind;
    const characters = new WholeCharacters();
    const lines = new LineSplitter(
      (line, isPiece) => this.#line(type, line, isPiece),
      () => this.#warnOfCut(source),
    );
    const take = (bytes: Uint8Array) => {
      if (bytes.length === 0) return undefined;
      const text = mended(bytes);
      if (!format.takesLines) format.output(text);
      if (format.takesLines || telemetry.isListening) lines.push(textOf(text));
      return show(bytes);
    };
    this.#streams.push({ type, lines, endCharacters: () => void take(characters.end()) });
    return (chunk) => take(characters.push(chunk));
  }

  initStarted(phase: InitPhase): void {
    const { clock, format, telemetry, facts } = this.options;
    telemetry.openWindow();
    telemetry.record(lifecycle.initStart(clock.epoch(), phase, facts));
    format.initStarted(clock.epoch(), phase);
  }

  initEnded(report: InitReport): void {
    const { clock, format, telemetry, facts } = this.options;
    const at = clock.epoch();
    if (report.isRuntimeTried) telemetry.record(lifecycle.initRuntimeDone(at, report, facts));
    for (const extension of report.extensions) telemetry.record(lifecycle.extensionState(at, extension));
    telemetry.record(lifecycle.initReport(at, report, facts));
    telemetry.closeWindow();
    format.initEnded(at, report);
  }

  restoreStarted(): void {
    const { clock, format, telemetry, facts } = this.options;
    const at = clock.epoch();
    telemetry.record(lifecycle.restoreStart(at, facts));
    format.restoreStarted(at);
  }

  restoreEnded(report: RestoreReport): void {
    const { clock, format, telemetry } = this.options;
    const at = clock.epoch();
    telemetry.record(lifecycle.restoreRuntimeDone(at, report));
    telemetry.record(lifecycle.restoreReport(at, report));
    format.restoreEnded(at, report);
  }

  invocationStarted(start: InvocationStart): void {
    const { clock, format, facts } = this.options;
    if (!facts.isManaged) this.#flush("extension");
    format.started(clock.epoch(), start);
  }

  invocationDispatched(start: InvocationStart): void {
    const { clock, telemetry, facts } = this.options;
    if (telemetry.isListening) telemetry.record(invocation.start(clock.epoch(), start, facts));
  }

  invocationEnded(report: InvocationReport): void {
    const { clock, format, telemetry, facts } = this.options;
    if (!facts.isManaged) this.#flush("function");
    const at = clock.epoch();
    format.ended(at, report);
    this.options.onMeasured?.(report);
    if (!telemetry.isListening) return;
    if (!facts.isManaged) telemetry.record(invocation.runtimeDone(at, report));
    if (report.faultReason !== undefined) telemetry.record(invocation.fault(at, report));
    if (report.areExtensionsBusy) this.#unreported.set(report.requestId, report);
    else this.#report(report);
  }

  extensionsFinished({ requestId }: InvocationStart, ms: number): void {
    this.options.onExtensionsFinished?.(requestId, ms);
    const report = this.#unreported.get(requestId);
    if (report) this.#report(report, ms);
  }

  /**
   * What an invocation came to, when everything for it is done.
   * @param overheadMs what extensions took beyond the runtime
   */
  #report(report: InvocationReport, overheadMs?: number): void {
    const { clock, telemetry, facts } = this.options;
    const at = clock.epoch();
    const overhead =
      overheadMs === undefined
        ? undefined
        : ({ name: "extensionOverhead", startMs: at - overheadMs, durationMs: overheadMs } as const);
    this.#unreported.delete(report.requestId);
    telemetry.record(invocation.invocationEnd(at, report));
    telemetry.record(invocation.report(at, report, facts, overhead));
  }

  async shutdownStarted(): Promise<void> {
    this.#flush("function");
    // No extension will tell any more that it is done.
    for (const report of this.#unreported.values()) this.#report(report);
    const { telemetry, flushMs } = this.options;
    if (telemetry.isListening) await telemetry.flush(flushMs);
  }

  processesEnded(): void {
    for (const stream of this.#streams) stream.endCharacters();
    this.#flush("function");
    this.#flush("extension");
    this.#streams = [];
    this.#unreported.clear();
    this.options.telemetry.endSubscriptions();
  }

  /**
   * Output without a newline behind it, from whoever has nothing more to write for now. Where invocations run side by
   * side, that is nobody: the line may be another one's.
   */
  #flush(type: OutputSource["kind"]): void {
    for (const stream of this.#streams) if (stream.type === type) stream.lines.flush();
  }

  #warnOfCut(source: OutputSource): void {
    this.#cutLines++;
    const whose = source.kind === "function" ? "the function" : `the extension ${source.name}`;
    log.warn(`a line of ${whose} has more than ${maxLineLength} characters and was cut, ${this.#cutLines} so far`);
  }

  #line(type: OutputSource["kind"], line: string, isPiece: boolean): void {
    const { clock, format, telemetry, isJsonFormat } = this.options;
    const at = clock.epoch();
    if (format.takesLines) format.line(type, line, at, isPiece);
    if (telemetry.isListening) telemetry.record(records.outputLine(at, type, line, isJsonFormat));
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
