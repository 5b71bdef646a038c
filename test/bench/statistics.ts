/** Order statistics of samples. */

/**
 * The value below which `share` of the samples lie (nearest rank).
 * @param share 0 to 1
 */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}

export function median(samples: readonly number[]): number {
  const upper = Math.floor(samples.length / 2);
  const sorted = samples.toSorted((a, b) => a - b);
  if (sorted.length % 2 === 1) return sorted[upper] as number;
  return sorted.length === 0 ? Number.NaN : ((sorted[upper - 1] as number) + (sorted[upper] as number)) / 2;
}
