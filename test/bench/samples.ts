/** What was measured, pair by pair. */
import { type Row, rowNames } from "./rows.ts";
import { pairedRatios, type Quartiles, quartiles } from "./statistics.ts";

/** What one binary gave, by row. */
export type Sample = Readonly<Partial<Record<Row, number>>>;

/** Of one row. */
export interface Figures {
  readonly row: Row;
  /** One per binary, ours first. */
  readonly quartiles: readonly Quartiles[];
  /** Of two binaries: our median by the other's, and the quartiles of ours / other in each pair. */
  readonly ratio?: number;
  readonly pairs?: Quartiles;
  /** One list per binary, ours first; those of a pair at the same place. `NaN`: could not be taken. */
  readonly samples: readonly (readonly number[])[];
}

export class Samples {
  readonly #samples = new Map<Row, number[][]>();

  /** @param pair one per binary, ours first; a row that only one of them has could not be taken from the other */
  add(pair: readonly Sample[]): void {
    for (const row of new Set(pair.flatMap((sample) => Object.keys(sample) as Row[]))) {
      const lists = this.#samples.get(row) ?? pair.map(() => []);
      this.#samples.set(row, lists);
      for (const [index, sample] of pair.entries()) lists[index]?.push(sample[row] ?? Number.NaN);
    }
  }

  /** Of every row that has samples, in the order of the table. */
  figures(): Figures[] {
    return rowNames.flatMap((row) => {
      const samples = this.#samples.get(row);
      return samples ? [figuresOf(row, samples)] : [];
    });
  }
}

function figuresOf(row: Row, samples: readonly (readonly number[])[]): Figures {
  const each = samples.map(quartiles);
  const [ours, other] = samples;
  const [ourQuartiles, otherQuartiles] = each;
  if (!ours || !other || !ourQuartiles || !otherQuartiles) return { row, quartiles: each, samples };
  const ratio = ourQuartiles.median / otherQuartiles.median;
  return { row, quartiles: each, ratio, pairs: quartiles(pairedRatios(ours, other)), samples };
}
