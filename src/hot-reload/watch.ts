/** Watching the function's code: `lifecycle.md` 6. Whatever goes wrong here is a warning, never the end. */
import { existsSync } from "node:fs";
import { release } from "node:os";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { Debounce } from "./debounce.ts";
import { EventWatcher, type WatchFunction } from "./event-watcher.ts";
import { PollingWatcher } from "./polling-watcher.ts";

/** Words of `LOCALSTACK_FILE_WATCHER_STRATEGY`. */
export type Strategy = "event" | "polling" | "auto";

export interface WatchOptions {
  /** Files or directories; one that does not exist is waited for. */
  readonly paths: readonly string[];
  readonly strategy: Strategy;
  readonly clock: Clock;
  /** Called once for each burst of changes. */
  readonly onChange: () => void;
  readonly kernelRelease?: string;
  readonly watchTree?: WatchFunction;
}

export interface CodeWatch {
  /** Resolves when every change from now on will be noticed. */
  readonly ready: Promise<void>;
  stop(): void;
}

/** Docker Desktop and WSL tell a container nothing of what the host changes. */
export function chooseStrategy(wanted: Strategy, kernelRelease: string): "event" | "polling" {
  if (wanted !== "auto") return wanted;
  return /linuxkit|WSL2/.test(kernelRelease) ? "polling" : "event";
}

/** Starts watching, in the background. Never throws. */
export function watchForChanges(options: WatchOptions): CodeWatch {
  const { paths, clock, onChange, kernelRelease = release(), watchTree } = options;
  const debounce = new Debounce(clock, onChange);
  const changed = () => debounce.changed();
  const running = new Set<{ stop(): void }>();
  let hasWarned = false;

  const poll = async (path: string): Promise<void> => {
    const watcher = new PollingWatcher(path, clock, changed);
    running.add(watcher);
    await watcher.start();
  };
  const listen = (path: string): void => {
    const watcher: EventWatcher = new EventWatcher(
      path,
      clock,
      changed,
      (error) => {
        running.delete(watcher);
        if (!hasWarned) log.warn(`changes are looked for instead of being told by the kernel: ${messageOf(error)}`);
        hasWarned = true;
        void poll(path);
      },
      watchTree,
    );
    running.add(watcher);
    watcher.start();
  };

  const strategy = chooseStrategy(options.strategy, kernelRelease);
  const roots = [...new Set(paths)];
  for (const path of roots) {
    if (!existsSync(path)) log.warn(`${path} is to be watched for changes and does not exist yet: it is waited for`);
  }
  const started = roots.map((path) => (strategy === "polling" ? poll(path) : listen(path)));
  const ready = Promise.all(started).then(
    () => {},
    (error) => log.warn(`watching for changes failed: ${messageOf(error)}`),
  );
  return {
    ready,
    stop() {
      debounce.stop();
      for (const watcher of running) watcher.stop();
    },
  };
}
