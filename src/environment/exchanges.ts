/** What the runtime of one generation of processes and its environment exchange: polls, events, answers, reports. */
import { Exchange } from "./exchange.ts";
import type { Invocation } from "./invocation.ts";
import type { Policy } from "./policy.ts";
import { nextRuntimeState, type RuntimeEvent, type RuntimeState } from "./runtime-states.ts";

/** What a runtime does that the environment must know. */
export interface RuntimeEvents {
  /** It asked for its first event: its part of init, or of a restore, has ended well. */
  readonly onFirstNext: () => void;
  /** It asked to be restored: a snapshot would be taken now, and its part of init has ended well. */
  readonly onRestoreNext: () => void;
  /** It reported that it cannot start, or cannot go on after a restore. */
  readonly onInitError: (body: Uint8Array, errorType: string) => void;
  /** It began to report that, and its connection ended before the report did. */
  readonly onInitErrorLost: () => void;
}

/** What the request id of an answer leads to. */
export type Found = Exchange | "timed out" | undefined;

/** Tells that the client of a poll is gone: as much of an `AbortSignal` as is needed. */
export interface ClientSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once: boolean }): void;
}

interface Waiter {
  readonly resolve: (exchange: Exchange | undefined) => void;
}

/** Ids of invocations whose time was over before their answer came, oldest first: as many as AWS's emulator keeps. */
const maxLateIds = 1000;

export class Exchanges {
  /** The state of a runtime that works on nothing. While it works on one thing, that exchange has the state. */
  #state: RuntimeState;
  /** Polls that wait for an event, first come first served. */
  #waiters: Waiter[] = [];
  /** Events that no poll has taken yet. */
  readonly #pending: Exchange[] = [];
  /** What the runtime may answer, by request id. */
  readonly #running = new Map<string, Exchange>();
  readonly #lateIds = new Set<string>();
  /** What a runtime that takes one at a time works on: its state is the runtime's. */
  #current: Exchange | undefined;
  #restoreWaiter: (() => void) | undefined;
  #isReportingInitError = false;
  /** `ending`: its processes are being ended, nothing it calls counts; `closed`: they are gone. */
  #life: "alive" | "ending" | "closed" = "alive";

  constructor(
    private readonly policy: Policy,
    private readonly events: RuntimeEvents,
    state: RuntimeState = "Started",
  ) {
    this.#state = state;
  }

  get state(): RuntimeState {
    return this.#current?.state ?? this.#state;
  }

  /** The runtime is about to be started: from here on a call is taken for its own. */
  launched(): void {
    this.#move("launched");
  }

