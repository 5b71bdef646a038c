import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { log } from "../../../src/log.ts";
import { start } from "../../../src/telemetry/invocation-records.ts";
import { logsDropped, outputLine, serialize, type TelemetryEvent } from "../../../src/telemetry/records.ts";
import { Delivery } from "../../../src/telemetry/subscribers/delivery.ts";
import type { Carrier } from "../../../src/telemetry/subscribers/destinations.ts";
import type { Buffering, Subscription } from "../../../src/telemetry/subscribers/subscription.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** Knows how many timers run. */
class CountingClock extends FakeClock {
  running = 0;

  override after(ms: number, action: () => void): () => void {
    this.running++;
    let isRunning = true;
    const end = () => {
      if (isRunning) this.running--;
      isRunning = false;
    };
    const callOff = super.after(ms, () => {
      end();
      action();
    });
    return () => {
      end();
      callOff();
    };
  }
}

/** Takes every batch, or does with it what the test says. */
class FakeCarrier implements Carrier {
  readonly attempts: { at: number; records: readonly string[]; signal: AbortSignal }[] = [];
  closings = 0;
  /** What comes of an attempt; the first is number 1. */
  answer: (attempt: number, signal: AbortSignal) => Promise<void> = async () => {};

  constructor(private readonly clock: FakeClock) {}

  send(records: readonly string[], signal: AbortSignal): Promise<void> {
    this.attempts.push({ at: this.clock.now(), records, signal });
    return this.answer(this.attempts.length, signal);
  }

  close(): void {
    this.closings++;
  }

  get sizes(): number[] {
    return this.attempts.map(({ records }) => records.length);
  }

  get times(): number[] {
    return this.attempts.map(({ at }) => at);
  }

  get texts(): unknown[] {
    return this.attempts.flatMap(({ records }) => records.map((text) => JSON.parse(text).record));
  }
}

let clock: CountingClock;
let carrier: FakeCarrier;
let warnings: { mockRestore(): void; mock: { calls: unknown[][] } };

beforeEach(() => {
  clock = new CountingClock();
  carrier = new FakeCarrier(clock);
  warnings = spyOn(log, "warn").mockImplementation(Object.assign(() => {}, { raw() {} }));
});
afterEach(() => warnings.mockRestore());

function deliver(buffering: Partial<Buffering> = {}, types: Subscription["types"] = ["function"]): Delivery {
  const subscription: Subscription = {
    api: "Telemetry",
    dialect: "telemetry 2022-07-01",
    types,
    buffering: { maxItems: 1000, maxBytes: 262_144, timeoutMs: 1000, ...buffering },
    destination: { protocol: "TCP", port: 1 },
  };
  return new Delivery("a", subscription, clock, carrier);
}

const line = (text: string) => outputLine(clock.epoch(), "function", text, false);

/** A line whose record has exactly this many bytes. */
function lineOf(bytes: number): TelemetryEvent {
  const around = Buffer.byteLength(serialize(line(""), "telemetry 2022-07-01") ?? "");
  return line("x".repeat(bytes - around));
}

function addLines(delivery: Delivery, count: number, from = 0): void {
  for (let index = 0; index < count; index++) delivery.add(line(String(from + index)));
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => String(from + index));

const never = () => new Promise<void>(() => {});
const refused = () => Promise.reject(new Error("refused"));

/** The attempt hangs until its deadline, or until the subscription ends. */
const hangs = (_: number, signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));

