/** How a failed init is told to LocalStack, and how long init may take. */
import type { Config } from "./settings.ts";

/** Seconds AWS gives the init phase of an on-demand function, and of any other at least. */
const limitSeconds = { onDemand: 10, others: 130 } as const;

export interface InitProtocol {
  /** `status`: by a status error, at once. `invoke`: as the error of the first invocation, in which init is tried again. */
  readonly failure: "status" | "invoke";
  /** After which a boot counts as failed; `undefined`: it may take as long as it does. */
  readonly limitSeconds: number | undefined;
}

type Given = Pick<Config, "initFailure" | "initPhaseTimeoutSeconds" | "initializationType" | "timeoutSeconds">;

/**
 * Only an operator who knows the newer protocol sets a limit: giving one chooses it. Without it LocalStack itself watches
 * over init, and a limit could only end what works.
 * @param debugger_ what says that a debugger may wait: then nothing is cut off
 */
export function initProtocol(given: Given, debugger_: string | undefined): InitProtocol {
  const { initFailure, initPhaseTimeoutSeconds: stated, initializationType, timeoutSeconds } = given;
  const failure = initFailure ?? (stated === undefined ? "status" : "invoke");
  if (failure === "status" || stated === 0 || debugger_ !== undefined) return { failure, limitSeconds: undefined };
  if (typeof stated === "number") return { failure, limitSeconds: stated };
  const isOnDemand = initializationType === "on-demand";
  return { failure, limitSeconds: isOnDemand ? limitSeconds.onDemand : Math.max(limitSeconds.others, timeoutSeconds) };
}
