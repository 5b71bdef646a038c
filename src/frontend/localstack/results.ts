/** Translates what the environment found into what LocalStack is told. */

import type { Outcome } from "../../environment/invocation.ts";
import { type Fault, faultBody, tooLargeBody } from "../../errors.ts";

/** A result callback. */
export interface Result {
  readonly channel: "response" | "error";
  readonly body: Uint8Array | string;
}

/** @returns what to post as the invocation's result; `undefined` when init was stopped before there was one */
export function toResult(outcome: Outcome, requestId: string, maxPayloadBytes: number): Result | undefined {
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
      return undefined;
  }
}

/** The body of a fault that no invocation has part in: its id is a new one (seed). */
export async function newFaultBody(fault: Fault): Promise<string> {
  // Loaded when the first fault happens: a good start has no use for it.
  const { v4: uuid } = await import("uuid");
  return faultBody(fault, uuid());
}

/**
 * The runtime's own init error with `requestId` set, every other field kept and in its order (decision 1).
 * What is no JSON object stays as it is, to the byte.
 * @param requestId the running invocation's; empty before any
 */
export function withRequestId(body: Uint8Array, requestId: string): Uint8Array | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return body;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return body;
  return JSON.stringify({ ...value, requestId });
}