describe("a record waits", () => {
  test("until its time is up, from the first of the batch on", async () => {
    const delivery = deliver({ timeoutMs: 100 });
    delivery.add(line("one"));
    await clock.advance(60);
    delivery.add(line("two"));
    await clock.advance(39);
    expect(carrier.attempts).toEqual([]);
    await clock.advance(1);
    expect(carrier.texts).toEqual(["one", "two"]);
    expect([carrier.times, clock.running]).toEqual([[100], 0]);
  });

  test("for nothing when there are enough items, and the clock starts anew for the next", async () => {
    const delivery = deliver();
    addLines(delivery, 999);
    await clock.advance(10);
    expect(carrier.sizes).toEqual([]);
    addLines(delivery, 1, 999);
    await clock.advance(0);
    expect(carrier.sizes).toEqual([1000]);
    expect(clock.running).toBe(0);
    delivery.add(line("next"));
    await clock.advance(999);
    expect(carrier.sizes).toEqual([1000]);
    await clock.advance(1);
    expect([carrier.sizes, carrier.times]).toEqual([
      [1000, 1],
      [10, 1010],
    ]);
  });

  test("for its time again after a flush", async () => {
    const delivery = deliver();
    delivery.add(line("flushed"));
    await delivery.flush(1000);
    addLines(delivery, 1001);
    await clock.advance(999);
    expect(carrier.sizes).toEqual([1, 1000]);
    await clock.advance(1);
    expect(carrier.sizes).toEqual([1, 1000, 1]);
  });

  test("for nothing when there are enough bytes", async () => {
    const delivery = deliver();
    delivery.add(lineOf(262_143));
    await clock.advance(10);
    expect(carrier.sizes).toEqual([]);
    delivery.add(lineOf(100));
    await clock.advance(0);
    expect(carrier.sizes).toEqual([1]);
    await clock.advance(1000);
    expect([carrier.sizes, carrier.times]).toEqual([
      [1, 1],
      [10, 1010],
    ]);
  });

  test("not longer than its time because another batch is under way", async () => {
    carrier.answer = (attempt) => (attempt === 1 ? new Promise((resolve) => clock.after(900, resolve)) : refused());
    const delivery = deliver();
    delivery.add(lineOf(262_144));
    await clock.advance(0);
    delivery.add(line("meanwhile"));
    await clock.advance(999);
    expect(carrier.times).toEqual([0]);
    await clock.advance(1);
    expect(carrier.times).toEqual([0, 1000]);
    delivery.end();
  });

  test("until the batch under way was taken, however long", async () => {
    const taken = Promise.withResolvers<void>();
    carrier.answer = () => taken.promise;
    const delivery = deliver({ timeoutMs: 100 });
    delivery.add(line("one"));
    await clock.advance(100);
    addLines(delivery, 10);
    await clock.advance(4000);
    expect(carrier.sizes).toEqual([1]);
    taken.resolve();
    await clock.advance(0);
    expect(carrier.sizes).toEqual([1, 10]);
  });

  test("for nobody who did not ask for its type", async () => {
    const delivery = deliver({}, ["extension"]);
    delivery.add(line("one"));
    expect(clock.running).toBe(0);
    await delivery.flush(1000);
    expect(carrier.attempts).toEqual([]);
  });

  test("for nobody whose dialect has no such record", async () => {
    const delivery = deliver({}, ["platform"]);
    delivery.add({ type: "platform", at: 0, render: () => undefined });
    await delivery.flush(1000);
    expect(carrier.attempts).toEqual([]);
  });
});

test("a record that comes in the very turn a batch was taken in is sent, whenever in that turn", async () => {
  for (let turns = 0; turns < 15; turns++) {
    carrier = new FakeCarrier(clock);
    const taken = Promise.withResolvers<void>();
    carrier.answer = (attempt) => (attempt === 1 ? taken.promise : Promise.resolve());
    const delivery = deliver();
    delivery.add(lineOf(300_000));
    await clock.advance(0);
    taken.resolve();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    delivery.add(line("next"));
    await delivery.flush(1000);
    expect([turns, carrier.sizes]).toEqual([turns, [1, 1]]);
  }
});

describe("a batch", () => {
  test("has at most as many items as were asked for, in the order they came", async () => {
    const delivery = deliver({ maxItems: 1000 });
    addLines(delivery, 3500);
    await clock.advance(0);
    expect(carrier.sizes).toEqual([1000, 1000, 1000]);
    await clock.advance(1000);
    expect(carrier.sizes).toEqual([1000, 1000, 1000, 500]);
    expect(carrier.texts).toEqual(numbers(3500));
  });

  test("has at most as many bytes as were asked for, and may have exactly these", async () => {
    const delivery = deliver();
    for (const bytes of [131_072, 131_072, 200_000, 62_144, 1, 131_072].map((size) => Math.max(size, 100))) {
      delivery.add(lineOf(bytes));
    }
    await delivery.flush(1000);
    expect(carrier.sizes).toEqual([2, 2, 2]);
    for (const { records } of carrier.attempts) {
      expect(Buffer.byteLength(records.join(""))).toBeLessThanOrEqual(262_144);
    }
  });

  test("counts bytes, not characters", async () => {
    const delivery = deliver();
    for (let count = 0; count < 3; count++) delivery.add(line("€".repeat(40_000)));
    await delivery.flush(1000);
    expect(carrier.sizes).toEqual([2, 1]);
  });

  test("is one record alone when it is bigger than a batch may be", async () => {
    const delivery = deliver();
    delivery.add(line("before"));
    delivery.add(lineOf(700_000));
    delivery.add(line("behind"));
    await delivery.flush(1000);
    expect(carrier.sizes).toEqual([1, 1, 1]);
    expect(carrier.texts.map((text) => (text as string).length)).toEqual([6, expect.any(Number), 6]);
  });

  test("takes along what comes in the same turn", async () => {
    const delivery = deliver();
    delivery.add(line("one"));
    const flushed = delivery.flush(1000);
    delivery.add(line("two"));
    await flushed;
    expect(carrier.sizes).toEqual([2]);
  });
});

