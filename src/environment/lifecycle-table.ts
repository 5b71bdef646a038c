/** The lifecycle of an environment, as a table. What happens on the way is in `lifecycle.ts`. */
import type { Policy } from "./policy.ts";

export type State =
  /** No processes: not started yet, or the last ones were ended. */
  | "cold"
  /** Init of the first processes, or of those that take their place after the code changed. */
  | "booting"
  /** Init inside an invocation. */
  | "starting"
  /** The runtime waits for an event. */
  | "ready"
  | "serving"
  /** The runtime is done, extensions still work on the last invocation. */
  | "finishing"
  /** The runtime ended between two invocations: the next one fails with it. */
  | "doomed"
  /** Init failed: the next invocation, if there is one, fails with the reason. */
  | "failed"
  | "resetting"
  | "stopping"
  | "stopped";

export type Event =
  | "boot"
  | "initialized"
  | "init failed"
  | "init overdue"
  | "invoke"
  /** The last invocation that ran has ended well: its processes can take another. */
  | "settled"
  /** An invocation has ended, though it may never have reached them, and its processes can take no other. */
  | "broke"
  /** No extension works on the last invocation any more. */
  | "extensions done"
  | "extensions overdue"
  /** The runtime ended while no invocation ran, and the next one is to know. */
  | "runtime crashed"
  /** Processes ended while no invocation ran, and the next one has no part in it. */
  | "processes useless"
  | "code changed"
  | "stop"
  /** All processes have ended. */
  | "ended";

type Target = State | ((policy: Policy) => State);

const broken: Target = (policy) => (policy.afterBreak === "end" ? "stopping" : "resetting");

/** What may happen while no invocation runs. */
const idle: Partial<Record<Event, Target>> = {
  "runtime crashed": (policy) => (policy.afterBreak === "end" ? "stopping" : policy.afterIdleCrash),
  "processes useless": broken,
  stop: "stopping",
};

/**
 * An event without an entry changes nothing: an invocation then waits, a change of the code is remembered until the
 * environment is cold or ready.
 */
export const lifecycle: Readonly<Record<State, Partial<Record<Event, Target>>>> = {
  cold: { boot: "booting", invoke: "starting", stop: "stopped" },
  booting: {
    initialized: "ready",
    "init failed": (policy) => policy.afterFailedInit,
    "init overdue": (policy) => policy.afterFailedInit,
    stop: "stopping",
  },
  starting: { initialized: "serving", broke: broken, stop: "stopping" },
  ready: { invoke: "serving", broke: broken, "code changed": "resetting", ...idle },
  serving: { settled: "finishing", broke: broken, stop: "stopping" },
  finishing: { "extensions done": "ready", "extensions overdue": "resetting", ...idle },
  doomed: { invoke: "serving", broke: broken, "code changed": "resetting", stop: "stopping" },
  failed: { invoke: "serving", broke: broken, "code changed": "resetting", stop: "stopping" },
  resetting: { ended: "cold", stop: "stopping" },
  stopping: { ended: "stopped" },
  stopped: {},
};

/** @returns the state an event leads to; `undefined`: it changes nothing */
export function next(state: State, event: Event, policy: Policy): State | undefined {
  const target = lifecycle[state][event];
  return typeof target === "function" ? target(policy) : target;
}

/** The states in which an invocation whose turn has come is taken up. In the others it waits. */
export function takesInvocations(state: State, policy: Policy): boolean {
  if (state === "booting") return policy.isInitInvocationsTime;
  if (state === "serving") return policy.concurrency > 1;
  return state !== "starting" && state !== "finishing" && state !== "resetting";
}
