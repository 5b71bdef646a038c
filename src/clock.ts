/** Time, as it enters the environment and the front ends, so that their tests need no waiting. */
export interface Clock {
  /** Milliseconds on a clock that never jumps, with fractions. */
  now(): number;
  /** Milliseconds since 1970, whole. */
  epoch(): number;
  /** Calls `action` once after `ms` milliseconds (0 to 2^31-1); the returned function calls it off. */
  after(ms: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  epoch: () => Date.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` milliseconds. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/**
 * Waits for `promise`, but at most `ms` milliseconds.
 * @returns whether it settled in time; its value or error stays with its owner
 */
export function settlesWithin(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const callOff = clock.after(ms, () => resolve(false));
    const settled = () => {
      callOff();
      resolve(true);
    };
    promise.then(settled, settled);
  });
}
