import { expect, test } from "bun:test";
import { StdoutForwarder } from "../../src/telemetry/stdout.ts";
import { FakeClock } from "../support/fake-clock.ts";

const megabyte = new Uint8Array(1024 * 1024);

test("chunks are written in order, and flush waits for the last", async () => {
  const written: string[] = [];
  const pending: (() => void)[] = [];
  const forwarder = new StdoutForwarder((chunk, done) => {
    written.push(new TextDecoder().decode(chunk));
    pending.push(done);
  });
  forwarder.forward(new TextEncoder().encode("a"));
  forwarder.forward(new TextEncoder().encode("b"));
  let flushed = false;
  const flush = forwarder.flush(new FakeClock()).then(() => {
    flushed = true;
  });
  await Promise.resolve();
  expect([written, flushed]).toEqual([["a", "b"], false]);
  for (const done of pending) done();
  await flush;
});

test("nothing waiting needs no flush", async () => {
  const forwarder = new StdoutForwarder((_, done) => done());
  forwarder.forward(megabyte);
  await forwarder.flush(new FakeClock());
});

test("a reader that stopped is not waited for beyond a second, and fills no memory", async () => {
  let bytes = 0;
  const forwarder = new StdoutForwarder((chunk) => {
    bytes += chunk.length;
  });
  for (let count = 0; count < 200; count++) forwarder.forward(megabyte);
  expect(bytes).toBeLessThan(70 * 1024 * 1024);
  const clock = new FakeClock();
  const flush = forwarder.flush(clock);
  await clock.advance(1000);
  await flush;
});
