/**
 * AWS's pace of streamed responses: the first megabytes at once, then slowly (`docs/contract/emulator.md 2.5` and its
 * row E16).
 */
import { type Clock, sleep } from "../../clock.ts";

/** Bytes that are not slowed down, and bytes in a second behind them. */
const freeBytes = 6 * 1024 * 1024;
const bytesPerSecond = 2 * 1024 * 1024;

/** Holds a stream back to that pace, and with it whoever writes it. */
export function slowedDown(body: ReadableStream<Uint8Array>, clock: Clock): ReadableStream<Uint8Array> {
  let bytes = 0;
  let startedAt: number | undefined;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        bytes += chunk.byteLength;
        const slowBytes = bytes - freeBytes;
        if (slowBytes > 0) {
          startedAt ??= clock.now();
          const dueAt = startedAt + (slowBytes / bytesPerSecond) * 1000;
          await sleep(clock, Math.max(0, dueAt - clock.now()));
        }
        controller.enqueue(chunk);
      },
    }),
  );
}
