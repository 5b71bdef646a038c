/** For bounds on how long something takes, where only a whole process shows it: a machine that stands still does not count. */

/** Milliseconds between two looks at the clock. */
const everyMs = 5;

/** A longer time between two looks is one in which this process did not run, and neither may what it measures have. */
const longestMs = 50;

/** Counts milliseconds from now on: the returned function tells how many, and ends it. */
export function stopwatch(now: () => number = () => performance.now()): () => number {
  let counted = 0;
  let last = now();
  const look = () => {
    const at = now();
    counted += Math.min(at - last, longestMs);
    last = at;
  };
  const looks = setInterval(look, everyMs);
  looks.unref();
  return () => {
    clearInterval(looks);
    look();
    return counted;
  };
}
