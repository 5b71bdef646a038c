import { expect, test } from "bun:test";
import { slowedDown } from "../../../src/frontend/emulator/bandwidth.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const megabyte = 1024 * 1024;

test("a stream has its first 6 MB at once, and 2 MB in each second behind them", async () => {
  const clock = new FakeClock();
  let sent = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ < 10) controller.enqueue(new Uint8Array(megabyte));
      else controller.close();
    },
  });
  let received = 0;
  const reading = (async () => {
    for await (const chunk of slowedDown(source, clock)) received += chunk.byteLength;
  })();
  const seen: number[] = [];
  for (const ms of [0, 499, 1, 500, 500, 500]) {
    await clock.advance(ms);
    seen.push(received / megabyte);
  }
  await reading;
  expect(seen).toEqual([6, 6, 7, 8, 9, 10]);
});
