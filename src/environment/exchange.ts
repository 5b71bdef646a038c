/** One invocation in the hands of the runtime: the object a call of the Runtime API finds by its request id. */
import type { AnswerStream } from "./answer-stream.ts";
import type { Invocation, InvokeRequest, Outcome } from "./invocation.ts";
import { nextRuntimeState, type RuntimeState } from "./runtime-states.ts";

export class Exchange {
  /** `undefined`: no poll has taken it yet. */
  #state: RuntimeState | undefined;

  constructor(
    readonly invocation: Invocation,
    /** The state of the runtime that is to take it. */
    private readonly runtimeState: () => RuntimeState,
    /** Called once the answer is complete and the runtime may go on. */
    private readonly onAnswered: (exchange: Exchange) => void,
  ) {}

  get request(): InvokeRequest {
    return this.invocation.request;
  }

  /** What the runtime's state is while it works on this. */
  get state(): RuntimeState {
    return this.#state ?? this.runtimeState();
  }

  /** Whether an answer still counts: a timeout, or the end of the runtime, may have come first. */
  get isOpen(): boolean {
    return this.invocation.isWaiting;
  }

  handOver(): this {
    this.#state = nextRuntimeState("Ready", "dispatched");
    this.invocation.mark("handedOver");
    return this;
  }

  /** The runtime lost the event and asks again. @throws {StateTransitionError} unless it works on it */
  repeat(): this {
    this.#state = nextRuntimeState(this.state, "next");
    return this;
  }

  /** The runtime begins to answer. @throws {StateTransitionError} when it has already */
  begin(call: "response" | "error"): void {
    this.#state = nextRuntimeState(this.state, call);
    this.invocation.mark("answering");
  }

  /** The head of a response for a caller who takes it as it comes. To be ended by `finish` all the same. */
  beginStream(contentType: string): AnswerStream {
    return this.invocation.stream(contentType);
  }

  /**
   * The answer has been read to its end, or as far as it could be.
   * @param outcome may be left out for a stream that ended as its sender wanted
   */
  finish(outcome?: Outcome): void {
    this.#state = nextRuntimeState(this.state, "answered");
    this.invocation.respond(outcome);
    this.onAnswered(this);
  }
}
