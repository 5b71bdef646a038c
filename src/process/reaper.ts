/** Orphans: descendants of the function whose parent ended. As PID 1 or subreaper they are ours to reap. */
import { log } from "../log.ts";
import { becomeSubreaper, reapEnded } from "./libc.ts";
import { forgetOrphan, isLaunched } from "./ownership.ts";
import { childrenOf } from "./tree.ts";

/** Takes in orphans, wherever in the container's process tree init stands, and reaps each when it ends. */
export function startReaping(): void {
  if (process.pid !== 1 && !becomeSubreaper()) {
    log.warn("the kernel refused to make init a subreaper: orphans of the function go to the container's PID 1");
  }
  process.on("SIGCHLD", () => {
    for (const pid of childrenOf(process.pid)) {
      if (!isLaunched(pid) && reapEnded(pid)) forgetOrphan(pid);
    }
  });
}
