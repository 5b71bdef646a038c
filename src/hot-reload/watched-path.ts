/** What both strategies agree on: which files count, what a path stands for at the moment, when it is missing. */
import { type Stats, statSync } from "node:fs";
import { log } from "../log.ts";

/**
 * Whether a name stands for Python's compiled modules. Python writes them beside the code when the function first imports
 * it: a function that runs must not reload itself. Nothing else is left out, hidden files neither: all of it may be code.
 */
export function isIgnored(name: string): boolean {
  return name === "__pycache__" || name.endsWith(".pyc");
}

/** What is at the end of a path and of its symbolic links; `undefined`: nothing that can be reached. */
export function statPath(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Said once each time a path is found missing. */
export function warnMissing(path: string): void {
  log.warn(`hot reload: ${path} is not there; it is watched from when it appears`);
}

/** Whether an error only says that a file went away while it was looked at. */
export function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}
