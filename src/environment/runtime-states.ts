/** The runtime's states and what it may call in each: `runtime-api.md` section 4. */

/** Names as they stand in error messages. */
export type RuntimeState =
  | "Started"
  | "Ready"
  | "Running"
  | "InvocationResponse"
  | "InvocationErrorResponse"
  | "RuntimeResponseSentState"
  | "InitError";

/** What moves the runtime: the calls it makes, and what becomes of them. */
export type RuntimeEvent = "next" | "response" | "error" | "initError" | "initErrorLost" | "dispatched" | "answered";

/** The state an event leads to. An event without an entry is refused and changes nothing. */
export const runtimeTransitions: Readonly<Record<RuntimeState, Partial<Record<RuntimeEvent, RuntimeState>>>> = {
  Started: { next: "Ready", initError: "InitError" },
  Ready: { next: "Ready", dispatched: "Running" },
  // A runtime that lost the event may ask again and gets the same one.
  Running: { next: "Running", response: "InvocationResponse", error: "InvocationErrorResponse" },
  InvocationResponse: { answered: "RuntimeResponseSentState" },
  InvocationErrorResponse: { answered: "RuntimeResponseSentState" },
  RuntimeResponseSentState: { next: "Ready" },
  // A report that broke off was none: the runtime may send it again.
  InitError: { initErrorLost: "Started" },
};

/** The state each call asks for, as named in the message of a refusal. */
export const askedState: Readonly<Record<"next" | "response" | "error" | "initError", RuntimeState>> = {
  next: "Ready",
  response: "InvocationResponse",
  error: "InvocationErrorResponse",
  initError: "InitError",
};

/** Thrown when a call is not allowed in the present state. The text is AWS's. */
export class StateTransitionError extends Error {
  override name = "StateTransitionError";

  constructor(current: RuntimeState | "None", call: keyof typeof askedState) {
    super(
      `State transition from ${current} to ${askedState[call]} failed for runtime. ` +
        "Error: State transition is not allowed",
    );
  }
}
