/** How a failed init is told to LocalStack, and how long init may take. */
import type { Config } from "./settings.ts";

export interface InitProtocol {
  /**
   * `status`: by a status error, at once. `invoke`: as the error of the first invocation, in which init is tried again.
   */
  readonly failure: "status" | "invoke";
  /** Seconds after which the first init counts as failed; `none`: it may take as long as it does. */
  readonly limit: number | "none" | "as on AWS";
}

type Given = Pick<Config, "initFailure" | "initPhaseTimeoutSeconds">;

/**
 * Only an operator who knows the newer protocol sets a limit: giving one chooses it. Without it LocalStack itself
 * watches over init, and a limit could only end what works.
 * @param foundDebugger what says that a debugger may wait: then nothing is cut off
 */
export function initProtocol(given: Given, foundDebugger: string | undefined): InitProtocol {
  const { initFailure, initPhaseTimeoutSeconds: stated } = given;
  const failure = initFailure ?? (stated === undefined ? "status" : "invoke");
  if (failure === "status" || stated === 0 || foundDebugger !== undefined) return { failure, limit: "none" };
  return { failure, limit: typeof stated === "number" ? stated : "as on AWS" };
}
