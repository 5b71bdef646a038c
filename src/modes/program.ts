/** What a mode is given to run with, and what it gives back. */
import type { Clock } from "../clock.ts";
import type { Variables } from "../settings/settings.ts";
import type { StdoutForwarder } from "../telemetry/stdout.ts";

export const exitStatus = { done: 0, failed: 1, badConfiguration: 2 } as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

export interface Program {
  /** The environment as the function is to see it. */
  readonly given: Variables;
  readonly clock: Clock;
  readonly stdout: StdoutForwarder;
  /** Aborted when the program is asked to stop. */
  readonly stopSignal: AbortSignal;
}

/** Resolves when the program is asked to stop. */
export function whenStopped({ stopSignal }: Program): Promise<void> {
  return new Promise((resolve) => {
    if (stopSignal.aborted) resolve();
    else stopSignal.addEventListener("abort", () => resolve(), { once: true });
  });
}
