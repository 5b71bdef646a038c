/** How an environment treats its invocations: data, for nothing else in this room branches on the mode. */

export interface Policy {
  /** How many invocations may run at the same time. */
  readonly concurrency: number;
  /** What shows that the runtime is done with an invocation. */
  readonly endsWith: "the next poll" | "the end of its response";
  /** After a timeout: the processes are replaced, or they live on and the late answer is refused. */
  readonly afterTimeout: "reset" | "late answer";
  /** After processes broke: they are replaced, or the environment ends. */
  readonly afterBreak: "reset" | "end";
  /** Whether extensions may register for INVOKE. */
  readonly hasInvokeEvents: boolean;
  /**
   * After a failed init: the environment has failed, or the next invocation starts anew, inside its own time (AWS calls
   * it suppressed init).
   */
  readonly afterFailedInit: "failed" | "resetting";
  /**
   * After the runtime ended between two invocations: the next one fails with it, as on AWS, or gets fresh processes.
   */
  readonly afterIdleCrash: "doomed" | "resetting";
  /** Milliseconds the first init may take; `undefined`: no limit. */
  readonly initLimitMs: number | undefined;
  /** Whether an invocation that waits for the first init does so in its own time. */
  readonly isInitInvocationsTime: boolean;
  /** Whether the first REPORT carries the duration of init. */
  readonly reportsInitDuration: boolean;
  /** Whether the log tells of an init that failed, or ran inside an invocation: START then follows it. */
  readonly hasInitReports: boolean;
}

/** One invocation at a time, as LocalStack expects it, a failed init told at once (`docs/contract/decisions.md 25`). */
export const oneAtATime: Policy = {
  concurrency: 1,
  endsWith: "the next poll",
  afterTimeout: "reset",
  afterBreak: "reset",
  hasInvokeEvents: true,
  afterFailedInit: "failed",
  afterIdleCrash: "doomed",
  initLimitMs: undefined,
  isInitInvocationsTime: true,
  reportsInitDuration: true,
  hasInitReports: false,
};

/**
 * A managed instance: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html
 * @param concurrency `AWS_LAMBDA_MAX_CONCURRENCY`, 1 or more
 */
export function managedInstance(concurrency: number, initLimitMs: number | undefined): Policy {
  return {
    concurrency,
    endsWith: "the end of its response",
    afterTimeout: "late answer",
    afterBreak: "end",
    hasInvokeEvents: false,
    afterFailedInit: "failed",
    afterIdleCrash: "doomed",
    initLimitMs,
    isInitInvocationsTime: true,
    reportsInitDuration: false,
    hasInitReports: true,
  };
}
