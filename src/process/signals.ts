/**
 * Signals that ask init to end. They are heard from the moment this module is imported, which is to come before everything
 * else and therefore imports nothing itself: until then a signal ends an ordinary process at once, and PID 1 never hears of
 * it, for the kernel drops what PID 1 has no handler for.
 */

/** A terminal that was closed, Ctrl-C, Ctrl-\, and what LocalStack and containers send. */
const asking = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const;

const stopping = new AbortController();
let interrupts = 0;
let hurry: (() => void) | undefined;

for (const signal of asking) {
  process.on(signal, () => {
    if (signal === "SIGINT" && ++interrupts > 1) hurry?.();
    stopping.abort();
  });
}

/** Aborted when init is asked to end. */
export const stopSignal: AbortSignal = stopping.signal;

/** Calls `action` when Ctrl-C is pressed for the second time: whoever does that has no patience for an orderly end. */
export function onSecondInterrupt(action: () => void): void {
  hurry = action;
  if (interrupts > 1) action();
}
