/** Tells when the code of a function changed, so that it can be loaded anew. Knows nothing of who loads it. */
import fs from "node:fs";
import { release } from "node:os";
import nodePath from "node:path";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { Debounce } from "./debounce.ts";
import { EventWatcher } from "./event-watcher.ts";
import { PollingWatcher } from "./polling-watcher.ts";
import type { WatchFunction } from "./tree-watch.ts";
import { type IsIgnored, isIgnored } from "./watched-path.ts";

export interface WatchOptions {
  /** Directories and files, or symbolic links to them. Those missing are taken up once they appear. */
  readonly paths: readonly string[];
  /** Names that are no code beside those that never are. */
  readonly isIgnored?: IsIgnored;
  readonly strategy: "event" | "polling" | "auto";
  readonly clock: Clock;
  /** The kernel's release, which tells a virtual machine of Docker Desktop; by default this machine's. */
  readonly kernelRelease?: string;
  /**
   * Called 500 ms after the last change of a series, at most 2 s after its first. Nothing is called at start.
   * @param path of the first change, as far as that is known: it may be the one that is watched
   */
  readonly onChange: (path: string) => void;
  /** Ends everything, as `stop` does. */
  readonly signal?: AbortSignal;
}

export interface Watching {
  /** Ends everything at once: no call, timer or watch is left. */
  stop(): void;
  /** Resolves when every change from now on is seen, or at `stop`. Never rejects. */
  readonly ready: Promise<void>;
}

/** Virtual machines that share the host's files, but tell of none of its changes (`docs/contract/lifecycle.md 6`). */
const withoutEvents = /linuxkit|WSL2/;

export function chooseStrategy(strategy: WatchOptions["strategy"], kernelRelease: string): "event" | "polling" {
  if (strategy !== "auto") return strategy;
  return withoutEvents.test(kernelRelease) ? "polling" : "event";
}

/** Milliseconds within which Bun tells of directories it could not watch; it takes less than one. */
const lateErrorsMs = 10;

/**
 * Starts watching in the background; never throws, never ends the process: any trouble is a warning.
 * @param watch stands in for `fs.watch` in tests
 */
export function watchForChanges(options: WatchOptions, watch: WatchFunction = fs.watch): Watching {
  const { clock } = options;
  const paths = [...new Set(options.paths.map((path) => nodePath.resolve(path)))];
  const isLeftOut = (name: string) => isIgnored(name) || (options.isIgnored?.(name) ?? false);
  const ready = Promise.withResolvers<void>();
  let firstChange: string | undefined;
  const debounce = new Debounce(clock, () => {
    const path = firstChange ?? (paths[0] as string);
    firstChange = undefined;
    callSafely(() => options.onChange(path));
  });
  const changed = (path: string) => {
    firstChange ??= path;
    debounce.changed();
  };
  let isStopped = false;
  let isPolling = false;
  let stopWatcher = () => {};

  function startPolling(): void {
    isPolling = true;
    const wasChanging = debounce.isPending;
    const watcher = new PollingWatcher(paths, clock, changed, isLeftOut);
    stopWatcher = () => watcher.stop();
    watcher.start().then(() => {
      // What changed since events failed is part of the first look, and with that would never be seen.
      if (wasChanging && !isStopped) debounce.changed();
      ready.resolve();
    });
  }

  function startEvents(): void {
    const onTrouble = (error: unknown) => {
      log.warn(`hot reload: files are looked at regularly, since events cannot be had for all: ${messageOf(error)}`);
      startPolling();
    };
    const watcher = new EventWatcher({ paths, clock, watch, isIgnored: isLeftOut, onChange: changed, onTrouble });
    stopWatcher = () => watcher.stop();
    watcher.start().then(() => {
      if (isStopped || isPolling) return;
      callOff = clock.after(lateErrorsMs, () => {
        if (!isPolling) ready.resolve();
      });
    });
  }

  let callOff = clock.after(0, () => {
    const strategy = chooseStrategy(options.strategy, options.kernelRelease ?? release());
    if (strategy === "polling") startPolling();
    else startEvents();
  });

  const stop = () => {
    isStopped = true;
    callOff();
    stopWatcher();
    debounce.stop();
    ready.resolve();
    options.signal?.removeEventListener("abort", stop);
  };
  options.signal?.addEventListener("abort", stop);
  if (options.signal?.aborted) stop();
  return { ready: ready.promise, stop };
}

/** Whatever the receiver throws, now or later, is no reason to end. */
function callSafely(action: () => unknown): void {
  Promise.try(action).catch((error: unknown) => log.warn("hot reload failed:", error));
}
