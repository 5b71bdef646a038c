/** Whether the binary costs more than another one, beyond what the rows allow. */
import { format, formatQuartiles } from "./report.ts";
import { rows } from "./rows.ts";
import type { Figures } from "./samples.ts";
import type { Quartiles } from "./statistics.ts";

/**
 * What stands against the binary: one text per row that it fails. A row is failed only if the middle half of the pairs
 * lies wholly beyond the margin, so that a noisy machine does not fail it by itself; and where the other binary has a
 * figure and ours has none. What the other cannot do is not compared.
 * @param figures of two binaries, ours first
 */
export function findFailures(figures: readonly Figures[]): string[] {
  return figures.flatMap(({ row, quartiles: [ours, other], pairs }) => {
    if (!ours || !other || !pairs) throw new Error("there is only one binary: nothing can be compared");
    if (Number.isNaN(other.median)) return [];
    const { label, unit, margin, isMoreBetter } = rows[row];
    const figure = `${row} (${label}): ${format(ours.median)} ${unit} against ${format(other.median)} ${unit}`;
    if (Number.isNaN(ours.median)) return [`${figure}: it could not be measured any more`];
    if (!isBeyond(pairs, margin, isMoreBetter)) return [];
    const bound = isMoreBetter ? `at least ${format(1 / margin)}` : `at most ${format(margin)}`;
    return [`${figure}: ${formatQuartiles(pairs)} times as much in each pair, ${bound} is allowed`];
  });
}

function isBeyond({ q1, q3 }: Quartiles, margin: number, isMoreBetter = false): boolean {
  return isMoreBetter ? q3 < 1 / margin : q1 > margin;
}
