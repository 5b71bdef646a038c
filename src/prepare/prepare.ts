/** Everything that has to be in order before the first process starts: `lifecycle.md` 1.1. */
import type { Clock } from "../clock.ts";
import type { Config, Variables } from "../settings/settings.ts";
import { type FoundBootstrap, findBootstrap } from "./bootstrap.ts";
import { applyFileModes } from "./file-modes.ts";
import { switchUser } from "./user.ts";

/**
 * Brings the code, sets modes, finds the runtime, and gives up root: whatever listens or starts afterwards belongs to the
 * function's user.
 * @param command the command line's, empty: a bootstrap is looked for
 * @throws {CodeArchiveError}
 * @throws {UserSwitchError}
 */
export async function prepare(
  config: Config,
  command: readonly string[],
  env: Variables,
  clock: Clock,
): Promise<FoundBootstrap> {
  if (config.codeArchives.length > 0) {
    // Loaded only where code comes by archive.
    const { unpackCodeArchives } = await import("./archives/code-archives.ts");
    await unpackCodeArchives(config.codeArchives, { clock });
  }
  applyFileModes(config.chmodPaths);
  const bootstrap = findBootstrap(command, env, process.cwd());
  switchUser({ user: config.user, allowRoot: config.allowRoot === "1" });
  return bootstrap;
}
