/**
 * Sees changes by the kernel's events. Bun's recursive watch does most of it: it follows directories that are made,
 * renamed or moved in. What it misses (measured with Bun 1.4.5, compiled too) is told by an event without a file name
 * or by a look at the path itself, and answered by watching anew:
 *
 * - the path's directory was removed, or events were lost since too many waited: it is deaf from then on;
 * - the path's file was replaced: the old one stays watched;
 * - the path leads somewhere else now, by a rename or by a symbolic link: no event at all.
 *
 * A directory moved out of the tree stays watched until the tree is watched anew: a reload too many, at most.
 */
import type { Stats } from "node:fs";
import type { Clock } from "../clock.ts";
import { TreeWatch, type WatchFunction } from "./tree-watch.ts";
import { type IsIgnored, identityOf, statPath, warnIfMany, warnMissing } from "./watched-path.ts";

/** Milliseconds between looks at the paths themselves; one call of the kernel each. */
const checkMs = 200;

export interface EventWatcherOptions {
  readonly paths: readonly string[];
  readonly clock: Clock;
  readonly watch: WatchFunction;
  readonly isIgnored?: IsIgnored | undefined;
  readonly onChange: (path: string) => void;
  /** Watches cannot be had, or not all of them. This watcher has stopped when it is called; called once. */
  readonly onTrouble: (error: unknown) => void;
}

interface WatchedPath {
  readonly path: string;
  /** Which directory or file is watched; `undefined`: none, the path is missing. */
  identity: string | undefined;
  tree: TreeWatch | undefined;
  /** Whether the watch may have gone deaf. */
  isStale: boolean;
}

export class EventWatcher {
  readonly #watched: readonly WatchedPath[];
  #isStopped = false;
  #callOff: () => void = () => {};

  constructor(private readonly options: EventWatcherOptions) {
    this.#watched = options.paths.map((path) => ({ path, identity: undefined, tree: undefined, isStale: false }));
  }

  /** Watches all paths; those missing, once they appear. Resolves when all are watched, or at {@link stop}. */
  async start(): Promise<void> {
    const opened = this.#watched.map(async (watched) => {
      await this.#watch(watched, statPath(watched.path));
      if (this.#isStopped) return;
      if (watched.tree) warnIfMany(watched.path, watched.tree.directories, "directories");
      else warnMissing(watched.path);
    });
    this.#checkLater();
    await Promise.all(opened);
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
      .filter(({ watched, stat, before }) => watched.isStale || (stat && identityOf(stat)) !== before);
    // All old watches end first: Bun shares one among those of a path, and a new one would be as deaf as the old.
    for (const { watched } of outdated) letGo(watched);
    for (const { watched, stat, before } of outdated) {
      void this.#watch(watched, stat).then(() => {
        if (this.#isStopped) return;
        if (watched.tree || before !== undefined) this.options.onChange(watched.path);
        if (!watched.tree && before !== undefined) warnMissing(watched.path);
      });
    }
  }

  /** Resolves when all of it is watched; without a tree then, if nothing is there. */
  async #watch(watched: WatchedPath, stat: Stats | undefined): Promise<void> {
    if (this.#isStopped || !stat) return;
    const { clock, watch, isIgnored, onChange } = this.options;
    const tree = new TreeWatch(watched.path, stat.isDirectory(), {
      clock,
      watch,
      isIgnored,
      onChange,
      onDeaf: () => {
        watched.isStale = true;
      },
      onError: (error) => this.#failed(error),
    });
    watched.identity = identityOf(stat);
    watched.tree = tree;
    await tree.open();
    if (watched.tree === tree && !tree.isWatching) letGo(watched);
  }

  #failed(error: unknown): void {
    if (this.#isStopped) return;
    this.stop();
    this.options.onTrouble(error);
  }
}

function letGo(watched: WatchedPath): void {
  watched.tree?.close();
  watched.tree = undefined;
  watched.identity = undefined;
  watched.isStale = false;
}
