/** What a zip entry's attributes say about the file: its kind and its permissions. */
import type { Entry } from "yauzl";

export type ZipEntryKind = "file" | "directory" | "link";

type Attributes = Pick<Entry, "externalFileAttributes" | "versionMadeBy">;

/** The upper half of the attributes is a Unix mode, where the writer knows of such, and these are its kinds of file. */
const unixKind = { mask: 0o170000, directory: 0o040000, link: 0o120000 } as const;

/** The lower half is what DOS and Windows keep. */
const dosDirectory = 0x10;

/** Writers whose lower half counts: FAT, HPFS, NTFS, VFAT. */
const dosWriters: ReadonlySet<number> = new Set([0, 6, 10, 14]);

/** Whatever else a Unix mode may name, a pipe or a device, becomes a file: its bytes are all an archive has of it. */
export function kindOf(name: string, { externalFileAttributes, versionMadeBy }: Attributes): ZipEntryKind {
  const kind = (externalFileAttributes >>> 16) & unixKind.mask;
  if (name.endsWith("/") || kind === unixKind.directory) return "directory";
  if (kind === unixKind.link) return "link";
  const isDos = kind === 0 && dosWriters.has(versionMadeBy >>> 8);
  return isDos && (externalFileAttributes & dosDirectory) !== 0 ? "directory" : "file";
}

/**
 * The archive's permissions, without set-user-id and its like. What the owner may read and execute, group and others
 * may too: init unpacks as root what the function's user has to run. A directory that can be read can be searched.
 */
export function modeOf(kind: ZipEntryKind, { externalFileAttributes }: Attributes): number {
  const given = (externalFileAttributes >>> 16) & 0o777 || (kind === "directory" ? 0o755 : 0o644);
  const search = kind === "directory" && (given & 0o400) !== 0 ? 0o100 : 0;
  const owner = (given & 0o500) | search;
  return given | owner | (owner >> 3) | (owner >> 6);
}