describe("a batch that was not taken", () => {
  test("is sent again after 50 ms, then after twice as long each time, at most after 5 s", async () => {
    carrier.answer = refused;
    const delivery = deliver();
    addLines(delivery, 2);
    const flushed = delivery.flush(100_000);
    await clock.advance(25_000);
    const waits = carrier.times.slice(1).map((at, index) => at - (carrier.times[index] ?? 0));
    expect(waits).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    for (const { records } of carrier.attempts) expect(records).toEqual(carrier.attempts[0]?.records as string[]);
    carrier.answer = async () => {};
    await clock.advance(5000);
    await flushed;
    expect(clock.running).toBe(0);
  });

  test("holds up those behind it, which come after it in order", async () => {
    carrier.answer = (attempt) => (attempt < 4 ? refused() : Promise.resolve());
    const delivery = deliver();
    addLines(delivery, 1000);
    await clock.advance(10);
    addLines(delivery, 1500, 1000);
    await clock.advance(5000);
    expect(carrier.sizes).toEqual([1000, 1000, 1000, 1000, 1000, 500]);
    expect(carrier.texts.slice(3000)).toEqual(numbers(2500));
  });

  test("starts the next one's waits from the beginning", async () => {
    carrier.answer = (attempt) => (attempt === 4 || attempt === 6 ? Promise.resolve() : refused());
    const delivery = deliver();
    addLines(delivery, 2000);
    await clock.advance(10_000);
    expect(carrier.times).toEqual([0, 50, 150, 350, 350, 400]);
  });

  test("within 5 s is given up and sent again", async () => {
    carrier.answer = (attempt, signal) => (attempt === 1 ? hangs(attempt, signal) : Promise.resolve());
    const delivery = deliver();
    delivery.add(line("one"));
    const flushed = delivery.flush(100_000);
    await clock.advance(4999);
    expect(carrier.attempts[0]?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(carrier.attempts[0]?.signal.aborted).toBe(true);
    await clock.advance(50);
    await flushed;
    expect(carrier.times).toEqual([0, 5050]);
    expect(carrier.texts).toEqual(["one", "one"]);
    expect(clock.running).toBe(0);
  });

  test("leaves no listener behind, however often it is sent", async () => {
    const added = spyOn(EventTarget.prototype, "addEventListener");
    const removed = spyOn(EventTarget.prototype, "removeEventListener");
    try {
      carrier.answer = refused;
      const delivery = deliver();
      delivery.add(line("one"));
      await clock.advance(60_000);
      expect(carrier.attempts.length).toBeGreaterThan(10);
      expect(added.mock.calls.length).toBeGreaterThan(20);
      expect(added.mock.calls.length - removed.mock.calls.length).toBeLessThanOrEqual(1);
      delivery.end();
    } finally {
      added.mockRestore();
      removed.mockRestore();
    }
  });
});

describe("a subscriber that does not keep up", () => {
  const reason = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.";
  const recordBytes = 256 * 1024;
  /** What may wait is 32 MiB. */
  const fitting = 128;
  const drops = () => carrier.texts.filter((record) => typeof record === "object");

  /** Fills what may wait, with a batch under way that the test resolves. */
  async function fill(): Promise<{ delivery: Delivery; taken: PromiseWithResolvers<void> }> {
    const taken = Promise.withResolvers<void>();
    carrier.answer = (attempt) => (attempt === 1 ? taken.promise : Promise.resolve());
    const delivery = deliver();
    for (let count = 0; count < fitting; count++) delivery.add(lineOf(recordBytes));
    await clock.advance(0);
    expect(carrier.sizes).toEqual([1]);
    return { delivery, taken };
  }

  test("is sent 32 MiB, what is under way included, and no more", async () => {
    const { delivery, taken } = await fill();
    delivery.add(line("one too many"));
    taken.resolve();
    await delivery.flush(1000);
    expect(carrier.texts).toHaveLength(fitting + 1);
    expect(carrier.texts).not.toContain("one too many");
  });

  test("is told of the drops in their place, once, with their counts", async () => {
    const { delivery, taken } = await fill();
    delivery.add(lineOf(1000));
    delivery.add(lineOf(recordBytes));
    delivery.add(lineOf(234));
    taken.resolve();
    await clock.advance(0);
    delivery.add(line("behind"));
    await delivery.flush(1000);
    expect(carrier.texts.slice(fitting)).toEqual([
      { reason, droppedRecords: 3, droppedBytes: 1000 + recordBytes + 234 },
      "behind",
    ]);
  });

  test("is told although nothing comes afterwards, and although it did not ask for platform records", async () => {
    const { delivery, taken } = await fill();
    delivery.add(lineOf(1000));
    taken.resolve();
    await clock.advance(1000);
    expect(drops()).toEqual([{ reason, droppedRecords: 1, droppedBytes: 1000 }]);
    expect(carrier.attempts.at(-1)?.records).toEqual([
      serialize(logsDropped(clock.epoch() - 1000, reason, 1, 1000), "telemetry 2022-07-01") as string,
    ]);
    expect(clock.running).toBe(0);
  });

  test("is told before a smaller record that still has room", async () => {
    const taken = Promise.withResolvers<void>();
    carrier.answer = () => taken.promise;
    const delivery = deliver();
    for (let count = 1; count < fitting; count++) delivery.add(lineOf(recordBytes));
    delivery.add(lineOf(recordBytes + 1));
    delivery.add(line("small"));
    taken.resolve();
    await delivery.flush(1000);
    expect(carrier.texts.slice(fitting - 1)).toEqual([
      { reason, droppedRecords: 1, droppedBytes: recordBytes + 1 },
      "small",
    ]);
  });

  test("is told of each gap by itself", async () => {
    const { delivery, taken } = await fill();
    const second = Promise.withResolvers<void>();
    carrier.answer = () => second.promise;
    delivery.add(lineOf(1000));
    taken.resolve();
    await clock.advance(0);
    delivery.add(lineOf(1001));
    delivery.add(lineOf(recordBytes));
    delivery.add(lineOf(recordBytes));
    second.resolve();
    await delivery.flush(1000);
    expect(drops()).toEqual([
      { reason, droppedRecords: 1, droppedBytes: 1000 },
      { reason, droppedRecords: 2, droppedBytes: 2 * recordBytes },
    ]);
    expect(carrier.texts).toHaveLength(fitting + 3);
  });

  test("is told by a flush", async () => {
    const { delivery, taken } = await fill();
    delivery.add(lineOf(1000));
    const flushed = delivery.flush(1000);
    taken.resolve();
    await flushed;
    expect(drops()).toEqual([{ reason, droppedRecords: 1, droppedBytes: 1000 }]);
  });

  test("is warned of once for each gap in init's log", async () => {
    const { delivery } = await fill();
    for (let count = 0; count < 10; count++) delivery.add(lineOf(1000));
    expect(warnings.mock.calls).toEqual([
      ["the extension a does not take its telemetry fast enough: records are being dropped"],
    ]);
    delivery.end();
  });

  test("gets every record or its count, whatever the sizes", async () => {
    const delivery = deliver({ maxItems: 1000 });
    const sizes = [100, 5000, 200_000, 300_000, 150, 70_000];
    let isSlow = true;
    carrier.answer = () => (isSlow ? new Promise((resolve) => clock.after(300, resolve)) : Promise.resolve());
    let bytes = 0;
    const total = 1800;
    for (let index = 0; index < total; index++) {
      const size = sizes[(index * 7) % sizes.length] ?? 100;
      bytes += size;
      delivery.add(lineOf(size));
      if (index % 60 === 0) await clock.advance(500);
    }
    isSlow = false;
    const flushed = delivery.flush(10_000);
    await clock.advance(1000);
    await flushed;
    const texts = carrier.attempts.flatMap(({ records }) => records);
    const lines = texts.filter((text) => JSON.parse(text).type === "function");
    const dropped = drops() as { droppedRecords: number; droppedBytes: number }[];
    expect(dropped.length).toBeGreaterThan(1);
    expect(lines.length + dropped.reduce((sum, { droppedRecords }) => sum + droppedRecords, 0)).toBe(total);
    expect(Buffer.byteLength(lines.join("")) + dropped.reduce((sum, told) => sum + told.droppedBytes, 0)).toBe(bytes);
  });
});

describe("records that were missed before they came here", () => {
  test("are told like those that were dropped", async () => {
    const delivery = deliver();
    delivery.missed(3, 700);
    await clock.advance(1000);
    expect(carrier.texts).toEqual([expect.objectContaining({ droppedRecords: 3, droppedBytes: 700 })]);
  });

  test("of none is nothing told", async () => {
    const delivery = deliver();
    delivery.missed(0, 0);
    await delivery.flush(1000);
    expect(carrier.attempts).toEqual([]);
  });
});

describe("flush", () => {
  test("sends at once what waits, to the last, and resolves when it was taken", async () => {
    const taken = Promise.withResolvers<void>();
    carrier.answer = () => taken.promise;
    const delivery = deliver();
    addLines(delivery, 1200);
    let isFlushed = false;
    const flushed = delivery.flush(5000).then(() => {
      isFlushed = true;
    });
    await clock.advance(100);
    expect([carrier.sizes, isFlushed]).toEqual([[1000], false]);
    taken.resolve();
    await flushed;
    expect([carrier.sizes, carrier.times]).toEqual([
      [1000, 200],
      [0, 100],
    ]);
    await clock.advance(0);
    expect(clock.running).toBe(0);
  });

  test("waits no longer than it may", async () => {
    carrier.answer = refused;
    const delivery = deliver();
    delivery.add(line("one"));
    let isFlushed = false;
    const flushed = delivery.flush(2000).then(() => {
      isFlushed = true;
    });
    await clock.advance(1999);
    expect(isFlushed).toBe(false);
    await clock.advance(1);
    await flushed;
    delivery.end();
    await clock.advance(0);
    expect(clock.running).toBe(0);
  });

  test("has nothing to do where nothing waits", async () => {
    await deliver().flush(2000);
    expect([carrier.attempts.length, clock.running]).toEqual([0, 0]);
  });
});

describe("the end of a subscription", () => {
  test("calls off what waits for its time", async () => {
    const delivery = deliver();
    addLines(delivery, 3);
    delivery.end();
    expect([clock.running, carrier.closings]).toEqual([0, 1]);
    await clock.advance(10_000);
    expect(carrier.attempts).toEqual([]);
  });

  test("in the turn in which a batch is due sends nothing", async () => {
    const delivery = deliver();
    addLines(delivery, 1000);
    delivery.end();
    await clock.advance(10_000);
    expect([carrier.attempts.length, clock.running]).toEqual([0, 0]);
  });

  test("gives up the attempt under way, and makes no other", async () => {
    carrier.answer = hangs;
    const delivery = deliver();
    addLines(delivery, 2000);
    await clock.advance(1);
    const flushed = delivery.flush(100_000);
    delivery.end();
    expect(carrier.attempts[0]?.signal.aborted).toBe(true);
    await clock.advance(0);
    await flushed;
    expect(clock.running).toBe(0);
    await clock.advance(100_000);
    expect(carrier.sizes).toEqual([1000]);
  });

  test("waits for no carrier that does not listen to it", async () => {
    carrier.answer = never;
    const delivery = deliver();
    addLines(delivery, 1000);
    await clock.advance(1);
    delivery.end();
    await clock.advance(5000);
    expect([carrier.sizes, clock.running]).toEqual([[1000], 0]);
  });

  test("between two attempts makes no other", async () => {
    carrier.answer = refused;
    const delivery = deliver();
    addLines(delivery, 1000);
    await clock.advance(60);
    expect(carrier.sizes).toEqual([1000, 1000]);
    delivery.end();
    await clock.advance(0);
    expect(clock.running).toBe(0);
    await clock.advance(10_000);
    expect(carrier.sizes).toEqual([1000, 1000]);
  });

  test("takes nothing more", async () => {
    const delivery = deliver();
    delivery.end();
    addLines(delivery, 1000);
    expect(clock.running).toBe(0);
    await delivery.flush(1000);
    await clock.advance(10_000);
    expect(carrier.attempts).toEqual([]);
  });

  test("leaves nobody to be told of what was dropped", async () => {
    carrier.answer = hangs;
    const delivery = deliver();
    for (let count = 0; count < 130; count++) delivery.add(lineOf(256 * 1024));
    await clock.advance(0);
    delivery.end();
    await clock.advance(0);
    expect(clock.running).toBe(0);
    await clock.advance(10_000);
    expect(carrier.sizes).toEqual([1]);
  });
});

test("a batch holds records as the dialect has them", async () => {
  const delivery = deliver({}, ["platform"]);
  const begun = { requestId: "id-1", traceId: "" };
  const facts = {
    functionName: "fn",
    functionVersion: "7",
    memorySizeMb: 128,
    initializationType: "on-demand",
    instanceId: "",
  };
  delivery.add(start(1_700_000_000_123, begun, facts));
  await delivery.flush(1000);
  expect(carrier.attempts[0]?.records).toEqual([
    '{"time":"2023-11-14T22:13:20.123Z","type":"platform.start","record":{"requestId":"id-1","version":"7"}}',
  ]);
});
