import { describe, expect, test } from "bun:test";
import { excerptOf, History } from "../../../../src/frontend/emulator/history.ts";
import { eventSource } from "../../../../src/frontend/emulator/page/event-source.ts";
import { type Changes, Feed } from "../../../../src/frontend/emulator/page/feed.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const call = {
  requestId: "id",
  source: "invoke",
  attempt: 1,
  functionArn: "arn",
  event: excerptOf('{\n  "a": 1\n}'),
  clientContext: "",
  tenantId: "",
} as const;

function start() {
  const clock = new FakeClock();
  const history = new History(clock);
  history.add(call);
  const load = { environments: 1, busy: 0, queued: 0, concurrency: 1, queue: 100 };
  const feed = new Feed(history, () => load, clock);
  return { clock, history, feed };
}

const numbers = ({ entries }: Changes) => entries.map(({ number }) => number);

describe("the feed", () => {
  test("has all for whoever has seen nothing, and what changed for others", () => {
    const { history, feed } = start();
    const all = feed.changesSince("");
    expect(all).toMatchObject({ isAll: true, oldest: 1, entries: [{ number: 1, eventPreview: '{ "a": 1 }' }] });
    const moment = feed.moment;
    expect(numbers(feed.changesSince(moment))).toEqual([]);
    history.add(call);
    history.add(call);
    history.update(1, { state: "done" });
    expect(feed.changesSince(moment)).toMatchObject({ isAll: false });
    expect(numbers(feed.changesSince(moment))).toEqual([1, 2, 3]);
    const later = feed.moment;
    history.update(2, { state: "done" });
    expect(numbers(feed.changesSince(later))).toEqual([2]);
  });

  test.each(["other-1", "nonsense", "-5", "1e9"])("a moment of another run, %p, is none", (moment) => {
    expect(start().feed.changesSince(moment)).toMatchObject({ isAll: true });
  });

  test("tells what is gone by the oldest that is left", () => {
    const { history, feed } = start();
    const moment = feed.moment;
    for (let at = 0; at < 500; at++) history.add(call);
    expect(feed.changesSince(moment).oldest).toBe(2);
    history.clear();
    expect(feed.changesSince(moment)).toMatchObject({ entries: [], oldest: null, isAll: false });
  });

  test("texts of an invocation are not in it", () => {
    const { history, feed } = start();
    history.update(1, { result: excerptOf("r".repeat(100_000)), logs: excerptOf("l".repeat(100_000)) });
    expect(JSON.stringify(feed.changesSince("")).length).toBeLessThan(2000);
  });
});

describe("server-sent events", () => {
  async function next(reader: { read(): Promise<{ value?: Uint8Array | undefined }> }): Promise<string> {
    return new TextDecoder().decode((await reader.read()).value);
  }

  test("bring everything, then what changes together, then a sign of life", async () => {
    const { clock, history, feed } = start();
    const answer = eventSource(feed, clock, "");
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    expect(await next(reader)).toBe("retry: 1000\n\n");
    expect(await next(reader)).toMatch(/^id: \w+-1\nevent: changes\ndata: \{"isAll":true.*\n\n$/);
    history.add(call);
    history.add(call);
    await clock.advance(50);
    const changes = await next(reader);
    expect(changes).toMatch(/^id: \w+-3\nevent: changes\ndata: \{"isAll":false,"entries":\[\{"requestId"/);
    expect(changes).toContain('"number":3');
    await clock.advance(15_000);
    expect(await next(reader)).toBe("event: alive\ndata:\n\n");
    await reader.cancel();
    expect(clock.pendingTimers).toBe(0);
  });

  test("go on where a connection broke off", async () => {
    const { clock, history, feed } = start();
    const moment = feed.moment;
    history.add(call);
    const reader = (eventSource(feed, clock, moment).body as ReadableStream<Uint8Array>).getReader();
    await next(reader);
    const text = await next(reader);
    expect(text).toContain('"isAll":false');
    expect(text.match(/"number":\d/g)).toEqual(['"number":2']);
    await reader.cancel();
  });

  test("heap up nothing for a browser that takes nothing, and tell it the rest when it does", async () => {
    const { clock, history, feed } = start();
    const reader = (eventSource(feed, clock, "").body as ReadableStream<Uint8Array>).getReader();
    for (let at = 0; at < 20; at++) {
      history.add(call);
      await clock.advance(50);
    }
    const seen = new Set<number>();
    let pieces = 0;
    while (seen.size < 21) {
      for (const [, number] of (await next(reader)).matchAll(/"number":(\d+)/g)) seen.add(Number(number));
      pieces++;
    }
    expect(pieces).toBeLessThanOrEqual(4);
    await reader.cancel();
  });
});
