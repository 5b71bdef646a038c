/** START, END and REPORT, as AWS writes them and LocalStack parses them (`docs/contract/localstack.md 12`). */

export function startLine(requestId: string, functionVersion: string): string {
  return `START RequestId: ${requestId} Version: ${functionVersion}\n`;
}

export function endLine(requestId: string): string {
  return `END RequestId: ${requestId}\n`;
}

/** The figures of a REPORT line. Durations in milliseconds, sizes in whole MB. */
export interface ReportFigures {
  readonly requestId: string;
  readonly durationMs: number;
  readonly memorySizeMb: number;
  readonly maxMemoryMb: number;
  readonly initDurationMs: number | undefined;
  readonly isTimeout: boolean;
}

/** Fields end with a tab, except the status, which ends the line. */
export function reportLine(figures: ReportFigures): string {
  const fields = [
    `REPORT RequestId: ${figures.requestId}`,
    `Duration: ${figures.durationMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(figures.durationMs)} ms`,
    `Memory Size: ${figures.memorySizeMb} MB`,
    `Max Memory Used: ${figures.maxMemoryMb} MB`,
  ];
  if (figures.initDurationMs !== undefined) fields.push(`Init Duration: ${figures.initDurationMs.toFixed(2)} ms`);
  return `${fields.join("\t")}\t${figures.isTimeout ? "Status: timeout" : ""}\n`;
}
