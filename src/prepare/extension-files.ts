/** Which external extensions there are: `docs/contract/lifecycle.md 2.2`. */
import fs from "node:fs";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";

const directory = "/opt/extensions";

/** Where it exists, of whatever type, no extension is started and their APIs do not exist. */
const switchFile = "/opt/disable-extensions-jwigqn8j";

export function areExtensionsEnabled(path = switchFile): boolean {
  return !fs.existsSync(path);
}

/**
 * Every entry that is no directory itself, in byte order of the names. Links count and are not followed, and nobody
 * asks for the executable bit: starting the file tells. A directory that is missing or cannot be read holds none.
 */
export function findExtensions(dir = directory): { name: string; path: string }[] {
  try {
    return fs
      .readdirSync(dir, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => ({ name, path: `${dir}/${name}` }))
      .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (!isMissing) log.error(`the extensions in ${dir} cannot be listed, none is started: ${messageOf(error)}`);
    return [];
  }
}
