import { beforeEach, describe, expect, test } from "bun:test";
import { outputLine, type TelemetryEvent } from "../../../src/telemetry/records.ts";
import {
  OtherApiError,
  SubscriptionClosedError,
  TelemetryService,
} from "../../../src/telemetry/subscribers/service.ts";
import type { Subscription } from "../../../src/telemetry/subscribers/subscription.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** One subscription's carrier: what it was given, as types and records. */
interface Subscriber {
  readonly records: { type: string; record: unknown }[];
  isClosed: boolean;
}

let clock: FakeClock;
let subscribers: Subscriber[];
let telemetry: TelemetryService;

beforeEach(() => {
  clock = new FakeClock();
  subscribers = [];
  telemetry = new TelemetryService(clock, {
    newCarrier: () => {
      const subscriber: Subscriber = { records: [], isClosed: false };
      subscribers.push(subscriber);
      return {
        async send(records) {
          for (const { type, record } of records.map((text) => JSON.parse(text))) {
            subscriber.records.push({ type, record });
          }
        },
        close() {
          subscriber.isClosed = true;
        },
      };
    },
  });
});

const asked: Subscription = {
  api: "Telemetry",
  dialect: "telemetry 2022-07-01",
  types: ["function"],
  buffering: { maxItems: 10_000, maxBytes: 1_048_576, timeoutMs: 1000 },
  destination: { protocol: "TCP", port: 1 },
};
const platform: Subscription = { ...asked, types: ["platform"] };

const line = (text: string, type: "function" | "extension" = "function") =>
  outputLine(clock.epoch(), type, text, false);
const told = (text: string) => ({ type: "function", record: text });

async function flushed(index = 0): Promise<Subscriber["records"]> {
  await telemetry.flush(1000);
  return subscribers[index]?.records ?? [];
}

describe("somebody listens", () => {
  test("while the window is open, and afterwards only where somebody has subscribed", () => {
    expect(telemetry.isListening).toBe(false);
    telemetry.openWindow();
    expect(telemetry.isListening).toBe(true);
    telemetry.closeWindow();
    expect(telemetry.isListening).toBe(false);
    telemetry.openWindow();
    telemetry.subscribe("a", asked);
    telemetry.closeWindow();
    expect(telemetry.isListening).toBe(true);
    telemetry.endSubscriptions();
    expect(telemetry.isListening).toBe(false);
  });
});

describe("what happened before somebody subscribed", () => {
  test("is told once, in order, before what happens then", async () => {
    telemetry.openWindow();
    telemetry.record(line("one"));
    telemetry.record(line("two"));
    telemetry.subscribe("a", asked);
    telemetry.record(line("three"));
    telemetry.closeWindow();
    telemetry.record(line("four"));
    expect(await flushed()).toEqual(["one", "two", "three", "four"].map(told));
  });

  test("is told to everybody, with the subscriptions there were", async () => {
    const subscription = (name: string) => ({
      type: "platform.telemetrySubscription",
      record: { name, state: "Subscribed", types: ["platform"] },
    });
    telemetry.openWindow();
    telemetry.subscribe("a", platform);
    telemetry.subscribe("b", platform);
    expect(await flushed(0)).toEqual([subscription("a"), subscription("b")]);
    expect(await flushed(1)).toEqual([subscription("a"), subscription("b")]);
  });

  test("is not told of another init", async () => {
    telemetry.openWindow();
    telemetry.record(line("one"));
    telemetry.closeWindow();
    telemetry.record(line("between"));
    telemetry.openWindow();
    telemetry.record(line("two"));
    telemetry.subscribe("a", asked);
    expect(await flushed()).toEqual([told("two")]);
  });

  test("is told to who replaces a subscription, whose own records end", async () => {
    telemetry.openWindow();
    telemetry.record(line("one"));
    telemetry.subscribe("a", asked);
    expect(await flushed(0)).toEqual([told("one")]);
    telemetry.subscribe("a", { ...asked, destination: { protocol: "TCP", port: 2 } });
    telemetry.record(line("two"));
    expect(await flushed(1)).toEqual([told("one"), told("two")]);
    expect([subscribers[0]?.records.length, subscribers.map(({ isClosed }) => isClosed)]).toEqual([1, [true, false]]);
  });

  test("is told once to who asks for the same again", async () => {
    telemetry.openWindow();
    telemetry.record(line("one"));
    telemetry.subscribe("a", asked);
    telemetry.subscribe("a", structuredClone(asked));
    expect(await flushed()).toEqual([told("one")]);
    expect(subscribers).toHaveLength(1);
  });
});

test("a subscription that was replaced can be had again", async () => {
  telemetry.openWindow();
  telemetry.subscribe("a", asked);
  telemetry.subscribe("a", platform);
  telemetry.subscribe("a", asked);
  telemetry.record(line("one"));
  expect(await flushed(2)).toEqual([told("one")]);
  expect(subscribers.map(({ isClosed }) => isClosed)).toEqual([true, true, false]);
});

