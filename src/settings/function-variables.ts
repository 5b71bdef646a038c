/** What of init's environment the function's processes see. */
import type { Mode } from "./mode.ts";
import type { Setting, Table, Variables } from "./setting.ts";
import { settings } from "./settings.ts";

const rows = new Map<string, Setting<unknown>>();
for (const row of Object.values(settings as Table)) rows.set(row.variable, row);

/** LocalStack's names for init, those of other versions included, of which this table knows nothing. */
const reserved = "LOCALSTACK_";

/**
 * They describe the container, or are set anew for each invocation by the runtime: AWS's functions do not find them.
 */
const withheld: ReadonlySet<string> = new Set(["HOME", "HOSTNAME", "_X_AMZN_TRACE_ID"]);

/**
 * LocalStack's containers hold settings of init; the emulator's environment is the function's as it stands, as with
 * AWS's emulator.
 */
export function functionVariables(given: Variables, mode: Mode): Record<string, string> {
  const isSeen = ([name, value]: [string, string | undefined]) =>
    value !== undefined && !isWithheldAsBad(name, value) && (mode === "emulator" || isSeenByFunction(name));
  return Object.fromEntries(Object.entries(given).filter(isSeen)) as Record<string, string>;
}

function isSeenByFunction(name: string): boolean {
  const row = rows.get(name);
  if (row) return row.seenBy === "init and function";
  return !name.startsWith(reserved) && !withheld.has(name);
}

function isWithheldAsBad(name: string, value: string): boolean {
  const row = rows.get(name);
  return row?.whenBad === "withhold" && row.parse(value) === undefined;
}
