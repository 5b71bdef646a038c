/** Everything that has to be in order before the first process starts: `docs/contract/lifecycle.md 1.1`. */
import type { Clock } from "../clock.ts";
import type { Config } from "../settings/settings.ts";
import { type FoundBootstrap, findBootstrap, makeExecutable } from "./bootstrap.ts";
import { applyFileModes } from "./file-modes.ts";
import { switchUser } from "./user.ts";

/**
 * Brings the code, sets modes, finds the runtime, and gives up root: whatever listens or starts afterwards belongs to
 * the function's user.
 * @param command the command line's, empty: a bootstrap is looked for
 * @throws {CodeArchiveError}
 * @throws {UserSwitchError}
 */
export async function prepare(config: Config, command: readonly string[], clock: Clock): Promise<FoundBootstrap> {
  const links: ReadonlySet<string> = config.codeArchives.length === 0 ? new Set() : await bringCode(config, clock);
  applyFileModes(config.chmodPaths, links);
  const bootstrap = findBootstrap(command, config.handler, process.cwd());
  makeExecutable(bootstrap.command[0] as string, links);
  switchUser({ user: config.user, allowRoot: config.allowRoot === "1" });
  return bootstrap;
}

/** @returns the links that archives made: nothing is to be changed behind one */
async function bringCode({ codeArchives }: Config, clock: Clock): Promise<ReadonlySet<string>> {
  // Loaded only where code comes by archive.
  const { unpackCodeArchives } = await import("./archives/code-archives.ts");
  return unpackCodeArchives(codeArchives, { clock });
}
