/** One invocation, from the moment it is accepted to the moment it is settled. */
import type { Fault } from "../errors.ts";

/** What a front end asks the environment to run. */
export interface InvokeRequest {
  readonly requestId: string;
  readonly invokedFunctionArn: string;
  /** The event, verbatim. */
  readonly payload: string;
  /** The X-Ray header, passed through; empty: none. */
  readonly traceId: string;
  /** Client context as JSON text; empty: none. */
  readonly clientContext: string;
  /** The second attempt after an init that LocalStack gave up on: its REPORT carries no Init Duration (seed). */
  readonly isInitRetry: boolean;
}

/** What the runtime said, or what init found, about how an invocation ended. Front ends only translate it. */
export type Outcome =
  | { readonly kind: "response"; readonly body: Uint8Array; readonly contentType: string }
  | {
      readonly kind: "error";
      readonly body: Uint8Array | string;
      readonly contentType: string;
      readonly errorType: string;
    }
  /** The runtime reported that it cannot start, in an init that ran inside the invocation. */
  | { readonly kind: "init error"; readonly body: Uint8Array; readonly errorType: string }
  /** Crash, unreadable response, or nothing to start. */
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "too large" }
  | { readonly kind: "timeout"; readonly fault: Fault }
  /** Init was told to stop before the runtime answered. */
  | { readonly kind: "stopped" };

/** An answer is what the runtime gave; it stands whatever happens to the runtime afterwards. */
type Answer = Outcome;

/** How an invocation was settled. */
export interface Settlement {
  readonly outcome: Outcome;
  /** The runtime ended after its answer and before it asked for the next event. */
  readonly faultAfterAnswer?: Fault;
  /** The runtime answered and polled again: its processes can take the next invocation. */
  readonly isRuntimeReady: boolean;
}

/** Steps of an invocation: the runtime got the event, began its answer, finished it; it polled again, or it was over. */
export type Mark = "handedOver" | "answering" | "answered" | "settled";

type Phase = "waiting" | "answered" | "settled";

/**
 * Settled exactly once, by whichever comes first:
 *
 * | phase    | answer     | polled again      | fault                    | end (timeout, stop)   |
 * |----------|------------|-------------------|--------------------------|-----------------------|
 * | waiting  | → answered | –                 | settled with the fault   | settled with the end  |
 * | answered | –          | settled, ready    | settled with the answer  | settled with the answer |
 * | settled  | –          | –                 | –                        | –                     |
 */
export class Invocation {
  readonly #settled = Promise.withResolvers<Settlement>();
  #phase: Phase = "waiting";
  #answer: Answer | undefined;

  readonly #marks: Partial<Record<Mark, number>> = {};

  constructor(
    readonly request: InvokeRequest,
    /** Epoch milliseconds. */
    readonly deadlineMs: number,
    private readonly now: () => number = performance.now.bind(performance),
  ) {}

  /** When each step was reached, on the clock's `now`; `undefined`: it was not. */
  get marks(): Readonly<Partial<Record<Mark, number>>> {
    return this.#marks;
  }

  /** Notes the moment of a step; the first time counts. */
  mark(step: Mark): void {
    this.#marks[step] ??= this.now();
  }

  /** Never rejects. Always resolves: the environment sets a timer for each invocation. */
  get settled(): Promise<Settlement> {
    return this.#settled.promise;
  }

  /** Whether the runtime may still answer. */
  get isWaiting(): boolean {
    return this.#phase === "waiting";
  }

  get isSettled(): boolean {
    return this.#phase === "settled";
  }

  /** The runtime's answer. It waits for the runtime's next poll, so that late output is still this invocation's. */
  answer(answer: Answer): void {
    if (this.#phase !== "waiting") return;
    this.#phase = "answered";
    this.#answer = answer;
    this.mark("answered");
  }

  /** The runtime asks for the next event. */
  polledAgain(): void {
    if (this.#phase === "answered") this.#settle({ outcome: this.#answer as Answer, isRuntimeReady: true });
  }

  /** The runtime can serve no more: it has ended, or never started. */
  fail(fault: Fault): void {
    if (this.#phase === "answered" && !isCutOff(this.#answer)) {
      this.#settle({ outcome: this.#answer as Answer, faultAfterAnswer: fault, isRuntimeReady: false });
    } else {
      this.#answer = undefined;
      this.end({ kind: "fault", fault });
    }
  }

  /** Ends the invocation from outside. An answer already given stands. */
  end(outcome: Outcome): void {
    if (this.#phase !== "settled") this.#settle({ outcome: this.#answer ?? outcome, isRuntimeReady: false });
  }

  #settle(settlement: Settlement): void {
    this.#phase = "settled";
    this.mark("settled");
    this.#settled.resolve(settlement);
  }
}

/** A response that broke off is no answer when the runtime itself turns out to have broken off. */
function isCutOff(answer: Answer | undefined): boolean {
  return answer?.kind === "fault" && answer.fault.type === "Runtime.TruncatedResponse";
}
