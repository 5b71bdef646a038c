/** A tree as it was when last looked at, to find out whether it changed since. */
import fs, { type Stats } from "node:fs";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { type IsIgnored, isGone, isIgnored, isPseudoFileSystem, statPath } from "./watched-path.ts";

interface Entry {
  /** The look that found it last. What an earlier one found is gone. */
  lookedAt: number;
  mode: number;
  mtimeMs: number;
  size: number;
  inode: number;
  target: string;
}

export class Snapshot {
  readonly #entries = new Map<string, Entry>();
  /** Directories already reported as unreadable. */
  readonly #unreadable = new Set<string>();
  #looks = 0;
  /** The first path that differs from the look before. */
  #changed: string | undefined;

  /** @param root a directory, a file, or a symbolic link to either */
  constructor(
    readonly root: string,
    private readonly isLeftOut: IsIgnored = isIgnored,
  ) {}

  /** Files and directories found. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether nothing was found at the root. */
  get isMissing(): boolean {
    return this.#entries.size === 0;
  }

  /**
   * Looks at everything once. Yields after each file, where the caller may pause. Symbolic links inside the tree are
   * compared by their target, not followed: they may lead out of the tree or round in circles.
   * @returns the first path that differs from the look before; none does in the first
   */
  *look(): Generator<void, string | undefined> {
    this.#looks++;
    this.#changed = undefined;
    const root = statPath(this.root);
    const directories = root && this.#note(this.root, root) ? [this.root] : [];
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      for (const name of this.#namesIn(directory)) {
        if (this.isLeftOut(name)) continue;
        const path = directory.endsWith("/") ? directory + name : `${directory}/${name}`;
        const stat = lstat(path);
        if (stat && this.#note(path, stat) && !isPseudoFileSystem(path)) directories.push(path);
        yield;
      }
      yield;
    }
    for (const [path, { lookedAt }] of this.#entries) {
      if (lookedAt !== this.#looks) {
        this.#entries.delete(path);
        this.#changed ??= path;
      }
      yield;
    }
    return this.#looks > 1 ? this.#changed : undefined;
  }

  /**
   * Compares one file with the look before.
   * @returns whether it is a directory
   */
  #note(path: string, stat: Stats): boolean {
    const isDirectory = stat.isDirectory();
    // A directory's time and size change when Python puts its caches there, and where containers layer file systems its
    // inode may change by itself. What is in it tells enough.
    const mtimeMs = isDirectory ? 0 : stat.mtimeMs;
    const size = isDirectory ? 0 : stat.size;
    const inode = isDirectory ? 0 : stat.ino;
    const target = stat.isSymbolicLink() ? readLink(path) : "";
    const { mode } = stat;
    const entry = this.#entries.get(path);
    if (!entry) {
      this.#entries.set(path, { lookedAt: this.#looks, mode, mtimeMs, size, inode, target });
      this.#changed ??= path;
      return isDirectory;
    }
    entry.lookedAt = this.#looks;
    if (
      entry.mtimeMs !== mtimeMs ||
      entry.size !== size ||
      entry.mode !== mode ||
      entry.inode !== inode ||
      entry.target !== target
    ) {
      Object.assign(entry, { mode, mtimeMs, size, inode, target });
      this.#changed ??= path;
    }
    return isDirectory;
  }

  #namesIn(directory: string): string[] {
    try {
      return fs.readdirSync(directory);
    } catch (error) {
      if (!isGone(error) && !this.#unreadable.has(directory)) {
        this.#unreadable.add(directory);
        log.warn(`hot reload: changes in ${directory} are not seen: ${messageOf(error)}`);
      }
      return [];
    }
  }
}

function lstat(path: string): Stats | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function readLink(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return "";
  }
}
