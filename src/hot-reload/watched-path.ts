/** What both strategies agree on: which files count, what a path stands for at the moment, when it is missing. */
import fs, { type Stats } from "node:fs";
import { log } from "../log.ts";

/** Whether what a name stands for, and all below it, is no code. */
export type IsIgnored = (name: string) => boolean;

/**
 * Whether a name stands for Python's compiled modules, or for what Git keeps. Python writes the former beside the code
 * when the function first imports it, Git the latter whenever somebody looks at a status. Nothing else is left out, not
 * even hidden files: all of it may be code.
 */
export const isIgnored: IsIgnored = (name) => {
  return name === "__pycache__" || name === ".git" || name.endsWith(".pyc");
};

/** What is at the end of a path and of its symbolic links; `undefined`: nothing that can be reached. */
export function statPath(path: string): Stats | undefined {
  try {
    return fs.statSync(path, { throwIfNoEntry: false });
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

/** The kernel's own trees, which change all the time and hold no code. */
export function isPseudoFileSystem(path: string): boolean {
  return path === "/proc" || path === "/sys" || path === "/dev";
}

/** Tells one file or directory from any other. */
export function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/** Directories, or files where these are looked at, above which a path is probably not the one that was meant. */
const many = { directories: 10_000, files: 100_000 } as const;

export function warnIfMany(path: string, count: number, what: keyof typeof many): void {
  if (count <= many[what]) return;
  log.warn(
    `hot reload: ${path} holds ${count} ${what}, and watching them all costs time and memory. ` +
      "Is a smaller directory meant? Correct LOCALSTACK_HOT_RELOADING_PATHS",
  );
}
