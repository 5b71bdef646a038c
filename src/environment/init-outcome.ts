/** How an init phase, or a restore, ended, and what is told of it. */
import type { Fault } from "../errors.ts";
import type { Status } from "../telemetry/events.ts";

export type InitOutcome =
  | { readonly kind: "ready" }
  | { readonly kind: "init error"; readonly body: Uint8Array; readonly errorType: string }
  | { readonly kind: "fault"; readonly fault: Fault }
  /** It took longer than it may. */
  | { readonly kind: "overdue"; readonly limitMs: number }
  /** Init was told to stop, which is nobody's fault. */
  | { readonly kind: "cancelled" };

export function statusOf(outcome: InitOutcome): { status: Status; errorType: string | undefined } {
  switch (outcome.kind) {
    case "ready":
      return { status: "success", errorType: undefined };
    case "overdue":
    case "cancelled":
      return { status: "timeout", errorType: undefined };
    default: {
      const errorType = outcome.kind === "fault" ? outcome.fault.type : outcome.errorType;
      // The invocation that waited for it had no more time.
      if (errorType === "Sandbox.Timedout") return { status: "timeout", errorType: undefined };
      return { status: errorType.startsWith("Sandbox.") ? "failure" : "error", errorType };
    }
  }
}
