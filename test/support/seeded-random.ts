/** Numbers that look random, and come again with the same seed. */

export interface SeededRandom {
  /** To be part of what a failing expectation says. */
  readonly seed: number;
  /** A whole number from 0 to below `limit`. */
  random(limit: number): number;
}

/**
 * Prints its seed, so that a find can be replayed: `<variable>=<seed>`.
 *
 * @param fixed the seed without the variable; `"new"`: another in each run
 * @throws when the variable is no unsigned 32-bit integer
 */
export function seededRandom(fixed: number | "new" = 20_251_125, variable = "TEST_SEED"): SeededRandom {
  const seed =
    seedIn(variable) ?? (fixed === "new" ? (crypto.getRandomValues(new Uint32Array(1))[0] as number) : fixed);
  console.log(`${variable}=${seed}`);
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

function seedIn(variable: string): number | undefined {
  const text = process.env[variable];
  if (!text) return undefined;
  if (!/^\d+$/.test(text) || Number(text) >= 2 ** 32)
    throw new Error(`${variable}=${text}: a number from 0 to ${2 ** 32 - 1}`);
  return Number(text);
}
