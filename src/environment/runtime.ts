/** The runtime of one generation of processes, as its calls to the Runtime API show it. */
import type { Invocation } from "./invocation.ts";
import {
  askedState,
  type RuntimeEvent,
  type RuntimeState,
  runtimeTransitions,
  StateTransitionError,
} from "./runtime-states.ts";

/** What a runtime does that the environment must know. */
export interface RuntimeEvents {
  /** It asked for its first event: its part of init has ended well. */
  readonly onFirstNext: () => void;
  /** It reported that it cannot start. */
  readonly onInitError: (body: Uint8Array, errorType: string) => void;
  /** It began to report that, and its connection ended before the report did. */
  readonly onInitErrorLost: () => void;
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
  #isReportingInitError = false;
  /** `ending`: its processes are being ended, nothing it calls counts; `closed`: they are gone. */
  #life: "alive" | "ending" | "closed" = "alive";

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
    if (this.#life === "closed") return undefined;
    if (this.#life === "ending") return await this.#wait(signal);
    const before = this.#state;
    this.#move("next");
    if (before === "Running") return this.#current;
    if (before === "Started") this.events.onFirstNext();
    if (before === "RuntimeResponseSentState") {
      const answered = this.#current;
      this.#current = undefined;
      answered?.polledAgain();
    }
    if (signal.aborted) return undefined;
    if (this.#current) return this.#handOver(this.#current);
    return await this.#wait(signal);
  }

  /** Gives the runtime an event: to the first poll that waits, else to the next one that comes. */
  dispatch(invocation: Invocation): void {
    this.#current = invocation;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(this.#handOver(invocation));
  }

  /** The invocation with this id, if it is the one the runtime was given and has not ended without it. */
  currentInvocation(requestId: string): Invocation | undefined {
    const current = this.#current;
    return current?.request.requestId === requestId && !current.isSettled && this.#life === "alive"
      ? current
      : undefined;
  }

  /** The runtime begins to answer. @throws {StateTransitionError} */
  beginAnswer(call: "response" | "error"): void {
    this.#move(call);
    this.#current?.mark("answering");
  }

  /** The answer has been read to its end, or as far as it could be: the runtime may go on. */
  finishAnswer(): void {
    this.#move("answered");
  }

  /** The runtime begins to report that it cannot start. @throws {StateTransitionError} */
  beginInitError(): void {
    this.#move("initError");
    this.#isReportingInitError = true;
  }

  /** @param body the report; `undefined` when it could not be read to its end. @param errorType as it is stored */
  finishInitError(body: Uint8Array | undefined, errorType: string): void {
    this.#isReportingInitError = false;
    if (body) {
      this.events.onInitError(body, errorType);
    } else {
      this.#move("initErrorLost");
      this.events.onInitErrorLost();
    }
  }

  /** Whether a report is being read. */
  get isReportingInitError(): boolean {
    return this.#isReportingInitError;
  }

  /** Its processes are asked to end: polls get nothing any more, not even an error to report. */
  suspend(): void {
    if (this.#life === "alive") this.#life = "ending";
  }

  /** Lets every waiting poll go: the processes are gone. */
  close(): void {
    this.#life = "closed";
    for (const { resolve } of this.#waiters) resolve(undefined);
    this.#waiters = [];
  }

  #handOver(invocation: Invocation): Invocation {
    this.#move("dispatched");
    invocation.mark("handedOver");
    return invocation;
  }

  #wait(signal: AbortSignal): Promise<Invocation | undefined> {
    return new Promise((resolve) => {
      const waiter = { resolve };
      this.#waiters.push(waiter);
      signal.addEventListener("abort", () => this.#forget(waiter), { once: true });
    });
  }

  #forget(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    waiter.resolve(undefined);
  }

  #move(event: RuntimeEvent): void {
    const next = runtimeTransitions[this.#state][event];
    if (next === undefined) {
      if (event in askedState) throw new StateTransitionError(this.#state, event as keyof typeof askedState);
      throw new Error(`${event} in state ${this.#state}`);
    }
    this.#state = next;
  }
}
