/** Fatal error types as AWS names them, the error bodies init sends, and the texts of exit reasons. */
/** Error types init itself gives. A runtime may report any other. */
export type FaultType =
  | "Runtime.ExitError"
  | "Runtime.InvalidEntrypoint"
  | "Runtime.InvalidWorkingDir"
  | "Runtime.InvalidTaskConfig"
  | "Runtime.InvalidResponseModeHeader"
  | "Runtime.TruncatedResponse"
  | "Function.ResponseSizeTooLarge"
  | "Extension.LaunchError"
  | "Extension.Crash"
  | "Extension.InitError"
  | "Extension.ExitError"
  | "Runtime.RestoreHookUserTimeout"
  | "Sandbox.Timedout"
  | "Sandbox.Timeout"
  | "Sandbox.Failure";

/** Why init, an invocation or an idle runtime ended, when the runtime did not say so itself. */
export interface Fault {
  readonly type: FaultType;
  /** The part of the message after `RequestId: <id> Error: `. */
  readonly reason: string;
}

/** How a process ended: by its own status (0 to 255), or by a signal (a name, or a number where it has none). */
export type Exit = { readonly code: number } | { readonly signal: string | number };

/**
 * The body of a fault for LocalStack: exactly two keys, and never `requestId` (`docs/contract/decisions.md 2`).
 * @param requestId the running invocation's, or a new UUID where there is none
 */
export function faultBody(fault: Fault, requestId: string): string {
  return JSON.stringify({
    errorMessage: `RequestId: ${requestId} Error: ${fault.reason}`,
    errorType: fault.type,
  });
}

/** What an unexpected end of the runtime means: `Runtime.ExitError` with the text AWS gives. */
export function runtimeExitFault(exit: Exit): Fault {
  const ending = describeExit(exit);
  return {
    type: "Runtime.ExitError",
    reason: ending ? `Runtime exited with error: ${ending}` : "Runtime exited without providing a reason",
  };
}

/**
 * What an unexpected end of an extension means: the type of what it reported before, else `Extension.Crash`; the text
 * is of its end in either case (`docs/contract/lifecycle.md 3.1`).
 */
export function extensionExitFault(exit: Exit, reported: "InitError" | "ExitError" | undefined): Fault {
  return { type: `Extension.${reported ?? "Crash"}`, reason: describeExit(exit) ?? "exit code 0" };
}

/** `exit status N` or `signal: <name>`; `undefined` for status 0, which gives no reason. */
export function describeExit(exit: Exit): string | undefined {
  if ("signal" in exit) return `signal: ${signalText(exit.signal)}`;
  return exit.code === 0 ? undefined : `exit status ${exit.code}`;
}

/** Recorded texts of the signals that have one (`docs/contract/lifecycle.md 3.2`); any other is `signal <number>`. */
const signalTexts: Readonly<Record<string, string>> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGQUIT: "quit",
  SIGILL: "illegal instruction",
  SIGTRAP: "trace/breakpoint trap",
  SIGABRT: "aborted",
  SIGIOT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGKILL: "killed",
  SIGUSR1: "user defined signal 1",
  SIGSEGV: "segmentation fault",
  SIGUSR2: "user defined signal 2",
  SIGPIPE: "broken pipe",
  SIGALRM: "alarm clock",
  SIGTERM: "terminated",
};

/** The numbers, on x86 and ARM alike, of the signals that have no text of their own. */
const signalNumbers: Readonly<Record<string, number>> = {
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPOLL: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

function signalText(signal: string | number): string {
  return signalTexts[signal] ?? `signal ${signalNumbers[signal] ?? signal}`;
}

/**
 * The message AWS gives for an invocation that ran into its timeout (`docs/contract/decisions.md 6`).
 * @param waitedFor which extension kept it from ever reaching the runtime, if that was the reason
 */
export function timeoutFault(timeoutSeconds: number, waitedFor?: string): Fault {
  const blame = waitedFor === undefined ? "" : ` while waiting for ${waitedFor}`;
  return { type: "Sandbox.Timedout", reason: `Task timed out after ${timeoutSeconds}.00 seconds${blame}` };
}

/** An init that took longer than it may. The type is the one of LocalStack's own init, without a `d`. */
export function initTimeoutFault(limitMs: number): Fault {
  return { type: "Sandbox.Timeout", reason: `Init phase timed out after ${limitMs / 1000} seconds` };
}

/** What a function does after its snapshot was restored took longer than it may. */
export function restoreTimeoutFault(limitMs: number): Fault {
  return {
    type: "Runtime.RestoreHookUserTimeout",
    reason: `Restore timed out after ${(limitMs / 1000).toFixed(2)} seconds`,
  };
}

/** The type of a response or error payload above the limit. */
export const tooLargeType = "Function.ResponseSizeTooLarge" satisfies FaultType;

/**
 * The body for a response or error payload above the limit. No request id in the text: recorded so on AWS
 * (`docs/contract/runtime-api.md 3.4`).
 * @param limit bytes
 */
export function tooLargeBody(limit: number): string {
  return JSON.stringify({
    errorMessage: `Response payload size exceeded maximum allowed payload size (${limit} bytes).`,
    errorType: tooLargeType,
  });
}

/**
 * Sorts the error type a runtime reports into what AWS stores: `Runtime.X` and `Function.X` stand as they are (anywhere
 * in the text, as recorded), the rest becomes `Function.Unknown` or `Runtime.Unknown` (`docs/contract/runtime-api.md
 * 11.2`).
 */
export function toStoredErrorType(reported: string | undefined): string {
  if (!reported) return "Runtime.Unknown";
  if (/(Runtime|Function)\.[A-Z][a-zA-Z]+/.test(reported)) return reported;
  return reported.startsWith("Function.") ? "Function.Unknown" : "Runtime.Unknown";
}

/** The text of anything thrown, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
