/** The runtime's states and what it may call in each: `docs/contract/runtime-api.md` 4. */

import { ApiRefusal } from "./api-refusal.ts";

/** Names as they stand in error messages. */
export type RuntimeState =
  /** There is no process yet: whoever calls is somebody else. */
  | "Unstarted"
  | "Started"
  | "Ready"
  | "Running"
  | "InvocationResponse"
  | "InvocationErrorResponse"
  | "RuntimeResponseSentState"
  | "InitError"
  | "RestoreReady"
  | "Restoring"
  | "RuntimeRestoreErrorState";

/** The calls a runtime makes. */
export type RuntimeCall = "next" | "response" | "error" | "initError" | "restoreNext" | "restoreError";

/** What moves the runtime: its calls, and what becomes of them. */
export type RuntimeEvent = RuntimeCall | "launched" | "initErrorLost" | "restored" | "dispatched" | "answered";

/** The state an event leads to. An event without an entry is refused and changes nothing. */
export const runtimeTransitions: Readonly<Record<RuntimeState, Partial<Record<RuntimeEvent, RuntimeState>>>> = {
  Unstarted: { launched: "Started" },
  Started: { next: "Ready", initError: "InitError", restoreNext: "RestoreReady" },
  Ready: { next: "Ready", dispatched: "Running" },
  // A runtime that lost the event may ask again and gets the same one.
  Running: { next: "Running", response: "InvocationResponse", error: "InvocationErrorResponse" },
  InvocationResponse: { answered: "RuntimeResponseSentState" },
  InvocationErrorResponse: { answered: "RuntimeResponseSentState" },
  RuntimeResponseSentState: { next: "Ready" },
  // A report that broke off was none: the runtime may send it again.
  InitError: { initErrorLost: "Started" },
  RestoreReady: { restored: "Restoring" },
  Restoring: { next: "Ready", initError: "RuntimeRestoreErrorState", restoreError: "RuntimeRestoreErrorState" },
  RuntimeRestoreErrorState: {},
};

/** The state each call asks for, as named in the message of a refusal. */
const askedState: Readonly<Record<RuntimeCall, RuntimeState>> = {
  next: "Ready",
  response: "InvocationResponse",
  error: "InvocationErrorResponse",
  initError: "InitError",
  // AWS's text says Ready here, not RestoreReady.
  restoreNext: "Ready",
  restoreError: "RuntimeRestoreErrorState",
};

/** Thrown when a call is not allowed in the present state. The text is AWS's. */
export class StateTransitionError extends ApiRefusal {
  override name = "StateTransitionError";

  constructor(current: RuntimeState, call: RuntimeCall) {
    super(
      403,
      "InvalidStateTransition",
      `State transition from ${current} to ${askedState[call]} failed for runtime. ` +
        "Error: State transition is not allowed",
    );
  }
}

/**
 * @returns the state `event` leads to
 * @throws {StateTransitionError} for a call that is not allowed now
 */
export function nextRuntimeState(state: RuntimeState, event: RuntimeEvent): RuntimeState {
  const next = runtimeTransitions[state][event];
  if (next !== undefined) return next;
  if (event in askedState) throw new StateTransitionError(state, event as RuntimeCall);
  throw new Error(`${event} in state ${state}`);
}
