/** One invocation: a handle for whoever asked for it, from the moment it is accepted to the moment it is settled. */
import { type Fault, faultBody, tooLargeType, toStoredErrorType } from "../errors.ts";
import { AnswerStream, type StreamEnd } from "./answer-stream.ts";

/** What a front end asks an environment to run. Empty texts: none. */
export interface InvokeRequest {
  readonly requestId: string;
  readonly invokedFunctionArn: string;
  /** The event, verbatim. */
  readonly payload: string;
  /** The X-Ray header, passed through. */
  readonly traceId: string;
  /** Client context as JSON text. */
  readonly clientContext: string;
  /** Who the caller is, as JSON text. */
  readonly cognitoIdentity: string;
  readonly tenantId: string;
  /** The second attempt after an init that LocalStack gave up on: its REPORT carries no Init Duration. */
  readonly isInitRetry: boolean;
  /** The caller takes the response as it comes. */
  readonly takesStream: boolean;
}

/** What the runtime said, or what the environment found, about how an invocation ended. Front ends only translate it. */
export type Outcome =
  | { readonly kind: "response"; readonly body: Uint8Array; readonly contentType: string }
  /** Only where the request takes it. */
  | {
      readonly kind: "stream";
      readonly contentType: string;
      readonly body: ReadableStream<Uint8Array>;
      /** Resolves when the body has ended: with nothing when it ended well. Never rejects. */
      readonly ended: Promise<StreamEnd | undefined>;
    }
  | {
      readonly kind: "error";
      readonly body: Uint8Array | string;
      readonly contentType: string;
      readonly errorType: string;
    }
  /** The runtime reported that it cannot start, in an init or a restore that ran for the invocation. */
  | { readonly kind: "init error"; readonly body: Uint8Array; readonly errorType: string }
  /** Crash, unreadable response, or nothing to start. */
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "too large" }
  | { readonly kind: "timeout"; readonly fault: Fault }
  /** The environment was told to stop before the runtime answered. */
  | { readonly kind: "stopped" };

/** How an invocation was settled. */
export interface Settlement {
  readonly outcome: Outcome;
  /** The runtime ended after its answer and before it asked for the next event. */
  readonly faultAfterAnswer?: Fault;
  /** The runtime answered and polled again: its processes can take the next invocation. */
  readonly isRuntimeReady: boolean;
}

/** Steps of an invocation: the runtime got the event, began its answer, finished it; it polled again, or it was over. */
export type Mark = "handedOver" | "answering" | "answered" | "over";

type Phase = "waiting" | "streaming" | "answered" | "over";

/**
 * Over exactly once, by whichever comes first; `settled` follows when everything that belongs to it was seen.
 *
 * | phase     | stream      | answer     | polled again | fault                           | end (timeout, stop)         |
 * |-----------|-------------|------------|--------------|---------------------------------|-----------------------------|
 * | waiting   | → streaming | → answered | –            | over with the fault             | over with the end           |
 * | streaming | –           | → answered | –            | over, the stream is broken off  | over, the stream is broken off |
 * | answered  | –           | –          | over, ready  | over with the answer, and fault | over with the answer        |
 * | over      | –           | –          | –            | –                               | –                           |
 */
export class Invocation {
  /** One for each attempt: two attempts of one event have the same request id. */
  readonly invocationId: string = crypto.randomUUID();
  readonly #answered = Promise.withResolvers<Outcome>();
  readonly #over = Promise.withResolvers<Settlement>();
  readonly #settled = Promise.withResolvers<Settlement>();
  readonly #marks: Partial<Record<Mark, number>> = {};
  #phase: Phase = "waiting";
  #answer: Outcome | undefined;
  #stream: AnswerStream | undefined;
  /** What a streamed response breaks off with, unless its sender ends it well. The runtime's end says most. */
  #cutOff: Outcome | undefined;
  /** What a streamed response was broken off with. */
  #brokenBy: Outcome | undefined;
  #deadlineMs = 0;
  #settlement: Settlement | undefined;
  #abort: AbortController | undefined;

  constructor(
    readonly request: InvokeRequest,
    private readonly now: () => number = performance.now.bind(performance),
  ) {}

  /** The first thing there is to tell the caller. Never rejects; always resolves: each invocation has a timer. */
  get answer(): Promise<Outcome> {
    return this.#answered.promise;
  }

  /** Resolves when everything that belongs to it was seen: its output received, its REPORT written. Never rejects. */
  get settled(): Promise<Settlement> {
    return this.#settled.promise;
  }

  /** Resolves when the runtime is done with it, or can be no more. Its output may still be on its way. */
  get over(): Promise<Settlement> {
    return this.#over.promise;
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#phase === "over") this.#abort.abort();
    return this.#abort.signal;
  }

