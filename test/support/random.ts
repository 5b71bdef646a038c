/** Chance that can be had again: the same seed gives the same numbers. */
export class Random {
  #state: number;

  /** @param seed an unsigned 32-bit integer */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below `limit`. The generator is mulberry32. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit;
  }

  integerBelow(limit: number): number {
    return Math.floor(this.below(limit));
  }
}

/** The seed a variable asks for, else a new one. @throws when the variable is no unsigned 32-bit integer */
export function seedFrom(variable: string): number {
  const wanted = process.env[variable];
  if (wanted === undefined || wanted === "") return crypto.getRandomValues(new Uint32Array(1))[0] as number;
  const seed = Number(wanted);
  if (!/^\d+$/.test(wanted) || seed >= 2 ** 32)
    throw new Error(`${variable}=${wanted}: a number from 0 to ${2 ** 32 - 1}`);
  return seed;
}
