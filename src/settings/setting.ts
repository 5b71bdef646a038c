/** One row of a table of settings, and how such a table is read from an environment. */
import type { Kind } from "./kinds.ts";

/** The environment as init found it. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Thrown with one sentence for each bad setting: which variable or flag, its value, what is allowed. */
export class ConfigurationError extends Error {
  override name = "ConfigurationError";
}

export interface Setting<T> extends Kind<T> {
  readonly variable: string;
  /** Read where the first one is absent. */
  readonly orElse?: string;
  readonly isRequired: boolean;
  /** Stands in when the variable is absent, or present without a text. */
  readonly whenAbsent: T;
  /** Whether the function's processes get the variable too. */
  readonly seenBy: "init" | "init and function";
  /**
   * What a bad value leads to. Without this it ends init. `warn`: a warning, and the value for absence. `withhold`: the
   * same, and the function does not get the variable, since its runtime may go by its presence.
   */
  readonly whenBad?: "warn" | "withhold";
  /** Stands in for a bad value where that is to be told from absence. */
  readonly valueWhenBad?: T;
  /** An empty text is a value here, and not the same as absence. */
  readonly isEmptyAValue?: boolean;
}

export type Table = Readonly<Record<string, Setting<unknown>>>;

/** The value of every row. */
export type ValuesOf<T extends Table> = {
  readonly [Key in keyof T]: T[Key] extends Setting<infer V> ? V : never;
};

type More<T> = Pick<Setting<T>, "orElse" | "whenBad" | "valueWhenBad" | "isEmptyAValue">;

export function required<T>(variable: string, seenBy: Setting<T>["seenBy"], kind: Kind<T>): Setting<T> {
  // No value stands in: `whenAbsent` is never read.
  return { variable, seenBy, ...kind, isRequired: true, whenAbsent: undefined as T };
}

export function optional<T>(
  variable: string,
  seenBy: Setting<T>["seenBy"],
  kind: Kind<T>,
  whenAbsent: NoInfer<T>,
  more: More<NoInfer<T>> = {},
): Setting<T> {
  return { variable, seenBy, ...kind, isRequired: false, whenAbsent, ...more };
}

/**
 * Reads and checks every row.
 * @param warn is told one sentence for each bad value that is not used
 * @throws {ConfigurationError} naming every variable that is missing or refused, its value and what is allowed
 */
export function readTable<T extends Table>(table: T, env: Variables, warn: (sentence: string) => void): ValuesOf<T> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const key of Object.keys(table)) {
    const row = table[key] as Setting<unknown>;
    const variable = variableOf(row, env);
    const text = textOf(row, variable, env);
    const value = text === undefined ? row.whenAbsent : row.parse(text);
    values[key] = value;
    if (text === undefined) {
      if (row.isRequired) problems.push(`${variable} is missing: it must be ${row.allowed}`);
    } else if (value === undefined) {
      const sentence = `${variable} is ${JSON.stringify(text)}: it must be ${row.allowed}`;
      if (row.whenBad === undefined) problems.push(sentence);
      else warn(`${sentence}. It is not used`);
      values[key] = row.valueWhenBad ?? row.whenAbsent;
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems.join("; "));
  return values as ValuesOf<T>;
}

/** Which of a row's two variables holds a text: the first one where both or none do. */
function variableOf(row: Setting<unknown>, env: Variables): string {
  const { variable, orElse } = row;
  return orElse !== undefined && textOf(row, variable, env) === undefined && textOf(row, orElse, env) !== undefined
    ? orElse
    : variable;
}

function textOf({ isEmptyAValue }: Setting<unknown>, variable: string, env: Variables): string | undefined {
  const text = env[variable];
  return text !== "" || isEmptyAValue ? text : undefined;
}
