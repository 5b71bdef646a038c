/** Init's own log: stderr only, so that stdout carries nothing but the function's output. */
import { createConsola } from "consola/core";

/** Words of `LOCALSTACK_INIT_LOG_LEVEL` and the consola level each stands for. */
export const logLevels = {
  trace: 5,
  debug: 4,
  info: 3,
  warn: 1,
  error: 0,
  fatal: 0,
  panic: 0,
} as const;

export type LogLevel = keyof typeof logLevels;

/**
 * The logger of the whole program. Level and reporter are set here and by `main`, never by consola's own reading of the
 * environment: `CONSOLA_LEVEL`, `DEBUG` and `CI` there are the function's.
 */
export const log = createConsola({
  level: logLevels.warn,
  // consola's default swallows repeats of a line within a second; an init that hides faults is of no use.
  throttle: 0,
  reporters: [
    {
      log({ date, type, args }) {
        const text = args.map((arg) => (arg instanceof Error ? (arg.stack ?? arg.message) : String(arg))).join(" ");
        process.stderr.write(`${date.toISOString()} ${type.toUpperCase()} ${text}\n`);
      },
    },
  ],
});

export function setLogLevel(level: LogLevel): void {
  log.level = logLevels[level];
}
