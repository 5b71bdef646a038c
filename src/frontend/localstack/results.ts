/** Translates what the environment found into what LocalStack is told. */

import type { Outcome } from "../../environment/invocation.ts";
import { type Fault, faultBody, tooLargeBody } from "../../errors.ts";
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

/** @returns what to post as the invocation's result */
export function toResult(outcome: Outcome, requestId: string, maxPayloadBytes: number): Result {
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
    // A stream goes to nobody but who asked for one, which LocalStack does not.
    case "stream":
    case "stopped":
      return { channel: "error", body: faultBody(stoppedFault, requestId) };
  }
}

/** The body of a fault that no invocation has part in: its id is a new one (`docs/contract/decisions.md 2`). */
export async function newFaultBody(fault: Fault): Promise<string> {
  // Loaded when the first fault happens: a good start has no use for it.
  const { v4: uuid } = await import("uuid");
  return faultBody(fault, uuid());
}
