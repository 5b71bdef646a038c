/** Notices changes by being told of them: inotify, through `fs.watch`, which follows new directories by itself. */
import { type FSWatcher, statSync, watch } from "node:fs";
import type { Clock } from "../clock.ts";
import { isOwnCache } from "./own-caches.ts";

/** Milliseconds between two looks whether the root is still the one that is watched. */
const rootCheckEveryMs = 1000;

/** The part of `fs.watch` used here, so that its trouble can be tested. */
export type WatchFunction = (
  path: string,
  options: { recursive: true },
  listener: (event: string, name: string | Buffer | null | undefined) => void,
) => Pick<FSWatcher, "close" | "on">;

export class EventWatcher {
  #watcher: ReturnType<WatchFunction> | undefined;
  /** Device and inode of the watched root; empty: there is none. */
  #identity = "";
  #callOff: (() => void) | undefined;
  #isStopped = false;

  /**
   * @param onTrouble watches cannot be had, or not enough of them: this watcher is of no more use
   */
  constructor(
    private readonly root: string,
    private readonly clock: Clock,
    private readonly onChange: () => void,
    private readonly onTrouble: (error: unknown) => void,
    private readonly watchTree: WatchFunction = watch as unknown as WatchFunction,
  ) {}

  start(): void {
    this.#arm();
    this.#checkRootLater();
  }

  stop(): void {
    this.#isStopped = true;
    this.#callOff?.();
    this.#watcher?.close();
  }

  #arm(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#identity = identityOf(this.root);
    if (this.#identity === "") return;
    try {
      const watcher = this.watchTree(this.root, { recursive: true }, (_, name) => {
        if (!name || !isOwnCache(name.toString())) this.onChange();
      });
      watcher.on("error", (error) => this.#give(error));
      this.#watcher = watcher;
    } catch (error) {
      this.#give(error);
    }
  }

  #give(error: unknown): void {
    if (this.#isStopped) return;
    this.stop();
    this.onTrouble(error);
  }

  /** A root that is removed, replaced or made later is nothing its watch tells of. */
  #checkRootLater(): void {
    if (this.#isStopped) return;
    this.#callOff = this.clock.after(rootCheckEveryMs, () => {
      if (identityOf(this.root) !== this.#identity) {
        this.#arm();
        this.onChange();
      }
      this.#checkRootLater();
    });
  }
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return "";
  }
}
