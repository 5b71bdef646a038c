/** One call from the command line: its result on stdout, everything else on stderr, the exit status tells how it went. */
import type { Call, Invoker } from "./invoker.ts";
import { toResult } from "./results.ts";

export interface OneShotOptions {
  readonly invoker: Invoker;
  readonly functionArn: string;
  /** The event as it was read. */
  readonly event: string;
}

export interface OneShotResult {
  readonly body: Uint8Array | string;
  /** The function failed. */
  readonly hasFailed: boolean;
}

/** @throws {AwsError} if it cannot be invoked */
export async function invokeOnce({ invoker, functionArn, event }: OneShotOptions): Promise<OneShotResult> {
  const requestId = crypto.randomUUID();
  const call: Call = {
    requestId,
    invokedFunctionArn: functionArn,
    payload: event.trim() === "" ? "{}" : event,
    traceId: "",
    clientContext: "",
    cognitoIdentity: "",
    tenantId: "",
    source: "once",
    attempt: 1,
    takesStream: false,
  };
  const { outcome } = await invoker.invoke(call, invoker.reserve(requestId));
  // Its REPORT belongs to what is shown, also of a runtime that does not poll again.
  await invoker.idle();
  if (outcome.kind === "stream") throw new Error("a call from the command line is never streamed");
  const { body, errorType } = toResult(outcome, requestId);
  return { body, hasFailed: errorType !== undefined };
}
