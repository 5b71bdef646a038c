/** Extensions have the rest of their invocation's time, and none of the next one's: `docs/contract/decisions.md 30`. */
import type { Clock } from "../clock.ts";
import { log } from "../log.ts";
import type { EnvironmentEvents } from "../telemetry/events.ts";
import type { Generation } from "./generation.ts";
import type { Invocation } from "./invocation.ts";

export interface ExtensionTime {
  readonly clock: Clock;
  readonly events: EnvironmentEvents;
  /** Their time is over. */
  readonly onOverdue: () => void;
  /** None of them works on it any more, or they are given up. */
  readonly onDone: () => void;
}

/** Waits for the extensions that still work on an invocation the runtime is done with. */
export async function awaitExtensions(
  generation: Generation,
  { request, deadlineMs }: Invocation,
  { clock, events, onOverdue, onDone }: ExtensionTime,
): Promise<void> {
  const startedAt = clock.now();
  const callOff = clock.after(Math.max(0, deadlineMs - clock.epoch()), () => {
    if (generation.isEnding) return;
    log.error(`the time of ${request.requestId} is over, init no longer waits for ${generation.waitsFor}`);
    onOverdue();
  });
  // An extension whose poll breaks off while its output is being received is busy again.
  while (generation.isBusy) {
    await generation.settled();
    await generation.drain();
  }
  callOff();
  try {
    events.extensionsFinished(request, clock.now() - startedAt);
  } finally {
    onDone();
  }
}
