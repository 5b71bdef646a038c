/**
 * Buffered delivery to one subscriber: batches by count, size and time; at least once, with backoff; bounded memory.
 * Nothing here is ever waited for by an invocation.
 */
import { type Clock, settlesWithin } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { logsDropped, serialize, type TelemetryEvent } from "../records.ts";
import { type Carrier, carrierFor } from "./destinations.ts";
import type { Subscription } from "./subscription.ts";

/** Bytes of records that may wait for one subscriber. Above it the newest are dropped, counted and announced. */
const maxWaitingBytes = 32 * 1024 * 1024;

/** Milliseconds one attempt may take. */
const attemptMs = 5000;

/** Milliseconds before a batch is sent again: doubled from the first to the last. */
const backoffMs = { first: 50, last: 5000 };

/** The sentence of AWS's reference. */
const dropReason = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.";

interface Waiting {
  readonly text: string;
  readonly bytes: number;
}

export class Delivery {
  readonly #carrier: Carrier;
  readonly #types: ReadonlySet<string>;
  /** First come, first sent. */
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #dropped = { records: 0, bytes: 0 };
  /** Whether what waits is due although no limit of a batch is reached. */
  #isDue = false;
  #stopTimer: (() => void) | undefined;
  #sending: Promise<void> | undefined;
  readonly #abort = new AbortController();

  constructor(
    /** The extension's name. */
    readonly name: string,
    readonly subscription: Subscription,
    private readonly clock: Clock,
    carrier: Carrier = carrierFor(subscription.destination),
  ) {
    this.#carrier = carrier;
    this.#types = new Set(subscription.types);
  }

  /** Takes an event, if the subscriber asked for its type. Never waits. */
  add(event: TelemetryEvent): void {
    if (!this.#types.has(event.type) || this.#abort.signal.aborted) return;
    const text = serialize(event, this.subscription.dialect);
    if (text === undefined) return;
    const bytes = Buffer.byteLength(text);
    if (this.#waitingBytes + bytes > maxWaitingBytes) {
      if (this.#dropped.records === 0) {
        log.warn(`the extension ${this.name} does not take its telemetry fast enough: records are being dropped`);
      }
      this.#dropped.records++;
      this.#dropped.bytes += bytes;
      return;
    }
    this.#announceDropped();
    this.#enqueue({ text, bytes });
  }

  /** Sends what waits, whatever the buffering says. @returns resolves when all was acknowledged, at most after `ms` */
  async flush(ms: number): Promise<void> {
    if (this.#waiting.length > 0) this.#due();
    if (this.#sending) await settlesWithin(this.clock, ms, this.#sending);
  }

  /** Tells the subscriber of records that were lost before they could be added. */
  missed(records: number, bytes: number): void {
    this.#dropped.records += records;
    this.#dropped.bytes += bytes;
    this.#announceDropped();
  }

  /** Ends the subscription: what was not sent by now is lost with the processes it was for. */
  end(): void {
    this.#abort.abort();
    this.#clearTimer();
    this.#carrier.close();
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #announceDropped(): void {
    const { records, bytes } = this.#dropped;
    if (records === 0) return;
    this.#dropped = { records: 0, bytes: 0 };
    // Told whatever types were asked for: it is about the subscription itself.
    const text = serialize(logsDropped(this.clock.epoch(), dropReason, records, bytes), this.subscription.dialect);
    if (text !== undefined) this.#enqueue({ text, bytes: Buffer.byteLength(text) });
  }

  #enqueue(record: Waiting): void {
    this.#waiting.push(record);
    this.#waitingBytes += record.bytes;
    this.#startTimer();
    if (this.#isFull) this.#send();
  }

  /**
   * Whether what waits is enough for a batch. While one is under way its bytes count too: it is looked at again then.
   */
  get #isFull(): boolean {
    const { maxItems, maxBytes } = this.subscription.buffering;
    return this.#waiting.length >= maxItems || this.#waitingBytes >= maxBytes;
  }

  /** The timer of the buffering. It runs whenever records wait that are not being sent. */
  #startTimer(): void {
    this.#stopTimer ??= this.clock.after(this.subscription.buffering.timeoutMs, () => this.#due());
  }

  #clearTimer(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #due(): void {
    this.#isDue = true;
    this.#send();
  }

  #send(): void {
    this.#sending ??= this.#sendAll();
  }

  /** Batch after batch, until what is left can wait for its own limits. Never rejects. */
  async #sendAll(): Promise<void> {
    // What comes in this turn may still go with the first batch.
    await Promise.resolve();
    while (this.#waiting.length > 0 && (this.#isDue || this.#isFull)) {
      this.#clearTimer();
      const batch = this.#nextBatch();
      if (this.#waiting.length > 0) this.#startTimer();
      else this.#isDue = false;
      await this.#deliver(batch.map(({ text }) => text));
      if (this.#abort.signal.aborted) break;
      for (const { bytes } of batch) this.#waitingBytes -= bytes;
      this.#announceDropped();
    }
    // Without an `await` since the last look at what waits: a record that comes later starts the sending again.
    this.#sending = undefined;
  }

  /** At most `maxItems` records and `maxBytes` bytes, and always one. */
  #nextBatch(): Waiting[] {
    const { maxItems, maxBytes } = this.subscription.buffering;
    let bytes = 0;
    let count = 0;
    for (const record of this.#waiting) {
      if (count > 0 && (count >= maxItems || bytes + record.bytes > maxBytes)) break;
      bytes += record.bytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** Until the subscriber has it, or the subscription ends. Never rejects. */
  async #deliver(records: readonly string[]): Promise<void> {
    const ended = this.#abort.signal;
    for (let wait = backoffMs.first; !ended.aborted; wait = Math.min(wait * 2, backoffMs.last)) {
      const attempt = new AbortController();
      const abandon = () => attempt.abort();
      ended.addEventListener("abort", abandon, { once: true });
      const stopTimer = this.clock.after(attemptMs, abandon);
      try {
        return await this.#carrier.send(records, attempt.signal);
      } catch (error) {
        log.info(
          `telemetry for the extension ${this.name} could not be delivered, again in ${wait} ms: ${messageOf(error)}`,
        );
      } finally {
        stopTimer();
        ended.removeEventListener("abort", abandon);
      }
      await this.#pause(wait);
    }
  }

  #pause(ms: number): Promise<void> {
    const ended = this.#abort.signal;
    if (ended.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const over = () => {
        stop();
        ended.removeEventListener("abort", over);
        resolve();
      };
      const stop = this.clock.after(ms, over);
      ended.addEventListener("abort", over);
    });
  }
}
