/** Order statistics of samples. A sample that could not be taken is `NaN`, and counts nowhere. */

/**
 * The value below which `share` of the samples lie (nearest rank).
 * @param share 0 to 1
 */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = sort(samples);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** `NaN` where there is no sample. */
export interface Quartiles {
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
}

/** Between two samples, a quartile lies on the straight line from one to the other. */
export function quartiles(samples: readonly number[]): Quartiles {
  const sorted = sort(samples);
  const at = (share: number): number => {
    const rank = share * (sorted.length - 1);
    const lower = sorted[Math.floor(rank)] ?? Number.NaN;
    return lower + (rank % 1) * ((sorted[Math.ceil(rank)] ?? Number.NaN) - lower);
  };
  return { q1: at(0.25), median: at(0.5), q3: at(0.75) };
}

export function median(samples: readonly number[]): number {
  return quartiles(samples).median;
}

/**
 * The ratio of each pair that was measured one right after the other: what slows the machine for longer than that slows
 * both, and is not in the ratio.
 * @param ours and others: the same number of samples, those of a pair at the same place
 */
export function pairedRatios(ours: readonly number[], others: readonly number[]): number[] {
  if (ours.length !== others.length) throw new Error(`${ours.length} samples and ${others.length} are no pairs`);
  return ours.map((our, pair) => our / (others[pair] as number));
}

function sort(samples: readonly number[]): number[] {
  return samples.filter((sample) => !Number.isNaN(sample)).sort((a, b) => a - b);
}
