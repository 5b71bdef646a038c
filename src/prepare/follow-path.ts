/** Where a path leads, seen step by step, so that a link out of a code archive is noticed before it is followed. */
import fs from "node:fs";
import nodePath from "node:path";

/** Links the kernel follows in one path. */
const maxLinks = 40;

export interface FollowedPath {
  /** As far as it exists, without a link in it: the kernel finds the same there. */
  readonly real: string;
  /** The parts behind it that do not exist. */
  readonly missing: readonly string[];
  /** The archive's link at which following ended. `real` is where it stands. */
  readonly archiveLink: string | undefined;
}

/**
 * Follows a path and the links in it, but none an archive made: what such a link points to is the function's choice,
 * and init, which may be root, writes nothing there.
 * @param archiveLinks real paths of the links archives made
 * @throws {Error} the path cannot be looked at, or its links go round in circles
 */
export function followPath(path: string, archiveLinks: ReadonlySet<string>): FollowedPath {
  const left = partsOf(nodePath.resolve(path));
  let real = "/";
  let links = 0;
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    if (part === "..") {
      real = nodePath.dirname(real);
      continue;
    }
    const next = real === "/" ? `/${part}` : `${real}/${part}`;
    const stat = fs.lstatSync(next, { throwIfNoEntry: false });
    if (!stat) return { real, missing: [part, ...left], archiveLink: undefined };
    if (!stat.isSymbolicLink()) {
      real = next;
      continue;
    }
    if (archiveLinks.has(next)) return { real, missing: [], archiveLink: next };
    if (++links > maxLinks) throw new Error(`${path} leads through more than ${maxLinks} symbolic links`);
    const target = fs.readlinkSync(next);
    left.unshift(...partsOf(target));
    if (target.startsWith("/")) real = "/";
  }
  return { real, missing: [], archiveLink: undefined };
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** The first link of an archive that a path would lead through; `undefined`: none. */
export function archiveLinkIn(path: string, archiveLinks: ReadonlySet<string>): string | undefined {
  return archiveLinks.size === 0 ? undefined : followPath(path, archiveLinks).archiveLink;
}
