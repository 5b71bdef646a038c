/**
 * Sees changes by the kernel's events. Bun's recursive watch does most of it: it follows directories that are made,
 * renamed or moved in. What it misses (measured with Bun 1.4.5, compiled too) is told by an event without a file name or
 * by a look at the path itself, and answered by watching anew:
 *
 * - the path's directory was removed, or events were lost since too many waited: it is deaf from then on;
 * - the path's file was replaced: the old one stays watched;
 * - the path leads somewhere else now, by a rename or by a symbolic link: no event at all.
 *
 * A directory moved out of the tree stays watched until the tree is watched anew: a reload too many, at most.
 */
import type { Stats } from "node:fs";
import type { Clock } from "../clock.ts";
import { isGone, isIgnored, statPath, warnMissing } from "./watched-path.ts";

/** Milliseconds between looks at the paths themselves; one call of the kernel each. */
const checkMs = 200;

/** The part of `fs.watch` that is needed, so that tests can make it fail. */
export type WatchFunction = (
  path: string,
  options: { recursive: true },
  listener: (event: string, filename: string | null | undefined) => void,
) => WatchHandle;

export interface WatchHandle {
  on(event: "error", listener: (error: Error) => void): unknown;
  close(): void;
}

export interface EventWatcherOptions {
  readonly paths: readonly string[];
  readonly clock: Clock;
  readonly watch: WatchFunction;
  readonly onChange: () => void;
  /** Watches cannot be had, or not all of them. This watcher has stopped when it is called; called once. */
  readonly onTrouble: (error: unknown) => void;
}

interface WatchedPath {
  readonly path: string;
  /** Which directory or file is watched; `undefined`: none, the path is missing. */
  identity: string | undefined;
  handle: WatchHandle | undefined;
  /** Whether the watch may have gone deaf. */
  isStale: boolean;
}

export class EventWatcher {
  readonly #watched: readonly WatchedPath[];
  #isStopped = false;
  #callOff: () => void = () => {};

  constructor(private readonly options: EventWatcherOptions) {
    this.#watched = options.paths.map((path) => ({ path, identity: undefined, handle: undefined, isStale: false }));
  }

  /** Watches all paths; those missing, once they appear. */
  start(): void {
    for (const watched of this.#watched) {
      this.#watch(watched, statPath(watched.path));
      if (watched.identity === undefined && !this.#isStopped) warnMissing(watched.path);
    }
    this.#checkLater();
  }

  stop(): void {
    this.#isStopped = true;
    this.#callOff();
    for (const watched of this.#watched) letGo(watched);
  }

  #checkLater(): void {
    if (this.#isStopped) return;
    this.#callOff = this.options.clock.after(checkMs, () => {
      this.#check();
      this.#checkLater();
    });
  }

  /** Watches anew where a watch went deaf or its path leads elsewhere. What happened in between counts as a change. */
  #check(): void {
    const outdated = this.#watched
      .map((watched) => ({ watched, stat: statPath(watched.path), before: watched.identity }))
      .filter(({ watched, stat, before }) => watched.isStale || identityOf(stat) !== before);
    // All old watches end first: Bun shares one among those of a path, and a new one would be as deaf as the old.
    for (const { watched } of outdated) letGo(watched);
    for (const { watched, stat, before } of outdated) {
      this.#watch(watched, stat);
      if (this.#isStopped) return;
      if (watched.identity !== undefined || before !== undefined) this.options.onChange();
      if (watched.identity === undefined && before !== undefined) warnMissing(watched.path);
    }
  }

  #watch(watched: WatchedPath, stat: Stats | undefined): void {
    if (this.#isStopped || !stat) return;
    watched.handle = this.#open(watched, stat.isDirectory());
    if (this.#isStopped) letGo(watched);
    else watched.identity = watched.handle && identityOf(stat);
  }

  #open(watched: WatchedPath, isDirectory: boolean): WatchHandle | undefined {
    try {
      const handle = this.options.watch(watched.path, { recursive: true }, (event, filename) => {
        if (this.#isStopped) return;
        if (typeof filename !== "string" || (!isDirectory && event === "rename")) watched.isStale = true;
        else if (filename.split("/").some(isIgnored)) return;
        this.options.onChange();
      });
      handle.on("error", (error) => this.#failed(error));
      return handle;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    if (this.#isStopped || isGone(error)) return;
    this.stop();
    this.options.onTrouble(error);
  }
}

function letGo(watched: WatchedPath): void {
  watched.handle?.close();
  watched.handle = undefined;
  watched.identity = undefined;
  watched.isStale = false;
}

function identityOf(stat: Stats | undefined): string | undefined {
  return stat && `${stat.dev}:${stat.ino}`;
}
