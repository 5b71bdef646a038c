import { expect, spyOn, test } from "bun:test";
import { log } from "../../src/log.ts";
import { Segments } from "../../src/xray/segments.ts";
import type { Answer } from "../../src/xray/upstream.ts";
import { FakeClock } from "../support/fake-clock.ts";

const answer = (status: number, body = "{}"): Answer => ({ status, contentType: "", body: Buffer.from(body) });

/** Segments whose upstream answers what the test says; the last answer again and again. */
function newSegments(...answers: (Answer | Error | Promise<Answer>)[]) {
  const clock = new FakeClock();
  const batches: string[][] = [];
  let asked = 0;
  let unread = 0;
  const upstream = {
    async send(_method: string, _path: string, body: unknown) {
      batches.push((JSON.parse(body as string) as { TraceSegmentDocuments: string[] }).TraceSegmentDocuments);
      const given = answers[Math.min(asked++, answers.length - 1)] ?? answer(200);
      if (given instanceof Error) throw given;
      return await given;
    },
  };
  const segments = new Segments(upstream, clock, () => unread);
  const add = (count: number, bytes = 0) => {
    for (let at = 0; at < count; at++) segments.add(datagram(at, bytes));
  };
  const dropInKernel = (count: number) => {
    unread = count;
  };
  return { clock, batches, segments, add, dropInKernel };
}

function datagram(at: number, bytes = 0): Uint8Array {
  return Buffer.from(`{"format":"json","version":1}\n{"at":${at},"fill":"${"x".repeat(bytes)}"}`);
}

const sizes = (batches: string[][]) => batches.map((batch) => batch.length);

test("fifty go at once, fewer a second after the first", async () => {
  const { clock, batches, segments, add } = newSegments();
  add(49);
  await clock.advance(999);
  expect(batches).toEqual([]);
  await clock.advance(1);
  expect(sizes(batches)).toEqual([49]);
  add(50);
  await clock.advance(0);
  expect(sizes(batches)).toEqual([49, 50]);
  expect(segments.counts).toEqual({ received: 99, sent: 99, spilled: 0, rejected: 0, undelivered: 0 });
  expect(batches[0]?.[0]).toBe('{"at":0,"fill":""}');
});

test("a request is of sensible size however big the segments are", async () => {
  const { clock, batches, add } = newSegments();
  add(50, 60_000);
  await clock.advance(5000);
  expect(Math.max(...sizes(batches))).toBe(8);
  expect(batches.flat()).toHaveLength(50);
});

test("no more than two requests are under way", async () => {
  const held = Promise.withResolvers<Answer>();
  const { clock, batches, segments, add } = newSegments(held.promise);
  add(500);
  await clock.advance(5000);
  expect(batches).toHaveLength(2);
  held.resolve(answer(200));
  await clock.advance(5000);
  expect(segments.counts.sent).toBe(500);
});

test("what LocalStack cannot take now is sent again, twice", async () => {
  for (const [trouble, counts] of [
    [[answer(500), answer(429), answer(200)], { sent: 1 }],
    [[new Error("refused"), answer(200)], { sent: 1 }],
    [[answer(503)], { undelivered: 1 }],
    [[new Error("refused")], { undelivered: 1 }],
    [[answer(400)], { rejected: 1 }],
  ] as const) {
    const { clock, segments, add } = newSegments(...trouble);
    add(1);
    await clock.advance(10_000);
    expect(segments.counts).toEqual({ received: 1, sent: 0, spilled: 0, rejected: 0, undelivered: 0, ...counts });
  }
});

test("segments LocalStack did not process are counted", async () => {
  const { clock, segments, add } = newSegments(answer(200, '{"UnprocessedTraceSegments":[{"Id":"1"},{"Id":"2"}]}'));
  add(10);
  await clock.advance(1000);
  expect(segments.counts).toMatchObject({ sent: 8, rejected: 2 });
});

test("nothing is lost in silence: too many, none at all, unread, undelivered", async () => {
  const warn = spyOn(log, "warn").mockImplementation((() => {}) as unknown as typeof log.warn);
  const held = Promise.withResolvers<Answer>();
  const { clock, segments, add, dropInKernel } = newSegments(held.promise);
  segments.add(Buffer.from("rubbish"));
  add(1000, 60_000);
  dropInKernel(7);
  await clock.advance(1000);
  const { received, spilled } = segments.counts;
  expect(received).toBe(1001);
  expect(spilled).toBeGreaterThan(700);
  held.resolve(answer(200));
  await segments.flush(0);
  await clock.advance(5000);
  const { sent, rejected, undelivered } = segments.counts;
  expect(sent + spilled + rejected + undelivered).toBe(received);
  expect(warn.mock.calls.at(-1)?.[0]).toBe(
    `X-Ray segments lost so far: ${rejected} were refused, ${undelivered} could not be delivered, ` +
      `${spilled} were too many to keep, 7 were too many to read`,
  );
  warn.mockRestore();
});

test("a flush sends what waits, and waits for it no longer than it may", async () => {
  const { clock, segments, add, batches } = newSegments(new Promise<Answer>(() => {}));
  add(3);
  let isOver = false;
  void segments.flush(1000).then(() => {
    isOver = true;
  });
  await clock.advance(999);
  expect([sizes(batches), isOver]).toEqual([[3], false]);
  await clock.advance(1);
  expect(isOver).toBe(true);
});
