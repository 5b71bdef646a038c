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
  return /^(BUN_|MIMALLOC_)/.test(name) || name === "FORCE_COLOR" || name === "NODE_CHANNEL_FD";
}

/** Bun reads these when it connects: taking them out of our own view before the first connection is enough. */
const readAtRequest =
  /^(https?_proxy|all_proxy|no_proxy|node_tls_reject_unauthorized|node_extra_ca_certs|ssl_cert_(file|dir))$/i;

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
  // As entries: an assignment to a plain object would lose a variable named `__proto__`.
  const given: [name: string, value: string][] = [];
  const restartWith: [name: string, value: string][] = [];
  const withhold: string[] = [];
  let isRestartNeeded = false;
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const held = heldName(name);
    given.push([held ?? name, value]);
    const isHostile = isReadAtStart(name);
    restartWith.push([isHostile ? heldPrefix + name : name, value]);
    isRestartNeeded ||= isHostile;
    if (held !== undefined || readAtRequest.test(name)) withhold.push(name);
  }
  return {
    given: Object.fromEntries(given),
    restartWith: isRestartNeeded ? Object.fromEntries(restartWith) : undefined,
    withhold,
  };
}

/** The variable that a restart has held under this name. Any other name with the prefix is the function's own. */
function heldName(name: string): string | undefined {
  if (!name.startsWith(heldPrefix)) return undefined;
  const held = name.slice(heldPrefix.length);
  return isReadAtStart(held) ? held : undefined;
}
