/** What LocalStack is told of the first init. */
import type { InitOutcome } from "../../environment/init-outcome.ts";
import { type Fault, initTimeoutFault } from "../../errors.ts";
import { withRequestId } from "./request-id.ts";
import { newFaultBody } from "./results.ts";

/**
 * How a failed init is told. `status`: at once, by a status error; the environment is over. `invoke`: an on-demand
 * environment is ready all the same and tries again inside the first invocation, which then has the error; nothing but
 * a failed start of another type is ever told by a status error (`docs/contract/lifecycle-2.md` 1.4).
 */
export type InitFailure = "status" | "invoke";

export interface FailureProtocol {
  readonly initFailure: InitFailure;
  /** `AWS_LAMBDA_INITIALIZATION_TYPE`. */
  readonly initializationType: string;
}

/** The body of a status error; `undefined`: the environment is ready. */
export type StartStatus = { readonly body: Uint8Array | string } | undefined;

export async function toStartStatus(outcome: InitOutcome, protocol: FailureProtocol): Promise<StartStatus> {
  const isTriedAgain = protocol.initFailure === "invoke" && protocol.initializationType === "on-demand";
  if (outcome.kind === "ready" || isTriedAgain) return undefined;
  // Before any invocation there is no id.
  if (outcome.kind === "init error") return { body: withRequestId(outcome.body, "") };
  return { body: await newFaultBody(faultOf(outcome)) };
}

function faultOf(outcome: Exclude<InitOutcome, { kind: "ready" | "init error" }>): Fault {
  switch (outcome.kind) {
    case "fault":
      return outcome.fault;
    case "overdue":
      return initTimeoutFault(outcome.limitMs);
    case "cancelled":
      return { type: "Sandbox.Failure", reason: "Init was called off before it had ended" };
  }
}
