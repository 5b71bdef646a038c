/** Which program is the runtime: `docs/contract/lifecycle.md 2.3`. */
import fs from "node:fs";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { archiveLinkIn } from "./follow-path.ts";

/** Where AWS's images keep a bootstrap, in the order of the search. */
export const bootstrapPaths = ["/var/task/bootstrap", "/opt/bootstrap", "/var/runtime/bootstrap"] as const;

/** The runtime's command, where it runs, and the handler it is told; empty: none. */
export interface FoundBootstrap {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly handler: string;
}

/**
 * Finds the runtime. With none to be found the first path stands, so that starting it gives the true error.
 * @param args the command line's command, empty for a search
 * @param handler the environment's; empty: none
 * @param cwd of init itself: where a command from the command line runs
 */
export function findBootstrap(
  args: readonly string[],
  handler: string,
  cwd: string,
  searchPaths: readonly string[] = bootstrapPaths,
): FoundBootstrap {
  if (args.length > 0) {
    // As AWS's emulator has it: with a command of several words, the last one names the handler.
    const fromCommand = args.length >= 2 ? (args.at(-1) as string) : "";
    return { command: args, cwd, handler: handler || fromCommand };
  }
  const path = searchPaths.find(isFile) ?? (searchPaths[0] as string);
  return { command: [path], cwd: "/var/task", handler };
}

function isFile(path: string): boolean {
  try {
    return fs.statSync(path).isDirectory() === false;
  } catch {
    return false; // Missing, or not ours to see: either way not the one to start.
  }
}

/**
 * Zip tools lose the executable bit easily. Tried once; where it is not possible, starting the file tells.
 * @param archiveLinks links that code archives made: what lies behind one is not changed
 */
export function makeExecutable(path: string, archiveLinks: ReadonlySet<string>): void {
  if (!path.includes("/") || !isFile(path)) return;
  try {
    if ((fs.statSync(path).mode & 0o111) !== 0) return;
    if (archiveLinkIn(path, archiveLinks) === undefined) fs.chmodSync(path, 0o755);
  } catch (error) {
    log.warn(`${path} is not executable and could not be made so: ${messageOf(error)}`);
  }
}
