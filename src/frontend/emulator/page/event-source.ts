/** Changes as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import type { Clock } from "../../../clock.ts";
import { securityHeaders } from "./assets.ts";
import type { Feed } from "./feed.ts";

/** Milliseconds between signs of life, by which the page notices a connection that is dead. */
const heartbeatMs = 15_000;

/** Milliseconds after which a browser connects again. */
const retryMs = 1000;

/**
 * Sends what changed since `moment`, then what changes, until the browser leaves. One that takes nothing gets nothing more:
 * the changes it missed are in the next message, so nothing heaps up for it.
 */
export function eventSource(feed: Feed, clock: Clock, moment: string): Response {
  let seen = moment;
  let isBehind = false;
  let endListening = () => {};
  let callOffHeartbeat = () => {};
  let tellMissed = () => {};
  const end = () => {
    endListening();
    callOffHeartbeat();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const hasRoom = () => (controller.desiredSize ?? 0) > 0;
        const beat = () => {
          callOffHeartbeat = clock.after(heartbeatMs, beat);
          if (hasRoom()) controller.enqueue(encode("event: alive\ndata:\n\n"));
        };
        const tell = () => {
          isBehind = !hasRoom();
          if (isBehind) return;
          controller.enqueue(encode(messageOf(feed, seen)));
          seen = feed.moment;
        };
        controller.enqueue(encode(`retry: ${retryMs}\n\n`));
        tell();
        endListening = feed.onChange(tell);
        callOffHeartbeat = clock.after(heartbeatMs, beat);
        tellMissed = () => {
          if (isBehind) tell();
        };
      },
      pull: () => tellMissed(),
      cancel: end,
    },
    // Pieces: the beginning, a message, a sign of life.
    { highWaterMark: 3 },
  );
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store", ...securityHeaders },
  });
}

function messageOf(feed: Feed, seen: string): string {
  return `id: ${feed.moment}\nevent: changes\ndata: ${JSON.stringify(feed.changesSince(seen))}\n\n`;
}

const encoder = new TextEncoder();
const encode = (text: string) => encoder.encode(text);
