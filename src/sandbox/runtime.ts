/** The runtime of one generation of processes, as its calls to the Runtime API show it. */
import type { Invocation } from "./invocation.ts";
import { type RuntimeEvent, type RuntimeState, runtimeTransitions, StateTransitionError } from "./runtime-states.ts";

/** What a runtime does that the sandbox must know. */
export interface RuntimeEvents {
  /** It asked for its first event: the init phase has ended well. */
  readonly onFirstNext: () => void;
  /** It reported that it cannot start. */
  readonly onInitError: (body: Uint8Array) => void;
}

interface Waiter {
  readonly resolve: (invocation: Invocation | undefined) => void;
}

export class Runtime {
  #state: RuntimeState = "Started";
  /** Polls that wait for an event, first come first served. */
  #waiters: Waiter[] = [];
  /** An event that no poll has taken yet, or that the runtime is working on. */
  #current: Invocation | undefined;
  #isClosed = false;

  constructor(private readonly events: RuntimeEvents) {}

  get state(): RuntimeState {
    return this.#state;
  }

  /**
   * The long poll. Resolves with the event, or with `undefined` when these processes are given up.
   * @param signal aborted when the client is gone: its poll is forgotten and takes no event with it (decision 16)
   * @throws {StateTransitionError}
   */
  async next(signal: AbortSignal): Promise<Invocation | undefined> {
    const before = this.#state;
    this.#move("next");
    if (before === "Running") return this.#current;
    if (before === "Started") this.events.onFirstNext();
    if (before === "RuntimeResponseSentState") {
      const answered = this.#current;
      this.#current = undefined;
      answered?.polledAgain();
    }
    if (this.#current) return this.#handOver(this.#current);
    if (this.#isClosed) return undefined;
    return new Promise((resolve) => {
      const waiter = { resolve };
      this.#waiters.push(waiter);
      signal.addEventListener("abort", () => this.#forget(waiter), { once: true });
    });
  }

  /** Gives the runtime an event: to the first poll that waits, else to the next one that comes. */
  dispatch(invocation: Invocation): void {
    this.#current = invocation;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(this.#handOver(invocation));
  }

  /** The invocation with this id, if it is the one the runtime was given. */
  currentInvocation(requestId: string): Invocation | undefined {
    return this.#current?.request.requestId === requestId ? this.#current : undefined;
  }

  /** The runtime begins to answer. @throws {StateTransitionError} */
  beginAnswer(call: "response" | "error"): void {
    this.#move(call);
  }

  /** The answer has been read to its end, or as far as it could be: the runtime may go on. */
  finishAnswer(): void {
    this.#move("answered");
  }

  /** The runtime cannot start. @throws {StateTransitionError} */
  reportInitError(body: Uint8Array): void {
    this.#move("initError");
    this.events.onInitError(body);
  }

  /** Lets every waiting poll go: the processes are being ended. */
  close(): void {
    this.#isClosed = true;
    for (const { resolve } of this.#waiters) resolve(undefined);
    this.#waiters = [];
  }

  #handOver(invocation: Invocation): Invocation {
    this.#move("dispatched");
    return invocation;
  }

  #forget(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    waiter.resolve(undefined);
  }

  #move(event: RuntimeEvent): void {
    const next = runtimeTransitions[this.#state][event];
    if (next === undefined) {
      if (event === "dispatched" || event === "answered") throw new Error(`${event} in state ${this.#state}`);
      throw new StateTransitionError(this.#state, event);
    }
    this.#state = next;
  }
}