  /** Epoch milliseconds; 0 until its turn has come. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** Its turn has come. */
  begin(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
  }

  /** When each step was reached, on the clock's `now`; `undefined`: it was not. */
  get marks(): Readonly<Partial<Record<Mark, number>>> {
    return this.#marks;
  }

  /** Notes the moment of a step; the first time counts. */
  mark(step: Mark): void {
    this.#marks[step] ??= this.now();
  }

  /** Whether the runtime may still answer. */
  get isWaiting(): boolean {
    return this.#phase === "waiting" || this.#phase === "streaming";
  }

  get isOver(): boolean {
    return this.#phase === "over";
  }

  /** Whether it is over and left a runtime that can take the next one. */
  get isRuntimeReady(): boolean {
    return this.#settlement?.isRuntimeReady ?? false;
  }

  /** Bytes of a streamed response so far; `undefined`: there is none. */
  get streamedBytes(): number | undefined {
    return this.#stream?.bytes;
  }

  /** What a streamed response came to instead of its end, as if it were the outcome; `undefined`: it ended well. */
  get streamBrokenBy(): Outcome | undefined {
    const end = this.#stream?.brokenBy;
    if (this.#brokenBy || !end) return this.#brokenBy;
    const { errorType, errorBody: body } = end;
    if (errorType === tooLargeType) return { kind: "too large" };
    return { kind: "error", body, contentType: "application/json", errorType: toStoredErrorType(errorType) };
  }

  /** The head of a response for a caller who takes it as it comes. */
  stream(contentType: string): AnswerStream {
    const stream = new AnswerStream();
    if (this.#phase !== "waiting") {
      stream.close();
      return stream;
    }
    this.#phase = "streaming";
    this.#stream = stream;
    this.#answer = { kind: "stream", contentType, body: stream.body, ended: stream.ended };
    this.#answered.resolve(this.#answer);
    return stream;
  }

  /** The runtime's answer is complete. It waits for the runtime's next poll, so that late output is still this one's. */
  respond(answer?: Outcome): void {
    if (!this.isWaiting) return;
    if (this.#stream && answer?.kind === "fault") this.#cutOff = answer;
    this.#answer ??= answer;
    this.#phase = "answered";
    this.mark("answered");
    // One that broke off may turn out to be the end of the runtime, which says more.
    if (this.#answer && !isCutOff(this.#answer)) this.#answered.resolve(this.#answer);
  }

  /** The runtime asks for the next event. */
  polledAgain(): void {
    if (this.#phase === "answered") this.#end({ outcome: this.#answer as Outcome, isRuntimeReady: true });
  }

  /** The runtime can serve no more: it has ended, or never started. */
  fail(fault: Fault): void {
    if (this.#phase === "over") return;
    if (this.#answer && !isCutOff(this.#answer)) {
      this.#cutOff = { kind: "fault", fault };
      this.#end({ outcome: this.#answer, faultAfterAnswer: fault, isRuntimeReady: false });
    } else {
      this.#end({ outcome: { kind: "fault", fault }, isRuntimeReady: false });
    }
  }

  /** Ends the invocation from outside. An answer already given stands. */
  end(outcome: Outcome): void {
    if (this.#phase === "over") return;
    this.#cutOff ??= outcome;
    this.#end({ outcome: this.#answer ?? outcome, isRuntimeReady: false });
  }

  /** Everything that belongs to it was seen. */
  settle(settlement: Settlement): void {
    this.#settled.resolve(settlement);
  }

  #end(settlement: Settlement): void {
    this.#phase = "over";
    this.#settlement = settlement;
    this.mark("over");
    // A stream that ended well is closed already.
    if (this.#stream?.isOpen && this.#cutOff) {
      this.#brokenBy = this.#cutOff;
      this.#stream.close(endBy(faultOf(this.#cutOff), this.request.requestId));
    }
    this.#answered.resolve(settlement.outcome);
    this.#over.resolve(settlement);
    this.#abort?.abort();
  }
}

/** A response that broke off is no answer when the runtime itself turns out to have broken off. */
function isCutOff(answer: Outcome | undefined): boolean {
  return answer?.kind === "fault" && answer.fault.type === "Runtime.TruncatedResponse";
}

function endBy(fault: Fault, requestId: string): StreamEnd {
  return { errorType: fault.type, errorBody: faultBody(fault, requestId) };
}

function faultOf(outcome: Outcome): Fault {
  return outcome.kind === "timeout" || outcome.kind === "fault"
    ? outcome.fault
    : { type: "Sandbox.Failure", reason: "The environment was stopped" };
}
