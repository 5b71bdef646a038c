/** Who has subscribed to what, and what happened before anybody could. */
import type { Clock } from "../../clock.ts";
import { log } from "../../log.ts";
import { type Dialect, type RecordType, subscription as subscriptionRecord, type TelemetryEvent } from "../records.ts";
import { Delivery } from "./delivery.ts";
import type { Carrier } from "./destinations.ts";
import type { Subscription, SubscriptionApi } from "./subscription.ts";

/** Kept for those who subscribe late in init. A runtime that floods its init must not end the process. */
const maxEarlyEvents = 100_000;
const maxEarlyBytes = 32 * 1024 * 1024;

/** Thrown when it is too late to subscribe: init has ended. */
export class SubscriptionClosedError extends Error {
  override name = "SubscriptionClosedError";
}

/** Thrown when an extension that subscribed through one API tries the other. */
export class OtherApiError extends Error {
  override name = "OtherApiError";
}

export interface TelemetryServiceOptions {
  /** On a managed instance: only the newest of the schemas can be asked for. */
  readonly isManaged?: boolean;
  readonly newCarrier?: (subscription: Subscription) => Carrier;
}

export class TelemetryService {
  #deliveries: Delivery[] = [];
  /** What happened since init began; `undefined` once the window is closed. */
  #early: TelemetryEvent[] | undefined;
  #earlyBytes = 0;
  /** Lines since init began that were too many to be kept, by type. */
  #missed = new Map<RecordType, { records: number; bytes: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly options: TelemetryServiceOptions = {},
  ) {}

  get isManaged(): boolean {
    return this.options.isManaged ?? false;
  }

  /** Whether events have anybody to go to, now or later. Where not, they need not even be made. */
  get isListening(): boolean {
    return this.#early !== undefined || this.#deliveries.length > 0;
  }

  /** Init begins: from here on everything is kept for those who subscribe before it ends. */
  openWindow(): void {
    this.#early = [];
    this.#earlyBytes = 0;
    this.#missed.clear();
  }

  /** Init has ended: nobody can subscribe any more. */
  closeWindow(): void {
    this.#early = undefined;
  }

  record(event: TelemetryEvent): void {
    this.#keepEarly(event);
    for (const delivery of this.#deliveries) delivery.add(event);
  }

  /** @throws {SubscriptionClosedError} when init has ended: whatever is asked, it is too late */
  checkOpen(api: SubscriptionApi): void {
    if (!this.#early) throw new SubscriptionClosedError(`${api} API subscription is closed`);
  }

  /**
   * Subscribes an extension. It gets what happened so far in this init, then everything. The same request again changes
   * nothing; another one takes the first one's place.
   * @throws {SubscriptionClosedError}
   * @throws {OtherApiError}
   */
  subscribe(extension: string, asked: Subscription): void {
    this.checkOpen(asked.api);
    const before = this.#deliveries.find(({ name }) => name === extension);
    if (before && before.subscription.api !== asked.api) throw new OtherApiError(otherApiText(before.subscription.api));
    if (before && Bun.deepEquals(before.subscription, asked)) return;
    const delivery = new Delivery(extension, asked, this.clock, this.options.newCarrier?.(asked));
    this.#deliveries = [...this.#deliveries.filter((other) => other !== before), delivery];
    if (before) {
      log.info(`the extension ${extension} has replaced its subscription`);
      before.end();
    }
    for (const event of this.#early ?? []) delivery.add(event);
    for (const type of asked.types) {
      const missed = this.#missed.get(type);
      if (missed) delivery.missed(missed.records, missed.bytes);
    }
    this.record(subscriptionRecord(this.clock.epoch(), extension, asked.dialect satisfies Dialect, asked.types));
  }

  /** Sends everything that waits. @returns resolves when it was taken, at most after `ms` milliseconds */
  async flush(ms: number): Promise<void> {
    await Promise.all(this.#deliveries.map((delivery) => delivery.flush(ms)));
  }

  /** The extensions are gone, and their subscriptions with them. */
  endSubscriptions(): void {
    for (const delivery of this.#deliveries) delivery.end();
    this.#deliveries = [];
    this.#early = undefined;
  }

  /** Keeps an event for late subscribers. Only lines of output are bounded, for there can be any number of them. */
  #keepEarly(event: TelemetryEvent): void {
    if (!this.#early) return;
    const bytes = event.line === undefined ? 0 : Buffer.byteLength(event.line);
    const isTooMuch = this.#early.length >= maxEarlyEvents || this.#earlyBytes + bytes > maxEarlyBytes;
    if (event.line === undefined || !isTooMuch) {
      this.#early.push(event);
      this.#earlyBytes += bytes;
      return;
    }
    const { records, bytes: before } = this.#missed.get(event.type) ?? { records: 0, bytes: 0 };
    this.#missed.set(event.type, { records: records + 1, bytes: before + bytes });
  }
}

function otherApiText(used: SubscriptionApi): string {
  return `this extension has subscribed through the ${used} API already: use one of the two APIs only`;
}