  /**
   * The long poll. Resolves with what to work on, or with `undefined` when these processes are given up.
   * @param signal aborted when the client is gone: its poll is forgotten and takes no event with it
   * @throws {StateTransitionError}
   */
  async next(signal: ClientSignal): Promise<Exchange | undefined> {
    if (this.#life === "closed") return undefined;
    if (this.#life === "ending") return await this.#wait(signal);
    const current = this.#current;
    if (current?.state === "Running") return current.repeat();
    const before = this.state;
    const after = nextRuntimeState(before, "next");
    this.#current = undefined;
    this.#state = after;
    if (before === "Started" || before === "Restoring") this.events.onFirstNext();
    if (current) this.#finished(current);
    if (signal.aborted) return undefined;
    const pending = this.#pending.shift();
    return pending ? this.#handOver(pending) : await this.#wait(signal);
  }

  /** How many polls wait for an event. */
  get waitingPolls(): number {
    return this.#waiters.length;
  }

  /** Gives the runtime an event: to the first poll that waits, else to the next one that comes. */
  dispatch(invocation: Invocation): void {
    const exchange = new Exchange(
      invocation,
      () => this.#state,
      (answered) => this.#onAnswered(answered),
    );
    const { requestId } = invocation.request;
    this.#running.set(requestId, exchange);
    // Its caller tries an event again under the same id: an answer is this attempt's now.
    this.#lateIds.delete(requestId);
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(this.#handOver(exchange));
    else this.#pending.push(exchange);
  }

  /** What the runtime may answer under this id. One that timed out is told so once; then its id is unknown. */
  find(requestId: string): Found {
    if (this.#lateIds.delete(requestId)) return "timed out";
    const exchange = this.#running.get(requestId);
    return exchange && this.#life === "alive" && !exchange.invocation.isOver ? exchange : undefined;
  }

  /** An invocation has ended without its answer, and the processes live on. */
  forget(invocation: Invocation): void {
    const { requestId } = invocation.request;
    const exchange = this.#running.get(requestId);
    if (exchange?.invocation !== invocation) return;
    this.#running.delete(requestId);
    const at = this.#pending.indexOf(exchange);
    // What no poll has taken cannot be answered late.
    if (at >= 0) this.#pending.splice(at, 1);
    else this.#lateIds.add(requestId);
    const [oldest] = this.#lateIds;
    if (this.#lateIds.size > maxLateIds && oldest !== undefined) this.#lateIds.delete(oldest);
  }

  /** The runtime begins to report that it cannot start, or go on after a restore. @throws {StateTransitionError} */
  beginInitError(call: "initError" | "restoreError" = "initError"): void {
    this.#move(call);
    this.#isReportingInitError = true;
  }

  /** @param body the report; `undefined` when it could not be read to its end. @param errorType as it is stored */
  finishInitError(body: Uint8Array | undefined, errorType: string): void {
    this.#isReportingInitError = false;
    if (body) {
      this.events.onInitError(body, errorType);
    } else {
      if (this.#state === "InitError") this.#move("initErrorLost");
      this.events.onInitErrorLost();
    }
  }

  /** Whether a report is being read. */
  get isReportingInitError(): boolean {
    return this.#isReportingInitError;
  }

  /**
   * The long poll of a runtime that has done what is to be in its snapshot.
   * @returns whether it was restored; `false` when these processes are given up
   * @throws {StateTransitionError}
   */
  async restoreNext(): Promise<boolean> {
    if (this.#life !== "alive") return false;
    this.#move("restoreNext");
    const restored = new Promise<void>((resolve) => {
      this.#restoreWaiter = resolve;
    });
    this.events.onRestoreNext();
    await restored;
    return this.#state !== "RestoreReady";
  }

  /** Whether the runtime waits for its restore. */
  get isSnapshot(): boolean {
    return this.#life === "alive" && this.#state === "RestoreReady";
  }

  /** Lets the runtime go on after its snapshot. */
  restore(): void {
    this.#move("restored");
    this.#restoreWaiter?.();
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
    this.#restoreWaiter?.();
  }

  get #isOneAtATime(): boolean {
    return this.policy.endsWith === "the next poll";
  }

  #handOver(exchange: Exchange): Exchange {
    if (this.#isOneAtATime) this.#current = exchange;
    return exchange.handOver();
  }

  /**
   * One at a time, a finished exchange stays until the next poll: a second answer is then refused by state, not by id.
   */
  #onAnswered(exchange: Exchange): void {
    if (!this.#isOneAtATime) this.#finished(exchange);
  }

  /** The runtime is done with it. Its event and answer, which may be megabytes, are let go. */
  #finished(exchange: Exchange): void {
    const { requestId } = exchange.request;
    if (this.#running.get(requestId) === exchange) this.#running.delete(requestId);
    exchange.invocation.polledAgain();
  }

  #wait(signal: ClientSignal): Promise<Exchange | undefined> {
    return new Promise((resolve) => {
      const waiter = { resolve };
      this.#waiters.push(waiter);
      signal.addEventListener("abort", () => this.#forgetPoll(waiter), { once: true });
    });
  }

  #forgetPoll(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    waiter.resolve(undefined);
  }

  #move(event: RuntimeEvent): void {
    const next = nextRuntimeState(this.state, event);
    this.#current = undefined;
    this.#state = next;
  }
}
