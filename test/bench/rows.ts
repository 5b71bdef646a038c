/** The rows of the result, in their order, by the names that `--only` takes. Unless it says otherwise, less is better. */

/** Rows of the same section are measured together. */
export type Section =
  | "walk"
  | "fresh"
  | "start"
  | "exit"
  | "init-error"
  | "payload"
  | "logs"
  | "extension"
  | "subscriber"
  | "size";

export interface RowAbout {
  readonly section: Section;
  readonly label: string;
  readonly unit: string;
  /** How many times the last release's figure ours may be; where more is better, how many times ours the last one's. */
  readonly margin: number;
  readonly isMoreBetter?: true;
}

const table = {
  p50: { section: "walk", label: "1 KB invocation, p50", unit: "ms", margin: 1.1 },
  p99: { section: "walk", label: "1 KB invocation, p99 of 100", unit: "ms", margin: 1.3 },
  rate: { section: "walk", label: "1 KB invocations, one by one", unit: "per s", margin: 1.1, isMoreBetter: true },
  cpu: { section: "walk", label: "init's CPU per 1 KB invocation", unit: "ms", margin: 1.1 },
  fresh: { section: "fresh", label: "first 100 after a start, p50", unit: "ms", margin: 1.15 },
  "fresh-cpu": { section: "fresh", label: "first 100 after a start, CPU each", unit: "ms", margin: 1.15 },
  logs: { section: "logs", label: "5 MB of logs", unit: "ms", margin: 1.15 },
  "logs-whole": { section: "logs", label: "… that came whole", unit: "%", margin: 1.01, isMoreBetter: true },
  payload: { section: "payload", label: "5 MB payload echoed", unit: "ms", margin: 1.15 },
  ready: { section: "start", label: "start to ready", unit: "ms", margin: 1.1 },
  "first-result": { section: "start", label: "start to first result", unit: "ms", margin: 1.1 },
  exit: { section: "exit", label: "start to status error, by an exit", unit: "ms", margin: 1.15 },
  "init-error": { section: "init-error", label: "start to status error, by init/error", unit: "ms", margin: 1.15 },
  "payload-peak": { section: "payload", label: "RSS, peak of 5 MB payloads", unit: "MB", margin: 1.15 },
  "logs-peak": { section: "logs", label: "RSS, peak of 5 MB of logs", unit: "MB", margin: 1.15 },
  "rss-ready": { section: "fresh", label: "RSS when ready", unit: "MB", margin: 1.1 },
  "rss-1000": { section: "walk", label: "RSS after 1,000 of 1 KB", unit: "MB", margin: 1.1 },
  extension: { section: "extension", label: "p50 with an idle extension", unit: "ms", margin: 1.15 },
  "extension-cpu": { section: "extension", label: "CPU with an idle extension", unit: "ms", margin: 1.15 },
  subscriber: { section: "subscriber", label: "p50 with a telemetry subscriber", unit: "ms", margin: 1.15 },
  "subscriber-cpu": { section: "subscriber", label: "CPU with a telemetry subscriber", unit: "ms", margin: 1.15 },
  size: { section: "size", label: "binary size", unit: "MB", margin: 1.03 },
} as const satisfies Record<string, RowAbout>;

export type Row = keyof typeof table;

export const rows: Readonly<Record<Row, RowAbout>> = table;
export const rowNames = Object.keys(table) as Row[];

export function isRow(name: string): name is Row {
  return Object.hasOwn(table, name);
}
