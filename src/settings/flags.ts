/** Reading flags that stand before a command, by a table of them. */
import type { Kind } from "./kinds.ts";
import { nearest } from "./nearest.ts";
import { ConfigurationError } from "./setting.ts";

export interface Flag<T> extends Kind<T> {
  /** With its dashes. */
  readonly flag: `--${string}`;
  /** A dash and one letter. */
  readonly short?: `-${string}`;
  /** What stands for the value in the help; without it the flag takes none. */
  readonly placeholder?: string;
  readonly help: string;
}

export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The flags that were given. */
export type FlagValues<T extends FlagTable> = {
  readonly [Key in keyof T]?: T[Key] extends Flag<infer V> ? V : never;
};

export function valueFlag<T>(flag: Flag<T>["flag"], placeholder: string, help: string, kind: Kind<T>): Flag<T> {
  return { flag, placeholder, help, ...kind };
}

export function switchFlag(flag: Flag<true>["flag"], help: string, short?: Flag<true>["short"]): Flag<true> {
  return { flag, help, allowed: "given without a value", parse: () => true, ...(short === undefined ? {} : { short }) };
}

/**
 * Reads the flags up to the first other word, which begins the command, or up to `--`. Of a flag that is given twice
 * the last value counts; lists add up. By hand: loading `node:util` for its `parseArgs` takes longer than all else
 * before the start.
 * @throws {ConfigurationError} a flag that does not exist, or a value that is refused or missing
 */
export function readFlags<T extends FlagTable>(
  table: T,
  args: readonly string[],
): { values: FlagValues<T>; command: string[]; isEndMarked: boolean } {
  const values: Record<string, unknown> = {};
  let at = 0;
  while (args[at]?.startsWith("-") && args[at] !== "-" && args[at] !== "--") {
    const next = readOne(table, args, at, values);
    if (next === undefined) throw unknownFlag(args[at] as string, Object.values(table));
    at = next;
  }
  const isEndMarked = args[at] === "--";
  return { values: values as FlagValues<T>, command: args.slice(isEndMarked ? at + 1 : at), isEndMarked };
}

/**
 * Takes flags out from between other words, whatever these are.
 * @throws {ConfigurationError} a value that is refused or missing
 */
export function takeOut<T extends FlagTable>(
  table: T,
  args: readonly string[],
): { values: FlagValues<T>; left: string[] } {
  const values: Record<string, unknown> = {};
  const left: string[] = [];
  for (let at = 0; at < args.length; ) {
    const next = readOne(table, args, at, values);
    if (next === undefined) left.push(args[at] as string);
    at = next ?? at + 1;
  }
  return { values: values as FlagValues<T>, left };
}

/**
 * Reads `--flag value`, `--flag=value` or `--flag` into `values`.
 * @returns where to go on; `undefined`: it is none of the table
 */
function readOne(
  table: FlagTable,
  args: readonly string[],
  at: number,
  values: Record<string, unknown>,
): number | undefined {
  const word = args[at] as string;
  if (!word.startsWith("-")) return undefined;
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  const inline = equals < 0 ? undefined : word.slice(equals + 1);
  const [key, row] = Object.entries(table).find(([, { flag, short }]) => name === flag || name === short) ?? [];
  if (key === undefined || row === undefined) return undefined;
  const takesNext = inline === undefined && row.placeholder !== undefined;
  const text = takesNext ? args[at + 1] : inline;
  // A flag that stands where a value should was given none.
  const value = readValue(row, takesNext && text?.startsWith("--") ? undefined : text);
  const before = values[key];
  values[key] = Array.isArray(value) && Array.isArray(before) ? [...before, ...value] : value;
  return takesNext ? at + 2 : at + 1;
}

/** @param text `undefined`: the flag stands without one */
function readValue(row: Flag<unknown>, text: string | undefined): unknown {
  const isSwitch = row.placeholder === undefined;
  const value = isSwitch === (text === undefined) ? row.parse(text ?? "") : undefined;
  if (value !== undefined) return value;
  const given = text === undefined ? "has no value" : `is ${JSON.stringify(text)}`;
  throw new ConfigurationError(`${row.flag} ${given}: it must be ${row.allowed}`);
}

function unknownFlag(word: string, rows: readonly Flag<unknown>[]): ConfigurationError {
  const given = word.replace(/=.*/s, "");
  const meant = nearest(
    given,
    rows.map(({ flag }) => flag),
  );
  return new ConfigurationError(
    `the flag ${given} does not exist: ${meant === undefined ? "see --help" : `did you mean ${meant}?`}`,
  );
}
