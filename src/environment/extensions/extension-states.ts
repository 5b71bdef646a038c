/** An extension's states and what it may call in each: `docs/contract/runtime-api.md 6`. */

/** Names as they stand in error messages and in `platform.extension` records. */
export type ExtensionState =
  | "Started"
  | "Registered"
  | "Ready"
  | "Running"
  | "InitError"
  | "ExitError"
  | "ShutdownFailed"
  | "Exited"
  | "LaunchError";

/** What moves an extension: the calls it makes, and what becomes of its process. */
export type ExtensionEvent =
  | "register"
  | "next"
  | "initError"
  | "exitError"
  | "dispatched"
  | "pollLost"
  | "launchFailed"
  | "exited"
  | "shutdownFailed";

/** The state an event leads to. An event without an entry is refused and changes nothing. */
export const extensionTransitions: Readonly<Record<ExtensionState, Partial<Record<ExtensionEvent, ExtensionState>>>> = {
  Started: { register: "Registered", launchFailed: "LaunchError", exited: "Exited", shutdownFailed: "ShutdownFailed" },
  Registered: {
    next: "Ready",
    initError: "InitError",
    exitError: "ExitError",
    exited: "Exited",
    shutdownFailed: "ShutdownFailed",
  },
  // A poll whose client is gone takes no event with it; the extension may poll again.
  Ready: {
    dispatched: "Running",
    pollLost: "Running",
    exitError: "ExitError",
    exited: "Exited",
    shutdownFailed: "ShutdownFailed",
  },
  Running: { next: "Ready", exitError: "ExitError", exited: "Exited", shutdownFailed: "ShutdownFailed" },
  // A report made again changes nothing: the first one stands.
  InitError: { initError: "InitError" },
  ExitError: { exitError: "ExitError" },
  ShutdownFailed: {},
  Exited: {},
  LaunchError: {},
};

/** The state each call asks for, as named in the message of a refusal. */
export const askedExtensionState = {
  register: "Registered",
  next: "Ready",
  initError: "InitError",
  // AWS's text says Exited here, not ExitError.
  exitError: "Exited",
} as const;

export type ExtensionCall = keyof typeof askedExtensionState;
