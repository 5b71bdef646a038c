/** Every budget of an execution environment, in milliseconds unless a name says otherwise. */

/**
 * The init phase: 10 seconds on demand; the greater of 130 seconds and the function's timeout under provisioned
 * concurrency, before a snapshot, and on managed instances. Afterwards an on-demand function starts anew inside its
 * first invocation: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 * @param type `AWS_LAMBDA_INITIALIZATION_TYPE`
 */
export function initMs(type: string, timeoutSeconds: number): number {
  return type === "on-demand" ? 10_000 : Math.max(130_000, timeoutSeconds * 1000);
}

/**
 * Loading a snapshot and what the function does after it:
 * https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks.html
 */
export const restoreMs = 10_000;

/**
 * What a reset or the shutdown may take to end the processes; the runtime's part of it where extensions wait for it.
 */
export const shutdownMs = 2000;
export const runtimeShutdownMs = shutdownMs * 0.3;

/** An extension that reported an error has this long to end by itself; its exit gives the reason. */
export const extensionLastWordsMs = 1000;

/** A report of an init error that is still being read when the runtime has ended is waited for so long. */
export const lostReportMs = 500;

/** A runtime that ends so soon after an invocation that failed ended because of it. */
export const aftermathMs = 500;

/** After so long the log names the extensions that hold up init. */
export const patienceMs = 5000;

/** How often the memory of a running function is looked at; its end is always looked at. */
export const memorySampleEveryMs = 100;

/** Bytes of a streamed response: https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html */
export const maxStreamedBytes = 200 * 1024 * 1024;
