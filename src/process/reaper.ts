/** Orphans: descendants of the function whose parent ended. As PID 1 or subreaper they are ours to reap. */
import { log } from "../log.ts";
import { becomeSubreaper, reapEnded } from "./libc.ts";
import { childrenOf } from "./tree.ts";

/** Children started with `Bun.spawn`. Bun waits for these; reaping one here would steal its exit status from Bun. */
const ownChildren = new Set<number>();

/** To be called in the same turn as `Bun.spawn`, before any SIGCHLD can be handled. */
export function adoptChild(pid: number): void {
  ownChildren.add(pid);
}

/** To be called once Bun has told how the child ended. */
export function releaseChild(pid: number): void {
  ownChildren.delete(pid);
}

/** Takes in orphans, wherever in the container's process tree init stands, and reaps each when it ends. */
export function startReaping(): void {
  if (process.pid !== 1 && !becomeSubreaper()) {
    log.warn("the kernel refused to make init a subreaper: orphans of the function go to the container's PID 1");
  }
  process.on("SIGCHLD", () => {
    for (const pid of childrenOf(process.pid)) {
      if (!ownChildren.has(pid)) reapEnded(pid);
    }
  });
}
