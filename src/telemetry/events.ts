/** What happens in the environment, as the environment tells it and telemetry records it. */

/** Whose output a line is: the runtime's process (with its internal extensions), or an external extension's. */
export type OutputSource = { readonly kind: "function" } | { readonly kind: "extension"; readonly name: string };

/** `invoke`: an init that runs again inside an invocation, because the last processes failed. */
export type InitPhase = "init" | "invoke";

/** `failure`: the function's own error, or the environment's; `error`: its processes broke. */
export type Status = "success" | "failure" | "error" | "timeout";

/** How an init phase ended. */
export interface InitReport {
  readonly phase: InitPhase;
  readonly status: Status;
  readonly errorType: string | undefined;
  /** Milliseconds, from the start of the first process. */
  readonly durationMs: number;
  /** Whether the runtime's start was tried: there is nothing to say of a runtime that waited for extensions in vain. */
  readonly isRuntimeTried: boolean;
  /** Whether the runtime had asked for its first event: what failed the init then was an extension. */
  readonly isRuntimeReady?: boolean;
  readonly extensions: readonly ExtensionReport[];
}

/** One extension at the end of init. */
export interface ExtensionReport {
  readonly name: string;
  readonly state: string;
  /** Sorted. */
  readonly events: readonly string[];
  readonly errorType: string | undefined;
}

/** How a restore after a snapshot ended. */
export interface RestoreReport {
  readonly status: Status;
  readonly errorType: string | undefined;
  /** Milliseconds, from the release of the runtime to its first poll. */
  readonly durationMs: number;
}

/** An invocation that begins. */
export interface InvocationStart {
  readonly requestId: string;
  /** With or without a qualifier. */
  readonly invokedFunctionArn?: string;
  /** The X-Ray header; empty: none. */
  readonly traceId: string;
}

/** A stretch of time within an invocation. */
export interface Span {
  readonly name: "responseLatency" | "responseDuration" | "runtimeOverhead" | "extensionOverhead";
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** The figures of one invocation. */
export interface InvocationReport extends InvocationStart {
  readonly status: Status;
  readonly errorType: string | undefined;
  /** The message behind the request id, where processes broke. */
  readonly faultReason: string | undefined;
  /** Whether an init, or a restore, that ran for it failed. */
  readonly isInitFailure?: boolean;
  /** Milliseconds, at most the function's timeout. */
  readonly durationMs: number;
  /** Milliseconds from the event's hand-over to the runtime's next poll, or to whatever ended the invocation. */
  readonly runtimeMs: number;
  /** Bytes of the response; `undefined` where there is none. */
  readonly producedBytes: number | undefined;
  readonly spans: readonly Span[];
  /** MB. */
  readonly maxMemoryMb: number;
  /** Milliseconds; only on the environment's first invocation. */
  readonly initDurationMs: number | undefined;
  /** Milliseconds; only on the invocation a snapshot was restored for. */
  readonly restoreDurationMs?: number | undefined;
  /** Extensions are still at work on it: `extensionsFinished` follows. */
  readonly areExtensionsBusy?: boolean;
}

/** What the environment tells while it happens. */
export interface EnvironmentEvents {
  /** A receiver for the output of one process, which takes the chunks over. A promise it returns is waited for. */
  receiveOutput(source: OutputSource): (chunk: Uint8Array) => unknown;
  initStarted(phase: InitPhase): void;
  initEnded(report: InitReport): void;
  /** A runtime that waited after its snapshot goes on, for the invocation that begins. */
  restoreStarted(): void;
  restoreEnded(report: RestoreReport): void;
  /** The invocation was taken up: whatever is written from now on is its own. */
  invocationStarted(start: InvocationStart): void;
  /** Its processes are about to get the event, or it is clear that none will. */
  invocationDispatched(start: InvocationStart): void;
  /** Everything the runtime wrote for it has been received. */
  invocationEnded(report: InvocationReport): void;
  /** Extensions worked on after `invocationEnded`, and are done or were given up. @param ms how long */
  extensionsFinished(start: InvocationStart, ms: number): void;
  /**
   * The runtime has been ended, extensions are about to be: what they subscribed to has to reach them now.
   * @returns resolves when it has, or when it took too long
   */
  shutdownStarted(): Promise<void>;
  /** All processes of a generation have ended, and everything they wrote was received. */
  processesEnded(): void;
}
