/**
 * What the environment found, as the caller of Invoke is told it (docs/contract/emulator.md 2.2;
 * `docs/contract/emulator.md E1`).
 */
import type { Outcome } from "../../environment/invocation.ts";
import { faultBody, tooLargeBody, tooLargeType } from "../../errors.ts";

/** Bytes a buffered response may have: a hundred more than an event. */
export const maxResponseBytes = 6_291_556;

/** A result that is there as a whole. */
export interface Result {
  readonly body: Uint8Array | string;
  readonly contentType: string;
  /** The function or its runtime failed; `undefined`: all was well. */
  readonly errorType: string | undefined;
}

/** An outcome whose body does not come in pieces. */
export type WholeOutcome = Exclude<Outcome, { kind: "stream" }>;

const json = "application/json";

/**
 * The bytes of a function or init error are the runtime's own; a fault has exactly two keys (`docs/contract/emulator.md
 * E1`).
 */
export function toResult(outcome: WholeOutcome, requestId: string): Result {
  switch (outcome.kind) {
    case "response":
      return { body: outcome.body, contentType: outcome.contentType || json, errorType: undefined };
    case "error":
      return { body: outcome.body, contentType: outcome.contentType || json, errorType: outcome.errorType };
    case "init error":
      return { body: outcome.body, contentType: json, errorType: outcome.errorType };
    case "fault":
    case "timeout":
      return { body: faultBody(outcome.fault, requestId), contentType: json, errorType: outcome.fault.type };
    case "too large":
      return { body: tooLargeBody(maxResponseBytes), contentType: json, errorType: tooLargeType };
    case "stopped": {
      const fault = {
        type: "Sandbox.Failure",
        reason: "The emulator was stopped before the function answered",
      } as const;
      return { body: faultBody(fault, requestId), contentType: json, errorType: fault.type };
    }
  }
}
