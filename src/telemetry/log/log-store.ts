/** Whose log a line goes into. */
import { parseObject } from "../records.ts";
import { LogBuffer, type LogText } from "./log-buffer.ts";

export interface LogStoreOptions {
  /** Bytes of output a log keeps; see `logBound`. */
  readonly maxBytes?: number | undefined;
  /** Is shown init's own lines too, those that belong together in one text. */
  readonly showLine?: ((text: string) => void) | undefined;
}

export interface LogStore {
  /** Whether output is wanted in lines, which name the invocation they belong to. */
  readonly sortsLines: boolean;
  /** Adds output as it came, in whole characters of valid UTF-8. */
  appendBytes(bytes: Uint8Array): void;
  /** Adds a line of output. @param line without its newline */
  appendLine(line: string): void;
  /**
   * Adds lines of init's own, on lines of their own.
   * @param requestId the invocation they are about; `undefined`: none
   */
  addLine(text: string, requestId?: string): void;
  /** An invocation begins. */
  begin(requestId: string): void;
  /** An invocation has ended: what is still to be added are init's last lines about it. */
  end(requestId: string): void;
  /** The log of an invocation that has ended, once. */
  take(requestId: string): LogText;
}

/** One invocation at a time: whatever is written is the log of the one whose log is taken next. */
export class SingleLog implements LogStore {
  readonly sortsLines = false;
  readonly #buffer: LogBuffer;

  constructor(private readonly options: LogStoreOptions = {}) {
    this.#buffer = new LogBuffer(options.maxBytes);
  }

  appendBytes(bytes: Uint8Array): void {
    this.#buffer.appendBytes(bytes);
  }

  appendLine(line: string): void {
    this.#buffer.append(`${line}\n`);
  }

  addLine(text: string): void {
    this.#buffer.addLine(text);
    this.options.showLine?.(text);
  }

  begin(): void {}

  end(): void {}

  take(): LogText {
    return this.#buffer.take();
  }
}

/**
 * Several invocations at a time: a JSON line that names a running one is its own; all others go with the one that ends
 * next.
 */
export class SortedLogs implements LogStore {
  readonly sortsLines = true;
  readonly #logs = new Map<string, LogBuffer>();
  readonly #running = new Set<string>();
  /** Lines that named no running invocation. */
  readonly #others: LogBuffer;

  constructor(private readonly options: LogStoreOptions = {}) {
    this.#others = new LogBuffer(options.maxBytes);
  }

  appendBytes(bytes: Uint8Array): void {
    this.#others.appendBytes(bytes);
  }

  appendLine(line: string): void {
    const requestId = requestIdIn(line);
    const isOfOne = requestId !== undefined && this.#running.has(requestId);
    (isOfOne ? this.#logOf(requestId) : this.#others).append(`${line}\n`);
  }

  addLine(text: string, requestId?: string): void {
    (requestId === undefined ? this.#others : this.#logOf(requestId)).addLine(text);
    this.options.showLine?.(text);
  }

  begin(requestId: string): void {
    this.#running.add(requestId);
  }

  end(requestId: string): void {
    this.#running.delete(requestId);
    this.#logOf(requestId).addLog(this.#others.take());
  }

  take(requestId: string): LogText {
    const log = this.#logOf(requestId).take();
    this.#logs.delete(requestId);
    return log;
  }

  #logOf(requestId: string): LogBuffer {
    let log = this.#logs.get(requestId);
    if (!log) {
      log = new LogBuffer(this.options.maxBytes);
      this.#logs.set(requestId, log);
    }
    return log;
  }
}

/** What the managed runtimes write into their JSON lines; Java's has a name of its own. */
function requestIdIn(line: string): string | undefined {
  const object = parseObject(line);
  const id = object?.requestId ?? object?.AWSRequestId;
  return typeof id === "string" ? id : undefined;
}
