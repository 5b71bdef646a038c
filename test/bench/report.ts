/** The result as a table for people, or as JSON for programs. */
import { rows } from "./rows.ts";
import type { Figures } from "./samples.ts";
import type { Quartiles } from "./statistics.ts";

/** One line per row: median and quartiles of each binary, the ratio of the medians, and that of the pairs. */
export function toTable(names: readonly string[], figures: readonly Figures[]): string {
  const head = ["row", "", "", ...names.map((name) => `${name.slice(0, 12)} [q1 q3]`)];
  if (names.length > 1) head.push("ratio", "of pairs [q1 q3]");
  const lines = figures.map(({ row, quartiles, ratio, pairs }) => {
    const { label, unit, isMoreBetter } = rows[row];
    const cells = [row, label, unit, ...quartiles.map(formatQuartiles)];
    if (ratio !== undefined && pairs !== undefined) {
      cells.push(format(ratio), `${formatQuartiles(pairs)}${isMoreBetter ? "  more is better" : ""}`);
    }
    return cells;
  });
  return toColumns([head, ...lines]);
}

/** Quartiles, ratios and all samples, by the names of the rows. `null`: could not be measured. */
export function toJson(
  names: readonly string[],
  figures: readonly Figures[],
  about: Readonly<Record<string, unknown>>,
): string {
  const byName = <T>(values: readonly T[]) => Object.fromEntries(names.map((name, index) => [name, values[index]]));
  const entries = figures.map(({ row, quartiles, ratio, pairs, samples }) => {
    return [row, { ...rows[row], quartiles: byName(quartiles), ratio, pairs, samples: byName(samples) }];
  });
  return JSON.stringify({ ...about, rows: Object.fromEntries(entries) }, null, 2);
}

/** Three or so digits that mean something. */
export function format(value: number): string {
  if (Number.isNaN(value)) return "n/a";
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

export function formatQuartiles({ q1, median, q3 }: Quartiles): string {
  return Number.isNaN(median) ? "n/a" : `${format(median)} [${format(q1)} ${format(q3)}]`;
}

function toColumns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
