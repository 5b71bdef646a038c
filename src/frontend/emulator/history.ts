/** The invocations of late, as data for the page, and what happens to them as it happens. */
import type { Clock } from "../../clock.ts";
import type { Load } from "./capacity.ts";
import type { Phase } from "./phases.ts";

export type EntryState = "queued" | "running" | "done";

/** How a call came. */
export type Source = "invoke" | "stream" | "event" | "url" | "once";

/** One invocation. A retry of an event is another one, with the same request id. */
export interface Entry {
  /** Its own number, from 1. */
  readonly number: number;
  readonly requestId: string;
  readonly source: Source;
  /** From 1; above it, a retry of an event. */
  readonly attempt: number;
  readonly functionArn: string;
  readonly event: Excerpt;
  readonly clientContext: string;
  readonly tenantId: string;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  readonly state: EntryState;
  /** The environment that serves it, from 1. */
  readonly environment?: number;
  /** Milliseconds until it had an environment whose init was over. */
  readonly waitedMs?: number;
  readonly result?: Excerpt;
  readonly contentType?: string;
  /** The type of the error it ended with. */
  readonly errorType?: string;
  readonly logs?: Excerpt;
  readonly durationMs?: number;
  readonly initDurationMs?: number;
  readonly maxMemoryMb?: number;
  readonly phases?: readonly Phase[];
}

/** A text that may have been too long to keep. */
export interface Excerpt {
  readonly text: string;
  /** Bytes there were in all; more than the text has where it was cut. */
  readonly totalBytes: number;
  readonly isCut: boolean;
  /** The bytes were no text: this is them in base64. */
  readonly isBase64: boolean;
}

/** What subscribers are told. */
export type HistoryEvent =
  | { readonly type: "entry"; readonly entry: Entry }
  | { readonly type: "dropped"; readonly number: number }
  | { readonly type: "load"; readonly load: Load }
  | { readonly type: "cleared" };

/** Entries kept, and bytes of their texts together. */
const maxEntries = 500;
const maxTotalBytes = 32 * 1024 * 1024;

/** Bytes of one text: an event, a result, a log. */
const maxTextBytes = 1024 * 1024;

export class History {
  /** By number, oldest first. */
  readonly #entries = new Map<number, Entry>();
  readonly #newest = new Map<string, number>();
  readonly #subscribers = new Set<(event: HistoryEvent) => void>();
  #count = 0;
  #totalBytes = 0;

  constructor(private readonly clock: Clock) {}

  /** Oldest first. */
  get entries(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  entry(number: number): Entry | undefined {
    return this.#entries.get(number);
  }

  /** The last attempt under a request id. */
  newestOf(requestId: string): Entry | undefined {
    const number = this.#newest.get(requestId);
    return number === undefined ? undefined : this.#entries.get(number);
  }

  add(call: Omit<Entry, "number" | "acceptedAt" | "state">): Entry {
    const entry: Entry = { ...call, number: ++this.#count, acceptedAt: this.clock.epoch(), state: "queued" };
    this.#newest.set(entry.requestId, entry.number);
    this.#put(entry);
    return entry;
  }

  /** Adds what has become known; of an entry that was dropped meanwhile, nothing. */
  update(number: number, change: Partial<Entry>): void {
    const before = this.#entries.get(number);
    if (before) this.#put({ ...before, ...change, number });
  }

  clear(): void {
    this.#entries.clear();
    this.#newest.clear();
    this.#totalBytes = 0;
    this.#tell({ type: "cleared" });
  }

  loadChanged(load: Load): void {
    this.#tell({ type: "load", load });
  }

  /** @returns ends the subscription */
  subscribe(listener: (event: HistoryEvent) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  #put(entry: Entry): void {
    const before = this.#entries.get(entry.number);
    this.#totalBytes += sizeOf(entry) - (before ? sizeOf(before) : 0);
    this.#entries.set(entry.number, entry);
    this.#tell({ type: "entry", entry });
    for (const [number, oldest] of this.#entries) {
      const isOver = this.#entries.size > maxEntries || this.#totalBytes > maxTotalBytes;
      if (!isOver || number === entry.number) break;
      this.#entries.delete(number);
      if (this.#newest.get(oldest.requestId) === number) this.#newest.delete(oldest.requestId);
      this.#totalBytes -= sizeOf(oldest);
      this.#tell({ type: "dropped", number });
    }
  }

  #tell(event: HistoryEvent): void {
    for (const listener of this.#subscribers) listener(event);
  }
}

function sizeOf({ event, result, logs }: Entry): number {
  return event.text.length + (result?.text.length ?? 0) + (logs?.text.length ?? 0);
}

function newDecoder(): TextDecoder {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
}

const wholeText = newDecoder();

/** @param limit bytes that are kept */
export function excerptOf(content: Uint8Array | string, limit = maxTextBytes): Excerpt {
  if (typeof content === "string") {
    const totalBytes = Buffer.byteLength(content);
    const isCut = totalBytes > limit;
    // No character has less than a byte.
    const text = isCut ? Buffer.from(content.slice(0, limit)).subarray(0, limit).toString() : content;
    return { text, totalBytes, isCut, isBase64: false };
  }
  const totalBytes = content.byteLength;
  const isCut = totalBytes > limit;
  const kept = content.subarray(0, limit);
  try {
    // A character that the cut went through is no reason to take a text for bytes.
    const text = isCut ? newDecoder().decode(kept, { stream: true }) : wholeText.decode(kept);
    return { text, totalBytes, isCut, isBase64: false };
  } catch {
    return { text: Buffer.from(kept).toString("base64"), totalBytes, isCut, isBase64: true };
  }
}
