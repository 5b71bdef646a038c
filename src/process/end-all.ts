/** Ends everything the function has started, also what left its process group. */
import { type Clock, settlesWithin } from "../clock.ts";
import { log } from "../log.ts";
import { descendantsOf, isRunning } from "./tree.ts";

/**
 * Kills all descendants of init and waits until none is left, at most `budgetMs` milliseconds. Descendants that
 * detached themselves are found because init is their subreaper; those that fork meanwhile are found in the next round.
 * @returns whether all ended; if not, which ones is in the log
 */
export async function endAllProcesses(clock: Clock, budgetMs: number): Promise<boolean> {
  const deadline = clock.now() + budgetMs;
  for (let emptyLooks = 0; ; ) {
    const ended = nextChildEnd();
    const left = descendantsOf(process.pid).filter(isRunning);
    if (left.length === 0) {
      ended.forget();
      // A process that forked and ended during the walk hid its child from it; the second walk sees that.
      if (++emptyLooks === 2) return true;
      continue;
    }
    emptyLooks = 0;
    for (const pid of left) kill(pid);
    const remaining = deadline - clock.now();
    const inTime = remaining > 0 && (await settlesWithin(clock, remaining, ended.promise));
    ended.forget();
    if (!inTime) {
      log.warn(`these processes of the function did not end within ${budgetMs} ms of SIGKILL: ${left.join(", ")}`);
      return false;
    }
  }
}

/** A promise for the next SIGCHLD. It must be asked for before looking, or an end in between would be missed. */
function nextChildEnd(): { promise: Promise<void>; forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  // After the reaper's own turn, so that what has ended is gone from the tree when we look again.
  const onChildEnd = () => setImmediate(resolve);
  process.on("SIGCHLD", onChildEnd);
  return { promise, forget: () => process.off("SIGCHLD", onChildEnd) };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
