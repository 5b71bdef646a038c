/**
 * Keeps the function's variables from steering init (`docs/contract/decisions.md 22`). They are the function's and
 * reach it untouched; init itself must run as if they were not there. `BUN_BE_BUN`, `BUN_OPTIONS`, `BUN_INSPECT…` and
 * `BUN_JSC_…` are disarmed in the executable (`build.ts`), since they act before any code of ours.
 */
import type { Variables } from "./settings.ts";

/** Takes the place of `NAME=` in the environment of a restarted init. */
const heldPrefix = "_LAMBDA_RUNTIME_INIT_HELD_";

/** Bun and its allocator read these once, at start: only a restart without them undoes what they did. */
function isReadAtStart(name: string): boolean {
  return (
    name.startsWith("BUN_") || name.startsWith("MIMALLOC_") || name === "FORCE_COLOR" || name === "NODE_CHANNEL_FD"
  );
}

/**
 * Bun reads these when it connects, in either case: taking them out of our own view before the first connection is
 * enough.
 */
const readAtRequest: ReadonlySet<string> = new Set([
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
  "node_tls_reject_unauthorized",
  "node_extra_ca_certs",
  "ssl_cert_file",
  "ssl_cert_dir",
]);

/** What to do about an environment. */
export interface CleanEnvironment {
  /** As the function is to see it. */
  readonly given: Readonly<Record<string, string>>;
  /** The environment to restart init with; `undefined`: no restart is needed. */
  readonly restartWith: Readonly<Record<string, string>> | undefined;
  /** Names to take out of init's own `process.env`. */
  readonly withhold: readonly string[];
}

export function cleanEnvironment(env: Variables): CleanEnvironment {
  // Without a prototype: an assignment to a plain object would lose a variable named `__proto__`.
  const given: Record<string, string> = Object.create(null);
  const hostile = new Set<string>();
  const withhold: string[] = [];
  for (const name of Object.keys(env)) {
    const value = env[name];
    if (value === undefined) continue;
    const held = heldName(name);
    given[held ?? name] = value;
    if (isReadAtStart(name)) hostile.add(name);
    if (held !== undefined || readAtRequest.has(name.toLowerCase())) withhold.push(name);
  }
  return { given, restartWith: hostile.size > 0 ? renamed(env, hostile) : undefined, withhold };
}

/** The environment with these variables held back under other names. */
function renamed(env: Variables, names: ReadonlySet<string>): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [names.has(name) ? heldPrefix + name : name, value]));
}

/** The variable that a restart has held under this name. Any other name with the prefix is the function's own. */
function heldName(name: string): string | undefined {
  if (!name.startsWith(heldPrefix)) return undefined;
  const held = name.slice(heldPrefix.length);
  return isReadAtStart(held) ? held : undefined;
}
