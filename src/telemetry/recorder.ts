/** Takes what the environment tells, and puts it where it belongs: LocalStack's log, init's stdout, the subscribers. */
import type { Clock } from "../clock.ts";
import type {
  EnvironmentEvents,
  InitPhase,
  InitReport,
  InvocationReport,
  InvocationStart,
  OutputSource,
} from "./events.ts";
import { LineSplitter } from "./log/line-splitter.ts";
import type { LogFormat } from "./log/log-format.ts";
import { Utf8Stream } from "./log/utf8-stream.ts";
import * as records from "./records.ts";
import type { TelemetryService } from "./subscribers/service.ts";

export interface RecorderOptions {
  readonly clock: Clock;
  readonly format: LogFormat;
  readonly telemetry: TelemetryService;
  readonly facts: records.FunctionFacts;
  /** Whether the function logs in JSON. */
  readonly isJsonFormat: boolean;
  /** Shows output as it is. */
  readonly show: (chunk: Uint8Array) => void;
  /** Milliseconds subscribers have, when a shutdown begins, to take what waits for them. */
  readonly flushMs: number;
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

  constructor(private readonly options: RecorderOptions) {}

  /** Each process has its characters put together for itself, for two may interleave in the middle of one. */
  receiveOutput(source: OutputSource): (chunk: Uint8Array) => void {
    const { format, telemetry, show } = this.options;
    const type = source.kind;
    const characters = new Utf8Stream();
    const lines = new LineSplitter((line) => this.#line(type, line));
    const take = (bytes: Uint8Array) => {
      if (bytes.length === 0) return;
      if (!format.takesLines) format.output(bytes);
      if (format.takesLines || telemetry.isListening) lines.push(textOf(bytes));
    };
    this.#streams.push({ type, lines, endCharacters: () => take(characters.end()) });
    return (chunk) => {
      take(characters.push(chunk));
      show(chunk);
    };
  }

  initStarted(phase: InitPhase): void {
    const { clock, format, telemetry, facts } = this.options;
    telemetry.openWindow();
    telemetry.record(records.initStart(clock.epoch(), phase, facts));
    format.initStarted(clock.epoch(), phase);
  }

  initEnded(report: InitReport): void {
    const { clock, format, telemetry, facts } = this.options;
    const at = clock.epoch();
    if (report.isRuntimeTried) telemetry.record(records.initRuntimeDone(at, report, facts));
    for (const extension of report.extensions) telemetry.record(records.extensionState(at, extension));
    telemetry.record(records.initReport(at, report, facts));
    telemetry.closeWindow();
    format.initEnded(at, report);
  }

  invocationStarted(start: InvocationStart): void {
    const { clock, format } = this.options;
    this.#flush("extension");
    format.started(clock.epoch(), start);
  }

  invocationDispatched(start: InvocationStart): void {
    const { clock, telemetry, facts } = this.options;
    if (telemetry.isListening) telemetry.record(records.start(clock.epoch(), start, facts));
  }

  invocationEnded(report: InvocationReport): void {
    const { clock, format, telemetry, facts } = this.options;
    this.#flush("function");
    const at = clock.epoch();
    format.ended(at, report);
    if (!telemetry.isListening) return;
    telemetry.record(records.runtimeDone(at, report));
    if (report.faultReason !== undefined) telemetry.record(records.fault(at, report));
    telemetry.record(records.invocationEnd(at, report));
    telemetry.record(records.report(at, report, facts));
  }

  restoreStarted(): void {}

  restoreEnded(): void {}

  extensionsFinished(): void {}

  async shutdownStarted(): Promise<void> {
    this.#flush("function");
    const { telemetry, flushMs } = this.options;
    if (telemetry.isListening) await telemetry.flush(flushMs);
  }

  processesEnded(): void {
    for (const stream of this.#streams) stream.endCharacters();
    this.#flush("function");
    this.#flush("extension");
    this.#streams = [];
    this.options.telemetry.endSubscriptions();
  }

  /** Output without a newline behind it, from whoever has nothing more to write for now. */
  #flush(type: OutputSource["kind"]): void {
    for (const stream of this.#streams) if (stream.type === type) stream.lines.flush();
  }

  #line(type: OutputSource["kind"], line: string): void {
    const { clock, format, telemetry, isJsonFormat } = this.options;
    const at = clock.epoch();
    if (format.takesLines) format.line(type, line, at);
    if (telemetry.isListening) telemetry.record(records.outputLine(at, type, line, isJsonFormat));
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