describe("a flood in init", () => {
  const drops = (records: Subscriber["records"]) => records.filter(({ type }) => type === "platform.logsDropped");

  test("of short lines is kept up to 100,000, and the rest counted", async () => {
    telemetry.openWindow();
    const event = line("x");
    for (let count = 0; count < 100_010; count++) telemetry.record(event);
    telemetry.subscribe("a", asked);
    const records = await flushed();
    expect(records).toHaveLength(100_001);
    expect(drops(records).map(({ record }) => record)).toEqual([
      expect.objectContaining({ droppedRecords: 10, droppedBytes: 10 }),
    ]);
  });

  test("of long lines is kept up to 32 MiB, and the rest counted by those who asked for it", async () => {
    telemetry.openWindow();
    const long: TelemetryEvent = line("x".repeat(1024 * 1024));
    for (let count = 0; count < 30; count++) telemetry.record(long);
    for (let count = 0; count < 5; count++) telemetry.record(line("€".repeat(1024 * 1024)));
    telemetry.record(line("é".repeat(1024 * 1024), "extension"));
    telemetry.record(line("x".repeat(1024), "extension"));
    telemetry.subscribe("a", { ...asked, types: ["extension"] });
    telemetry.subscribe("b", asked);
    telemetry.subscribe("c", platform);
    const ofExtensions = await flushed(0);
    // The first of the two fills what may be kept to the last byte.
    expect(ofExtensions.map(({ type }) => type)).toEqual(["extension", "platform.logsDropped"]);
    expect(ofExtensions[1]?.record).toMatchObject({ droppedRecords: 1, droppedBytes: 1024 });
    const functions = await flushed(1);
    expect(functions.filter(({ type }) => type === "function")).toHaveLength(30);
    expect(drops(functions).map(({ record }) => record)).toEqual([
      expect.objectContaining({ droppedRecords: 5, droppedBytes: 15 * 1024 * 1024 }),
    ]);
    expect(drops(await flushed(2))).toEqual([]);
  });

  test("leaves room for what else happens", async () => {
    telemetry.openWindow();
    const event = line("x");
    for (let count = 0; count < 100_010; count++) telemetry.record(event);
    telemetry.subscribe("a", platform);
    telemetry.subscribe("b", platform);
    expect((await flushed(1)).map(({ type }) => type)).toEqual([
      "platform.telemetrySubscription",
      "platform.telemetrySubscription",
    ]);
  });

  test("is forgotten by the next init", async () => {
    telemetry.openWindow();
    const event = line("x".repeat(1024 * 1024));
    for (let count = 0; count < 40; count++) telemetry.record(event);
    telemetry.openWindow();
    telemetry.record(event);
    telemetry.subscribe("a", asked);
    expect((await flushed()).map(({ type }) => type)).toEqual(["function"]);
  });
});

describe("subscribing", () => {
  test("is possible only while the window is open", () => {
    const text = "Telemetry API subscription is closed";
    expect(() => telemetry.subscribe("a", asked)).toThrow(new SubscriptionClosedError(text));
    telemetry.openWindow();
    telemetry.subscribe("a", asked);
    telemetry.closeWindow();
    expect(() => telemetry.subscribe("a", asked)).toThrow(new SubscriptionClosedError(text));
    expect(() => telemetry.subscribe("b", { ...asked, api: "Logs" })).toThrow(
      new SubscriptionClosedError("Logs API subscription is closed"),
    );
  });

  test("is possible through one API only, which a second extension need not use", () => {
    telemetry.openWindow();
    telemetry.subscribe("a", asked);
    const logs: Subscription = { ...asked, api: "Logs", dialect: "logs 2020-08-15" };
    expect(() => telemetry.subscribe("a", logs)).toThrow(OtherApiError);
    telemetry.subscribe("b", logs);
    expect(subscribers.map(({ isClosed }) => isClosed)).toEqual([false, false]);
  });

  test("through the Logs API is told in its words", async () => {
    telemetry.openWindow();
    telemetry.subscribe("a", platform);
    telemetry.subscribe("b", { ...platform, api: "Logs", dialect: "logs 2021-03-18" });
    expect((await flushed(0)).map(({ type }) => type)).toEqual([
      "platform.telemetrySubscription",
      "platform.logsSubscription",
    ]);
  });
});

describe("when the extensions are gone", () => {
  test("their subscriptions are, and what waited is not sent", async () => {
    telemetry.openWindow();
    telemetry.subscribe("a", asked);
    telemetry.record(line("one"));
    telemetry.endSubscriptions();
    telemetry.record(line("two"));
    await telemetry.flush(1000);
    await clock.advance(10_000);
    expect(subscribers).toEqual([{ records: [], isClosed: true }]);
  });

  test("nobody can subscribe until the next init, and anybody then, through either API", async () => {
    telemetry.openWindow();
    telemetry.subscribe("a", asked);
    telemetry.endSubscriptions();
    expect(() => telemetry.subscribe("a", asked)).toThrow(SubscriptionClosedError);
    telemetry.openWindow();
    telemetry.subscribe("a", { ...asked, api: "Logs" });
    telemetry.record(line("one"));
    expect(await flushed(1)).toEqual([told("one")]);
  });
});

test("a flush sends to all at once, and waits for the slowest no longer than it may", async () => {
  const taken: PromiseWithResolvers<void>[] = [];
  telemetry = new TelemetryService(clock, {
    newCarrier: () => ({
      send() {
        const one = Promise.withResolvers<void>();
        taken.push(one);
        return one.promise;
      },
      close() {},
    }),
  });
  telemetry.openWindow();
  telemetry.subscribe("a", asked);
  telemetry.subscribe("b", asked);
  telemetry.record(line("one"));
  let isFlushed = false;
  const flush = telemetry.flush(2000).then(() => {
    isFlushed = true;
  });
  await clock.advance(0);
  expect(taken).toHaveLength(2);
  taken[0]?.resolve();
  await clock.advance(1999);
  expect(isFlushed).toBe(false);
  await clock.advance(1);
  await flush;
  telemetry.endSubscriptions();
});
