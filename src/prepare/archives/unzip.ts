/** Writes the files of a zip archive below a directory. */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import type { Clock } from "../../clock.ts";
import { writeAll } from "./write-all.ts";
import { type ArchiveEntry, aboutEntry, type ZipArchive } from "./zip-archive.ts";
import { parentsOf } from "./zip-names.ts";

/** Milliseconds of unpacking after which other work of the process, such as a signal, has its turn. */
const turnMs = 20;

/** Directories an archive needs but does not list. */
const impliedDirectoryMode = 0o755;

/**
 * Unpacks an archive: files and links that stand in the way are replaced, everything else below the directory stays.
 * Modes are those of the archive, whatever the umask.
 * @param target made with its parents where it is missing; may itself be a mount point or a link to a directory
 * @throws {Error} naming the entry; what was unpacked so far stays
 */
export async function unzip(archive: ZipArchive, target: string, clock: Clock): Promise<void> {
  const root = resolve(target);
  makeTarget(root);
  const writer = new TreeWriter(root);
  const links: ArchiveEntry[] = [];
  const directories: ArchiveEntry[] = [];
  let turnEnds = clock.now() + turnMs;

  for (const entry of archive.entries) {
    if (entry.kind === "file") await about(entry, () => writer.writeFile(entry, archive.content(entry)));
    else if (entry.kind === "link") links.push(entry);
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
  for (const entry of links) await about(entry, () => writer.makeLink(entry.path, archive.linkTarget(entry)));
  // A directory may be closed to its owner: only once all is in it, and the inner ones first, whose paths are longer.
  directories.sort((one, other) => other.path.length - one.path.length);
  for (const entry of directories) await about(entry, () => writer.setMode(entry));
}

function makeTarget(target: string): void {
  const first = mkdirSync(target, { recursive: true });
  if (first === undefined) return; // It was there.
  for (let made = target; made.length >= first.length; made = dirname(made)) chmodSync(made, impliedDirectoryMode);
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

  constructor(private readonly root: string) {}

  async writeFile({ path, mode }: ArchiveEntry, content: AsyncIterable<Uint8Array>): Promise<void> {
    this.#makeParents(path);
    const file = this.#absolute(path);
    const fd = replacing(file, () =>
      openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600),
    );
    try {
      for await (const chunk of content) writeAll(fd, chunk);
      fchmodSync(fd, mode);
    } catch (error) {
      unlinkSync(file); // Half a file is worse than none.
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  makeDirectory(path: string): void {
    this.#makeParents(path);
    this.#makeOne(path);
  }

  makeLink(path: string, target: string): void {
    this.#makeParents(path);
    const link = this.#absolute(path);
    replacing(link, () => symlinkSync(target, link));
  }

  setMode({ path, mode }: ArchiveEntry): void {
    chmodSync(this.#absolute(path), mode);
  }

  #makeParents(path: string): void {
    const missing: string[] = [];
    for (const parent of parentsOf(path)) {
      if (this.#directories.has(parent)) break;
      missing.push(parent);
    }
    for (const parent of missing.reverse()) this.#makeOne(parent);
  }

  #makeOne(path: string): void {
    const directory = this.#absolute(path);
    try {
      mkdirSync(directory, impliedDirectoryMode);
      chmodSync(directory, impliedDirectoryMode);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      const found = lstatSync(directory);
      if (!found.isDirectory()) {
        const what = found.isSymbolicLink() ? "a symbolic link" : "a file";
        throw new Error(`${directory} must be a directory for it, but is ${what}`);
      }
    }
    this.#directories.add(path);
  }

  #absolute(path: string): string {
    return `${this.root}/${path}`;
  }
}

/** Makes something at a path, in place of the file or link that may stand there. A directory is not replaced. */
function replacing<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
  if (lstatSync(path).isDirectory()) throw new Error(`a directory stands in its place at ${path}`);
  unlinkSync(path);
  return make();
}

function hasCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
