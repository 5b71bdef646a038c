/** Translates what the environment found into what LocalStack is told. */

import type { Outcome } from "../../environment/invocation.ts";
import { type Fault, faultBody, messageOf, tooLargeBody } from "../../errors.ts";
import { log } from "../../log.ts";
import { withRequestId } from "./request-id.ts";

/** A result callback. */
export interface Result {
  readonly channel: "response" | "error";
  readonly body: Uint8Array | string;
}

/**
 * What the caller gets of an invocation that init's end cut off: without it, it would wait for LocalStack's own limit.
 */
const stoppedFault: Fault = {
  type: "Sandbox.Failure",
  reason: "The execution environment was stopped before the invocation had ended",
};

/**
 * What to post as the invocation's result. Never throws: a result that cannot be made is told as a fault of init's own,
 * for the caller would wait in vain for silence to end.
 */
export function toResult(outcome: Outcome, requestId: string, maxPayloadBytes: number): Result {
  try {
    return resultOf(outcome, requestId, maxPayloadBytes);
  } catch (error) {
    return { channel: "error", body: faultBody(failureInside("the result of an invocation", error), requestId) };
  }
}

/** The fault of a telling that went wrong inside init; logged. */
export function failureInside(what: string, error: unknown): Fault {
  log.error(`telling ${what} failed inside init, please report this:`, error);
  return { type: "Sandbox.Failure", reason: `Init failed over ${what}: ${messageOf(error)}` };
}

function resultOf(outcome: Outcome, requestId: string, maxPayloadBytes: number): Result {
  switch (outcome.kind) {
    case "response":
      return { channel: "response", body: outcome.body };
    case "error":
      return { channel: "error", body: outcome.body };
    case "init error":
      return { channel: "error", body: withRequestId(outcome.body, requestId) };
    case "fault":
    case "timeout":
      return { channel: "error", body: faultBody(outcome.fault, requestId) };
    case "too large":
      return { channel: "error", body: tooLargeBody(maxPayloadBytes) };
    case "stopped":
      return { channel: "error", body: faultBody(stoppedFault, requestId) };
    case "stream":
      throw new Error("a stream came for an invocation that had not asked for one");
  }
}

/** The body of a fault that no invocation has part in: its id is a new one (`docs/contract/decisions.md 2`). */
export async function newFaultBody(fault: Fault): Promise<string> {
  // Loaded when the first fault happens: a good start has no use for it.
  const { v4: uuid } = await import("uuid");
  return faultBody(fault, uuid());
}
