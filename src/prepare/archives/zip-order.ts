/**
 * Which entries of an archive are left when all are unpacked in their order, each in place of what stood there before.
 */
import type { ZipEntryKind } from "./zip-attributes.ts";
import { parentsOf } from "./zip-names.ts";

/** What of an entry decides about its place. */
interface Placed {
  readonly path: string;
  readonly kind: ZipEntryKind;
}

/**
 * Leaves out what a later entry takes the place of: an entry of the same name, a file or link where a directory is
 * needed, and all below a directory whose name a file or link has taken. None of those left stands below a file or a
 * link.
 */
export function withoutOverwritten<Entry extends Placed>(entries: readonly Entry[]): Entry[] {
  const left: Entry[] = [];
  const ends = new Set<string>();
  const directories = new Set<string>();
  const listed = new Set<string>();
  // From the end: what was met before has won.
  for (const entry of entries.toReversed()) {
    const { path, kind } = entry;
    const isTaken = listed.has(path) || ends.has(path) || (kind !== "directory" && directories.has(path));
    if (isTaken || isBelow(path, ends)) continue;
    listed.add(path);
    (kind === "directory" ? directories : ends).add(path);
    for (const parent of parentsOf(path)) {
      if (directories.has(parent)) break;
      directories.add(parent);
    }
    left.push(entry);
  }
  return left.reverse();
}

function isBelow(path: string, ends: ReadonlySet<string>): boolean {
  for (const parent of parentsOf(path)) if (ends.has(parent)) return true;
  return false;
}
