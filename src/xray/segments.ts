/** Segments on their way to LocalStack: collected, sent in batches, counted; bounded, and never in anybody's way. */
import { type Clock, settlesWithin, sleep } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { segmentIn } from "./segment.ts";
import type { Answer, Upstream } from "./upstream.ts";

/** A batch: the daemon's figures, and bytes that make a request of sensible size. */
const batch = { segments: 50, bytes: 512 * 1024, afterMs: 1000 } as const;

/** Bytes of datagrams that may wait; above it the oldest go. */
const maxWaitingBytes = 16 * 1024 * 1024;

/** Batches that may be under way at once. */
const maxSenders = 2;

/** Milliseconds before each further attempt, after a connection error or an answer that says `later`. */
const retryAfterMs = [100, 400];

/** What became of segments. Every one received is in exactly one of the others, or waits. */
export interface SegmentCounts {
  received: number;
  sent: number;
  /** Given up because too many waited. */
  spilled: number;
  /** No segments, or refused by LocalStack. */
  rejected: number;
  /** Given up because LocalStack could not be reached. */
  undelivered: number;
}

/** How requests failed, in the words of PutTelemetryRecords. */
export interface ConnectionErrors {
  TimeoutCount: number;
  ConnectionRefusedCount: number;
  HTTPCode4XXCount: number;
  HTTPCode5XXCount: number;
  UnknownHostCount: number;
  OtherCount: number;
}

export class Segments {
  readonly counts: SegmentCounts = { received: 0, sent: 0, spilled: 0, rejected: 0, undelivered: 0 };
  readonly errors: ConnectionErrors = {
    TimeoutCount: 0,
    ConnectionRefusedCount: 0,
    HTTPCode4XXCount: 0,
    HTTPCode5XXCount: 0,
    UnknownHostCount: 0,
    OtherCount: 0,
  };
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #stopTimer: (() => void) | undefined;
  readonly #senders = new Set<Promise<void>>();
  #isDue = false;
  /** What was lost up to the last warning. */
  #told = 0;

  constructor(
    private readonly upstream: Pick<Upstream, "send">,
    private readonly clock: Clock,
    /** Segments the kernel has dropped so far because they came faster than they were read. */
    private readonly droppedByKernel: () => number = () => 0,
  ) {}

  /** Takes a datagram. Does next to nothing: while it works, more arrive. */
  add(datagram: Uint8Array): void {
    this.counts.received++;
    this.#waiting.push(datagram);
    this.#waitingBytes += datagram.byteLength;
    while (this.#waitingBytes > maxWaitingBytes) {
      this.#waitingBytes -= (this.#waiting.shift() as Uint8Array).byteLength;
      this.counts.spilled++;
    }
    if (this.#waiting.length >= batch.segments) this.#send();
    else this.#stopTimer ??= this.clock.after(batch.afterMs, () => this.#due());
  }

  /** Sends everything that waits; resolves when nothing is being sent any more, at most after `ms` milliseconds. */
  async flush(ms: number): Promise<void> {
    const deadline = this.clock.now() + ms;
    if (this.#waiting.length > 0) this.#due();
    while (this.#senders.size > 0 && this.clock.now() < deadline) {
      await settlesWithin(this.clock, deadline - this.clock.now(), Promise.all(this.#senders));
    }
    this.#stopTimer?.();
    this.counts.undelivered += this.#waiting.length;
    this.#waiting = [];
    this.#tellOfLosses();
  }

  #due(): void {
    this.#isDue = true;
    this.#send();
  }

  #send(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    while (this.#senders.size < maxSenders && this.#hasBatch()) {
      const sender = this.#deliver(this.#nextBatch()).finally(() => {
        this.#senders.delete(sender);
        this.#tellOfLosses();
        this.#send();
      });
      this.#senders.add(sender);
    }
    if (this.#waiting.length === 0) this.#isDue = false;
    else if (this.#senders.size === 0) this.#stopTimer = this.clock.after(batch.afterMs, () => this.#due());
  }

  #hasBatch(): boolean {
    return this.#waiting.length >= batch.segments || (this.#isDue && this.#waiting.length > 0);
  }

  #nextBatch(): string[] {
    const documents: string[] = [];
    let bytes = 0;
    let taken = 0;
    for (const datagram of this.#waiting) {
      if (taken > 0 && (documents.length >= batch.segments || bytes + datagram.byteLength > batch.bytes)) break;
      taken++;
      bytes += datagram.byteLength;
      const document = segmentIn(datagram);
      if (document === undefined) this.counts.rejected++;
      else documents.push(document);
    }
    this.#waiting.splice(0, taken);
    this.#waitingBytes -= bytes;
    return documents;
  }

  /** Never rejects: what cannot be delivered is counted. */
  async #deliver(documents: readonly string[]): Promise<void> {
    if (documents.length === 0) return;
    const body = JSON.stringify({ TraceSegmentDocuments: documents });
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#attempt(body);
      if (answer && answer.status < 400) return this.#count(documents.length, answer);
      const isWorthAnother = !answer || answer.status >= 500 || answer.status === 429;
      const wait = retryAfterMs[attempt];
      if (!isWorthAnother || wait === undefined) {
        if (answer && !isWorthAnother) this.counts.rejected += documents.length;
        else this.counts.undelivered += documents.length;
        return;
      }
      await sleep(this.clock, wait);
    }
  }

  async #attempt(body: string): Promise<Answer | undefined> {
    try {
      const answer = await this.upstream.send("POST", "/TraceSegments", body, "application/json");
      if (answer.status >= 500) this.errors.HTTPCode5XXCount++;
      else if (answer.status >= 400) this.errors.HTTPCode4XXCount++;
      return answer;
    } catch (error) {
      this.errors[kindOf(error)]++;
      log.info(`LocalStack's X-Ray could not be reached: ${messageOf(error)}`);
      return undefined;
    }
  }

  #count(sent: number, { body }: Answer): void {
    const refused = unprocessedIn(body);
    this.counts.sent += sent - refused;
    this.counts.rejected += refused;
  }

  #tellOfLosses(): void {
    const { spilled, rejected, undelivered } = this.counts;
    const unread = this.droppedByKernel();
    const lost = spilled + rejected + undelivered + unread;
    if (lost === this.#told) return;
    this.#told = lost;
    log.warn(
      `X-Ray segments lost so far: ${rejected} were refused, ${undelivered} could not be delivered, ` +
        `${spilled} were too many to keep, ${unread} were too many to read`,
    );
  }
}

function unprocessedIn(body: Uint8Array): number {
  try {
    const { UnprocessedTraceSegments: list } = JSON.parse(new TextDecoder().decode(body));
    return Array.isArray(list) ? list.length : 0;
  } catch {
    return 0;
  }
}

function kindOf(error: unknown): keyof ConnectionErrors {
  const cause = (error as { cause?: { code?: string; name?: string } }).cause;
  if (cause?.name === "AbortError" || cause?.name === "TimeoutError") return "TimeoutCount";
  if (cause?.code === "ECONNREFUSED" || cause?.code === "ConnectionRefused") return "ConnectionRefusedCount";
  return cause?.code === "ENOTFOUND" ? "UnknownHostCount" : "OtherCount";
}
