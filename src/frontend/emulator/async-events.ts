/** Calls nobody waits for: they are queued, and a function that fails is tried again (docs/contract/emulator.md 2.4). */
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { AwsError, tooManyRequests } from "./aws-errors.ts";
import type { Call, Invoker } from "./invoker.ts";
import { toResult } from "./results.ts";

/** Milliseconds before the second and the third attempt, as on AWS. */
const defaultRetryDelaysMs = [60_000, 120_000];

/** Milliseconds before an event that found no room is tried again: from the first value, doubling to the second. */
const throttledDelayMs = { first: 1000, longest: 5 * 60 * 1000 };

/** Events that may wait, with their retries: a caller that sends for ever must not fill the memory. */
const maxWaiting = 10_000;

export interface AsyncEventsOptions {
  readonly invoker: Pick<Invoker, "invoke">;
  readonly clock: Clock;
  /** Events that are under way at the same time; the others wait here, and not in the place of callers who wait. */
  readonly concurrency: number;
  /** Milliseconds before each of the two retries; `undefined`: AWS's. */
  readonly retryDelayMs: number | undefined;
}

export class AsyncEvents {
  readonly #retries = new Map<string, () => void>();
  /** Attempts whose turn has not come. */
  readonly #queue: (() => Promise<void>)[] = [];
  #running = 0;
  #waiting = 0;
  #isStopping = false;

  constructor(private readonly options: AsyncEventsOptions) {}

  /**
   * Takes an event over.
   * @param release gives the request id free, once there is no further attempt
   * @throws {AwsError} if too many wait already; the id is free then
   */
  accept(call: Omit<Call, "source" | "attempt" | "takesStream">, release: () => void): void {
    if (this.#waiting >= maxWaiting) {
      release();
      throw tooManyRequests();
    }
    this.#waiting++;
    const over = () => {
      this.#waiting--;
      release();
    };
    this.#enqueue({ ...call, source: "event", attempt: 1, takesStream: false }, 0, over);
  }

  /** Gives up the retries that are due later. */
  stop(): void {
    this.#isStopping = true;
    if (this.#retries.size > 0) log.warn(`${this.#retries.size} events are given up that were to be tried again`);
    for (const callOff of this.#retries.values()) callOff();
    this.#retries.clear();
    if (this.#queue.length > 0) log.warn(`${this.#queue.length} events are given up that were waiting`);
    this.#queue.length = 0;
  }

  #enqueue(call: Call, throttledMs: number, over: () => void): void {
    this.#queue.push(() => this.#attempt(call, throttledMs, over));
    this.#takeNext();
  }

  #takeNext(): void {
    if (this.#running >= this.options.concurrency) return;
    const attempt = this.#queue.shift();
    if (!attempt) return;
    this.#running++;
    void attempt().then(() => {
      this.#running--;
      this.#takeNext();
    });
  }

  /** Never rejects. */
  #attempt(call: Call, throttledMs: number, over: () => void): Promise<void> {
    const settled = Promise.withResolvers<void>();
    const conclude = async () => {
      const { outcome } = await this.options.invoker.invoke(call, settled.resolve);
      if (outcome.kind === "stream") throw new Error("an event's answer is never streamed");
      const { errorType } = toResult(outcome, call.requestId);
      await settled.promise;
      if (errorType === undefined || outcome.kind === "stopped") return over();
      const delayMs = this.options.retryDelayMs ?? defaultRetryDelaysMs[call.attempt - 1];
      if (call.attempt > defaultRetryDelaysMs.length || delayMs === undefined) {
        log.warn(`the event ${call.requestId} failed ${call.attempt} times and is dropped: ${errorType}`);
        return over();
      }
      this.#later({ ...call, attempt: call.attempt + 1 }, delayMs, 0, over);
    };
    return conclude().catch((error) => {
      if (error instanceof AwsError && error.exception === "TooManyRequestsException") {
        const { first, longest } = throttledDelayMs;
        const delayMs = Math.min(longest, throttledMs === 0 ? first : throttledMs * 2);
        return this.#later(call, delayMs, delayMs, over);
      }
      if (!this.#isStopping) log.error(`the event ${call.requestId} is dropped: ${messageOf(error)}`);
      over();
    });
  }

  #later(call: Call, delayMs: number, throttledMs: number, over: () => void): void {
    if (this.#isStopping) {
      over();
      return;
    }
    const callOff = this.options.clock.after(delayMs, () => {
      this.#retries.delete(call.requestId);
      this.#enqueue(call, throttledMs, over);
    });
    this.#retries.set(call.requestId, callOff);
  }
}
