/**
 * Watches a tree of any size by the kernel's events. Bun's recursive watch follows a directory that is made, renamed or
 * moved in, but walks all of the tree at once when it starts, at some 40 µs a directory. So it gets no more than a
 * bounded part of the tree each time: a directory with more below it is watched alone, and its children one after the
 * other.
 */
import fs from "node:fs";
import type { Clock } from "../clock.ts";
import { inSlices } from "./slices.ts";
import { type IsIgnored, isGone, isIgnored, isPseudoFileSystem } from "./watched-path.ts";

/** Directories watched at once: some 10 ms. */
const maxAtOnce = 250;

/** Milliseconds of such work after which something else has its turn. */
const sliceMs = 10;

/**
 * Milliseconds without a further event of its kind after which a directory that came or went is watched anew. At once, Bun
 * may take the new watch for the old one of that path, whose directory is gone: one in ten was deaf (Bun 1.4.5).
 */
const settleMs = 50;

/** The part of `fs.watch` that is needed, so that tests can make it fail. */
export type WatchFunction = (
  path: string,
  options: { recursive: boolean },
  listener: (event: string, filename: string | null | undefined) => void,
) => WatchHandle;

export interface WatchHandle {
  on(event: "error", listener: (error: Error) => void): unknown;
  close(): void;
}

export interface TreeWatchOptions {
  readonly clock: Clock;
  readonly watch: WatchFunction;
  readonly isIgnored?: IsIgnored | undefined;
  readonly onChange: (path: string) => void;
  /** Events were lost, or none will come any more: all is to be watched anew. `onChange` follows. */
  readonly onDeaf: () => void;
  /** Watches cannot be had, or not all of them. */
  readonly onError: (error: unknown) => void;
}

export class TreeWatch {
  readonly #parts = new Map<string, WatchHandle>();
  /** What is still to be watched, with all below it. */
  readonly #left: string[] = [];
  readonly #opened = Promise.withResolvers<void>();
  #callOff: (() => void) | undefined;
  /** What is to be watched anew, and what calls that off. */
  readonly #unsettled = new Map<string, () => void>();
  #isClosed = false;
  /** Directories watched so far. */
  directories = 0;

  constructor(
    readonly path: string,
    private readonly isDirectory: boolean,
    private readonly options: TreeWatchOptions,
  ) {}

  /** Whether anything is watched: nothing is where the path was gone when its turn came. */
  get isWatching(): boolean {
    return this.#parts.size > 0;
  }

  /** Resolves when all of it is watched, or none of it any more. */
  open(): Promise<void> {
    if (this.isDirectory) this.#cover(this.path);
    else this.#watch(this.path, true);
    if (this.#callOff === undefined) this.#opened.resolve();
    return this.#opened.promise;
  }

  /** Ends the watch: nothing is told from now on. */
  close(): void {
    this.#isClosed = true;
    this.#callOff?.();
    for (const callOff of this.#unsettled.values()) callOff();
    this.#opened.resolve();
    inSlices(this.options.clock, sliceMs, closeAll([...this.#parts.values()]));
    this.#parts.clear();
  }

  #cover(directory: string): void {
    this.#left.push(directory);
    if (this.#callOff !== undefined) return; // The work under way takes it up.
    this.#callOff = inSlices(this.options.clock, sliceMs, this.#work(), () => {
      this.#callOff = undefined;
      this.#opened.resolve();
    });
  }

  *#work(): Generator<void, void> {
    for (let directory = this.#left.pop(); directory !== undefined; directory = this.#left.pop()) {
      const below = yield* countDirectories(directory);
      if (this.#isClosed) return;
      this.#watch(directory, below !== undefined);
      this.directories += below ?? 1;
      // After the watch has begun: what is made from now on is told.
      if (below === undefined) this.#left.push(...directoriesIn(directory));
      yield;
    }
  }

  #watch(path: string, recursive: boolean): void {
    if (this.#parts.has(path) || (path !== this.path && !isDirectory(path))) return;
    try {
      const handle = this.options.watch(path, { recursive }, (event, filename) => {
        if (!this.#isClosed) this.#heard(path, recursive, event, filename);
      });
      handle.on("error", (error) => this.#failed(error));
      this.#parts.set(path, handle);
    } catch (error) {
      this.#failed(error);
    }
  }

  #heard(path: string, recursive: boolean, event: string, filename: string | null | undefined): void {
    if (typeof filename !== "string") {
      // A part was removed; or, as the whole is told too, events were lost.
      if (path === this.path) this.options.onDeaf();
      else this.#lookAgain(path);
    } else if (!this.isDirectory && event === "rename") this.options.onDeaf();
    else if (filename.split("/").some(this.options.isIgnored ?? isIgnored)) return;
    else if (!recursive && event === "rename") this.#lookAgain(join(path, filename));
    this.options.onChange(typeof filename === "string" && this.isDirectory ? join(path, filename) : path);
  }

  /**
   * Something of this name has come, gone, or taken another's place, in a directory that is watched alone. A directory that
   * was removed and made again at once cannot be told from the old one: its inode may be the same.
   */
  #lookAgain(path: string): void {
    if (!this.#parts.has(path) && !isDirectory(path)) return; // A file: its directory tells of it.
    for (const [watched, handle] of this.#parts) {
      if (watched !== path && !watched.startsWith(`${path}/`)) continue;
      handle.close();
      this.#parts.delete(watched);
    }
    this.#unsettled.get(path)?.();
    this.#unsettled.set(
      path,
      this.options.clock.after(settleMs, () => this.#settle(path)),
    );
  }

  #settle(path: string): void {
    this.#unsettled.delete(path);
    if (!isDirectory(path)) return;
    this.#cover(path);
    this.options.onChange(path); // What happened in it meanwhile.
  }

  #failed(error: unknown): void {
    if (!this.#isClosed && !isGone(error)) this.options.onError(error);
  }
}

function* closeAll(handles: readonly WatchHandle[]): Generator<void, void> {
  for (const handle of handles) {
    handle.close();
    yield;
  }
}

/** Directories in a tree, itself included; `undefined`: more than are watched at once. */
function* countDirectories(root: string): Generator<void, number | undefined> {
  // All that is mounted somewhere stands below it, the kernel's own trees too.
  if (root === "/") return undefined;
  const left = [root];
  let count = 0;
  for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
    count++;
    left.push(...directoriesIn(directory));
    if (count + left.length > maxAtOnce) return undefined;
    yield;
  }
  return count;
}

function directoriesIn(directory: string): string[] {
  try {
    return fs
      .readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !isIgnored(entry.name))
      .map(({ name }) => join(directory, name))
      .filter((path) => !isPseudoFileSystem(path));
  } catch {
    return []; // Gone, or closed to init: watching it tells.
  }
}

/** Links do not count, wherever they lead. */
function isDirectory(path: string): boolean {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

function join(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}
