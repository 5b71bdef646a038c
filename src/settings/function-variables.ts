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
  // Without a prototype, as a variable may be named `__proto__`.
  const seen: Record<string, string> = Object.create(null);
  for (const name of Object.keys(given)) {
    const value = given[name];
    if (value !== undefined && isSeen(name, value, mode)) seen[name] = value;
  }
  return seen;
}

function isSeen(name: string, value: string, mode: Mode): boolean {
  const row = rows.get(name);
  if (row?.whenBad === "withhold" && row.parse(value) === undefined) return false;
  if (mode === "emulator") return true;
  return row ? row.seenBy === "init and function" : !name.startsWith(reserved) && !withheld.has(name);
}
