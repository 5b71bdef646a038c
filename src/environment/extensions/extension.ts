/** One extension of one generation of processes, as its calls to the Extensions API show it. */
import type { ExtensionReport } from "../../telemetry/events.ts";
import { ApiRefusal } from "../api-refusal.ts";
import type { ClientSignal } from "../exchanges.ts";
import type { Invocation } from "../invocation.ts";
import {
  askedExtensionState,
  type ExtensionCall,
  type ExtensionEvent,
  type ExtensionState,
  extensionTransitions,
} from "./extension-states.ts";

/** What an extension can subscribe to. Internal ones, which live in the runtime's process, know only INVOKE. */
export type LifecycleEvent = "INVOKE" | "SHUTDOWN";

/** AWS's words (`docs/contract/decisions.md 15`). */
export type ShutdownReason = "spindown" | "timeout" | "failure";

/** What a poll brings. */
export type Delivered =
  | { readonly kind: "invoke"; readonly invocation: Invocation }
  /** `deadlineMs`: epoch milliseconds at which the extension will be killed. */
  | { readonly kind: "shutdown"; readonly deadlineMs: number; readonly reason: ShutdownReason };

interface Waiter {
  readonly resolve: (event: Delivered | undefined) => void;
  readonly reject: (refusal: ApiRefusal) => void;
}

export class Extension {
  readonly id: string = crypto.randomUUID();
  #state: ExtensionState = "Started";
  #subscribed: ReadonlySet<LifecycleEvent> = new Set();
  /** The type it reported with its init or exit error. */
  #reportedType: string | undefined;
  #waiter: Waiter | undefined;
  /** An event that no poll has taken yet. */
  #pending: Delivered | undefined;
  #isClosed = false;

  constructor(
    /** The file's name in /opt/extensions, or the one an internal extension gave itself. */
    readonly name: string,
    readonly isExternal: boolean,
    /** Called after each change of state. */
    private readonly onChange: () => void,
  ) {}

  get state(): ExtensionState {
    return this.#state;
  }

  get isRegistered(): boolean {
    return this.#state !== "Started" && this.#state !== "LaunchError";
  }

  /** Whether it waits for an event: it has done what it had to do with the last one. */
  get isPolling(): boolean {
    return this.#state === "Ready";
  }

  /** Whether it reported, in whatever way, that it cannot go on. */
  get reported(): "InitError" | "ExitError" | undefined {
    return this.#state === "InitError" || this.#state === "ExitError" ? this.#state : undefined;
  }

  isSubscribedTo(event: LifecycleEvent): boolean {
    return this.#subscribed.has(event);
  }

  /** @throws {ApiRefusal} */
  register(events: ReadonlySet<LifecycleEvent>): void {
    // A refusal names it by its name, since it has not been told its id yet.
    this.#move("register", this.name);
    this.#subscribed = events;
    this.onChange();
  }

  /**
   * The long poll. Resolves with an event, or with `undefined` when the client is gone or the processes are given up.
   * @throws {ApiRefusal}
   */
  async next(signal: ClientSignal): Promise<Delivered | undefined> {
    this.#move("next");
    if (this.#isClosed) return undefined;
    if (signal.aborted) {
      this.#move("pollLost");
      return undefined;
    }
    const polled = new Promise<Delivered | undefined>((resolve, reject) => {
      const waiter = { resolve, reject };
      this.#waiter = waiter;
      signal.addEventListener("abort", () => this.#forget(waiter), { once: true });
    });
    if (this.#pending) this.#handOver(this.#pending);
    this.onChange();
    return await polled;
  }

  /** Gives it an event: to the poll that waits, else to the next one that comes. */
  dispatch(event: Delivered): void {
    this.#pending = event;
    if (this.#waiter) this.#handOver(event);
  }

  /** It reports that it cannot start, or has to end. @throws {ApiRefusal} */
  report(call: "initError" | "exitError", type: string): void {
    this.#move(call);
    this.#reportedType ??= type;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(this.#refusal("next", this.id, "Concurrent state modification"));
    this.onChange();
  }

  launchFailed(): void {
    this.#move("launchFailed");
  }

  /** Its process ended in the shutdown. */
  ended(isWell: boolean): void {
    const event = isWell ? "exited" : "shutdownFailed";
    if (extensionTransitions[this.#state][event]) this.#move(event);
  }

  /** Lets a waiting poll go, and every later one: the process is gone or about to be. */
  close(): void {
    this.#isClosed = true;
    this.#waiter?.resolve(undefined);
    this.#waiter = undefined;
  }

  toReport(): ExtensionReport {
    return { name: this.name, state: this.#state, events: [...this.#subscribed].sort(), errorType: this.#reportedType };
  }

  #handOver(event: Delivered): void {
    this.#move("dispatched");
    this.#pending = undefined;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve(event);
  }

  #forget(waiter: Waiter): void {
    if (this.#waiter !== waiter) return;
    this.#waiter = undefined;
    this.#move("pollLost");
    waiter.resolve(undefined);
    this.onChange();
  }

  #move(event: ExtensionEvent, calledBy = this.id): void {
    const next = extensionTransitions[this.#state][event];
    if (next !== undefined) {
      this.#state = next;
    } else if (event in askedExtensionState) {
      throw this.#refusal(event as ExtensionCall, calledBy, "State transition is not allowed");
    } else {
      throw new Error(`${event} in state ${this.#state} of extension ${this.name}`);
    }
  }

  #refusal(call: ExtensionCall, calledBy: string, why: string): ApiRefusal {
    return new ApiRefusal(
      403,
      "Extension.InvalidExtensionState",
      `State transition from ${this.#state} to ${askedExtensionState[call]} failed for extension ${calledBy}. Error: ${why}`,
    );
  }
}
