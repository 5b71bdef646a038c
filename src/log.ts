/** Init's own log: stderr only, so that stdout carries nothing but the function's output. */
import { type ConsolaInstance, createConsola, type LogObject } from "consola/core";
import { stderr } from "./standard-streams.ts";

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

type Method = "error" | "warn" | "info" | "debug" | "trace";

/**
 * The logger of the whole program. Its level is set here and by `main`, never by consola's own reading of the environment:
 * `CONSOLA_LEVEL`, `DEBUG` and `CI` there are the function's.
 */
export const log = {
  level: logLevels.warn as number,
  error: (...args: unknown[]) => write("error", args),
  warn: (...args: unknown[]) => write("warn", args),
  info: (...args: unknown[]) => write("info", args),
  debug: (...args: unknown[]) => write("debug", args),
  trace: (...args: unknown[]) => write("trace", args),
};

/** Made with the first line: most starts write none, and making it is a fiftieth of a start. */
let writer: ConsolaInstance | undefined;

function write(method: Method, [first, ...rest]: unknown[]): void {
  if (logLevels[method] > log.level) return;
  writer ??= createConsola({
    level: logLevels.trace,
    // consola's default swallows repeats of a line within a second; an init that hides faults is of no use.
    throttle: 0,
    reporters: [{ log: (entry) => stderr.writeLine(isJson ? jsonLine(entry) : textLine(entry)) }],
  });
  writer[method](first, ...rest);
}

let isJson = false;

/** At `trace`, whose lines are many and for programs to read, each line is a JSON object. */
export function setLogLevel(level: LogLevel): void {
  log.level = logLevels[level];
  isJson = level === "trace";
}

type Entry = Pick<LogObject, "date" | "type" | "args">;

function textLine({ date, type, args }: Entry): string {
  return `${date.toISOString()} ${type.toUpperCase()} ${textOf(args)}\n`;
}

function jsonLine({ date, type, args }: Entry): string {
  return `${JSON.stringify({ time: date.toISOString(), level: type, msg: textOf(args) })}\n`;
}

function textOf(args: readonly unknown[]): string {
  return args.map((arg) => (arg instanceof Error ? (arg.stack ?? arg.message) : String(arg))).join(" ");
}
