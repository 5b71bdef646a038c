/** Which policy an environment has under LocalStack. */
import { initMs } from "../environment/limits.ts";
import { managedInstance, oneAtATime, type Policy } from "../environment/policy.ts";
import type { InitProtocol } from "../settings/init-protocol.ts";
import type { Config } from "../settings/settings.ts";

type Given = Pick<Config, "initializationType" | "maxConcurrency" | "timeoutSeconds">;

/** @param debugger_ what says that a debugger may wait: then nothing is cut off */
export function localstackPolicy(given: Given, protocol: InitProtocol, debugger_: string | undefined): Policy {
  const { initializationType, maxConcurrency, timeoutSeconds } = given;
  const limitMs = limitOf(protocol, initializationType, timeoutSeconds);
  if (maxConcurrency !== undefined) {
    const own = debugger_ === undefined ? initMs("lambda-managed-instances", timeoutSeconds) : undefined;
    return managedInstance(maxConcurrency, limitMs ?? own);
  }
  if (protocol.failure === "status") return oneAtATime;
  const isOnDemand = initializationType === "on-demand";
  return {
    ...oneAtATime,
    afterFailedInit: isOnDemand ? "resetting" : "failed",
    initLimitMs: limitMs,
    isInitInvocationsTime: false,
    reportsInitDuration: isOnDemand,
    hasInitReports: true,
  };
}

function limitOf({ limit }: InitProtocol, initializationType: string, timeoutSeconds: number): number | undefined {
  if (limit === "none") return undefined;
  return limit === "as on AWS" ? initMs(initializationType, timeoutSeconds) : limit * 1000;
}
