/** Writes the files of a zip archive below a directory. */
import fs from "node:fs";
import type { Clock } from "../../clock.ts";
import { followPath } from "../follow-path.ts";
import { holdsMount } from "./mounts.ts";
import { writeAll } from "./write-all.ts";
import { type ArchiveEntry, aboutEntry, type ZipArchive } from "./zip-archive.ts";
import { parentsOf } from "./zip-names.ts";

/** Milliseconds of unpacking after which other work of the process, such as a signal, has its turn. */
const turnMs = 20;

/** Directories an archive needs but does not list. */
const impliedDirectoryMode = 0o755;

/**
 * Unpacks an archive. What stands in the way of an entry is replaced, everything else below the directory stays. Times
 * and modes are those of the archive, whatever the umask.
 * @param target made with its parents where it is missing; may itself be a mount point or a link to a directory
 * @param links real paths of the links that archives made: nothing is written through one. Those of this archive are
 * added
 * @throws {Error} naming the entry; what was unpacked so far stays
 */
export async function unzip(archive: ZipArchive, target: string, links: Set<string>, clock: Clock): Promise<void> {
  const writer = new TreeWriter(makeTarget(target, links));
  const later: ArchiveEntry[] = [];
  const directories: ArchiveEntry[] = [];
  let turnEnds = clock.now() + turnMs;

  for (const entry of archive.entries) {
    if (entry.kind === "file") await about(entry, () => writer.writeFile(entry, archive.content(entry)));
    else if (entry.kind === "link") later.push(entry);
    else {
      await about(entry, () => writer.makeDirectory(entry.path));
      directories.push(entry);
    }
    if (clock.now() >= turnEnds) {
      await new Promise((resolve) => setImmediate(resolve));
      turnEnds = clock.now() + turnMs;
    }
  }
  // Last, so that no file of this archive can pass through one, whatever the checks before have missed.
  for (const entry of later)
    await about(entry, () => void links.add(writer.makeLink(entry, archive.linkTarget(entry))));
  // A directory may be closed to its owner, and its time changes with what is put into it: only once all is in it, and
  // the inner ones first, whose paths are longer.
  directories.sort((one, other) => other.path.length - one.path.length);
  for (const entry of directories) await about(entry, () => writer.finishDirectory(entry));
}

/** @returns the target's real path */
function makeTarget(target: string, links: Set<string>): string {
  let found = followPath(target, links);
  // Where the target lies behind a link of another archive, a directory replaces the link, as an archive's own would.
  for (; found.archiveLink !== undefined; found = followPath(target, links)) fs.unlinkSync(found.archiveLink);
  let path = found.real;
  for (const part of found.missing) {
    path = `${path === "/" ? "" : path}/${part}`;
    fs.mkdirSync(path, impliedDirectoryMode);
    fs.chmodSync(path, impliedDirectoryMode);
  }
  return path;
}

async function about(entry: ArchiveEntry, work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw aboutEntry(entry.path, error);
  }
}

/** Makes files, directories and links below a root, and never through a symbolic link. */
class TreeWriter {
  /** Relative paths known to be true directories. They stay so: links are only made when all directories are. */
  readonly #directories = new Set<string>();

  /** @param root a real path */
  constructor(private readonly root: string) {}

  async writeFile({ path, mode, mtime }: ArchiveEntry, content: AsyncIterable<Uint8Array>): Promise<void> {
    this.#makeParents(path);
    const file = this.#absolute(path);
    const fd = replacing(file, () =>
      fs.openSync(
        file,
        fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW,
        0o600,
      ),
    );
    try {
      for await (const chunk of content) writeAll(fd, chunk);
      fs.fchmodSync(fd, mode);
      if (mtime !== undefined) fs.futimesSync(fd, mtime, mtime);
    } catch (error) {
      fs.unlinkSync(file); // Half a file is worse than none.
      throw error;
    } finally {
      fs.closeSync(fd);
    }
  }

  makeDirectory(path: string): void {
    this.#makeParents(path);
    this.#makeOne(path);
  }

  /** @returns the link's path */
  makeLink({ path, mtime }: ArchiveEntry, target: string): string {
    this.#makeParents(path);
    const link = this.#absolute(path);
    replacing(link, () => fs.symlinkSync(target, link));
    if (mtime !== undefined) fs.lutimesSync(link, mtime, mtime);
    return link;
  }

  finishDirectory({ path, mode, mtime }: ArchiveEntry): void {
    const directory = this.#absolute(path);
    if (mtime !== undefined) fs.utimesSync(directory, mtime, mtime);
    fs.chmodSync(directory, mode);
  }

  #makeParents(path: string): void {
    const missing: string[] = [];
    for (const parent of parentsOf(path)) {
      if (this.#directories.has(parent)) break;
      missing.push(parent);
    }
    for (const parent of missing.reverse()) this.#makeOne(parent);
  }

  /** A directory that is there stays as it is, with what is in it. Links are not followed: one gives way too. */
  #makeOne(path: string): void {
    const directory = this.#absolute(path);
    if (!fs.lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
      replacing(directory, () => fs.mkdirSync(directory, impliedDirectoryMode));
      fs.chmodSync(directory, impliedDirectoryMode);
    }
    this.#directories.add(path);
  }

  #absolute(path: string): string {
    return this.root === "/" ? `/${path}` : `${this.root}/${path}`;
  }
}

/**
 * Makes something at a path, in place of what may stand there: the later archive wins.
 * @throws {Error} a directory stands there in which something is mounted
 */
function replacing<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  if (fs.lstatSync(path).isDirectory() && holdsMount(path)) {
    throw new Error(`a directory stands in its place at ${path}, and cannot be replaced: something is mounted in it`);
  }
  fs.rmSync(path, { recursive: true });
  return make();
}
