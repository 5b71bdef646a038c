/** Numbers that look random and are the same in each run, unless `TEST_SEED` asks for others. */

export interface SeededRandom {
  /** To be part of what a failing expectation says. */
  readonly seed: number;
  /** A whole number from 0 to below `limit`. */
  random(limit: number): number;
}

/** Prints its seed, so that a find can be replayed: `TEST_SEED=<seed>`. */
export function seededRandom(fixed = 20_251_125): SeededRandom {
  const seed = Number(process.env.TEST_SEED ?? fixed);
  console.log(`seed ${seed}`);
  let state = seed;
  return {
    seed,
    // Mulberry32: 32 bits of state, good enough to wander through inputs.
    random(limit) {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
    },
  };
}
