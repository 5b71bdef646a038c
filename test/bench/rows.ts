/** The rows of the result, in their order, by the names that `--only` takes. Unless it says otherwise, less is better. */

/** Rows of the same section are measured together. */
export type Section = "walk" | "fresh" | "start" | "exit" | "payload" | "logs" | "extension" | "subscriber" | "size";

export interface RowAbout {
  readonly section: Section;
  readonly label: string;
  readonly unit: string;
  readonly isMoreBetter?: true;
}

const table = {
  p50: { section: "walk", label: "1 KB invocation, p50", unit: "ms" },
  p99: { section: "walk", label: "1 KB invocation, p99 of 100", unit: "ms" },
  rate: { section: "walk", label: "1 KB invocations, one by one", unit: "per s", isMoreBetter: true },
  cpu: { section: "walk", label: "init's CPU per 1 KB invocation", unit: "ms" },
  fresh: { section: "fresh", label: "first 100 after a start, p50", unit: "ms" },
  "fresh-cpu": { section: "fresh", label: "first 100 after a start, CPU each", unit: "ms" },
  logs: { section: "logs", label: "5 MB of logs", unit: "ms" },
  payload: { section: "payload", label: "5 MB payload echoed", unit: "ms" },
  ready: { section: "start", label: "start to ready", unit: "ms" },
  "first-result": { section: "start", label: "start to first result", unit: "ms" },
  exit: { section: "exit", label: "exit at init to status error", unit: "ms" },
  "payload-peak": { section: "payload", label: "RSS, peak of 5 MB payloads", unit: "MB" },
  "logs-peak": { section: "logs", label: "RSS, peak of 5 MB of logs", unit: "MB" },
  "rss-ready": { section: "fresh", label: "RSS when ready", unit: "MB" },
  "rss-1000": { section: "walk", label: "RSS after 1,000 of 1 KB", unit: "MB" },
  extension: { section: "extension", label: "p50 with an idle extension", unit: "ms" },
  "extension-cpu": { section: "extension", label: "CPU with an idle extension", unit: "ms" },
  subscriber: { section: "subscriber", label: "p50 with a telemetry subscriber", unit: "ms" },
  "subscriber-cpu": { section: "subscriber", label: "CPU with a telemetry subscriber", unit: "ms" },
  size: { section: "size", label: "binary size", unit: "MB" },
} as const satisfies Record<string, RowAbout>;

export type Row = keyof typeof table;

export const rows: Readonly<Record<Row, RowAbout>> = table;
export const rowNames = Object.keys(table) as Row[];

export function isRow(name: string): name is Row {
  return Object.hasOwn(table, name);
}
