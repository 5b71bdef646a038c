/** The result as a table for people, or as JSON for programs. */
import { type Metric, metrics, type Subject } from "./measurements.ts";

interface MetricRow {
  readonly label: string;
  readonly unit: string;
  readonly isMoreBetter?: boolean;
}

const rows = Object.entries(metrics) as [Metric, MetricRow][];

/** One row per metric: medians of all samples; with a second subject also its, and the ratio first / second. */
export function toTable(subjects: readonly Subject[]): string {
  const [ours, other] = subjects;
  const labelWidth = Math.max(...rows.map(([, { label }]) => label.length));
  const head = ["".padEnd(labelWidth + 8), ...subjects.map(({ name }) => name.slice(0, 14).padStart(16))];
  if (other) head.push("ratio".padStart(9));
  const lines = [head.join("")];
  for (const [metric, { label, unit, isMoreBetter }] of rows) {
    const cells = [label.padEnd(labelWidth), `  ${unit}`.padEnd(8)];
    for (const subject of subjects) cells.push(format(subject.median(metric)).padStart(16));
    if (ours && other) cells.push(format(ours.median(metric) / other.median(metric)).padStart(9));
    if (other && isMoreBetter) cells.push("  more is better");
    lines.push(cells.join(""));
  }
  return lines.join("\n");
}

/** Medians, ratios and all samples, by the names of the metrics. `null`: could not be measured. */
export function toJson(subjects: readonly Subject[], about: Readonly<Record<string, unknown>>): string {
  const [ours, other] = subjects;
  const figures = rows.map(([metric, { unit }]) => {
    const medians = Object.fromEntries(subjects.map((subject) => [subject.name, subject.median(metric)]));
    const samples = Object.fromEntries(subjects.map((subject) => [subject.name, subject.samples[metric]]));
    const ratio = ours && other ? ours.median(metric) / other.median(metric) : undefined;
    return [metric, { unit, medians, ratio, samples }];
  });
  return JSON.stringify({ ...about, metrics: Object.fromEntries(figures) }, null, 2);
}

/** Three or so digits that mean something. */
function format(value: number): string {
  if (Number.isNaN(value)) return "n/a";
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}
