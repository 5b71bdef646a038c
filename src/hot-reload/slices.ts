/** Long work in short pieces, so that an invocation or a signal in between need not wait for it. */
import type { Clock } from "../clock.ts";

/** Milliseconds between two pieces. */
const pauseMs = 1;

/**
 * Does the work that stands between the yields of `work`: at once for `sliceMs` milliseconds and what the last step
 * takes, then in further such pieces.
 * @param done is called with what the work returns
 * @returns what ends it where it stands; `undefined`: it is done already
 */
export function inSlices<T>(
  clock: Clock,
  sliceMs: number,
  work: Generator<void, T>,
  done: (result: T) => void = () => {},
): (() => void) | undefined {
  let callOff: (() => void) | undefined;
  const goOn = () => {
    callOff = undefined;
    const until = clock.now() + sliceMs;
    do {
      const { done: isDone, value } = work.next();
      if (isDone) return done(value);
    } while (clock.now() < until);
    callOff = clock.after(pauseMs, goOn);
  };
  goOn();
  return callOff && (() => callOff?.());
}
