/** Ends everything the function has started, also what left its process group. */
import { type Clock, settlesWithin } from "../clock.ts";
import { log } from "../log.ts";
import { isRunning } from "./tree.ts";

/** Turns of the event loop after which a child that has ended is known to have ended. */
const childEndTurns = 4;

/**
 * Kills what `members` lists and waits until it lists nothing that runs, at most `budgetMs` milliseconds. Members that
 * fork meanwhile are found in the next round.
 * @returns whether all ended; if not, which ones is in the log
 */
export async function endAllProcesses(clock: Clock, budgetMs: number, members: () => number[]): Promise<boolean> {
  const deadline = clock.now() + budgetMs;
  for (;;) {
    const childEnd = watchChildEnd();
    try {
      const left = members().filter(isRunning);
      for (const pid of left) kill(pid);
      // A process that forks and ends during the walk hides its child from it. Then its own end asks for another walk.
      if (left.length === 0 && !(await childEnd.happensSoon())) return true;
      const remaining = deadline - clock.now();
      if (remaining <= 0 || !(await settlesWithin(clock, remaining, childEnd.promise))) {
        log.warn(`these processes of the function did not end within ${budgetMs} ms of SIGKILL: ${left.join(", ")}`);
        return false;
      }
    } finally {
      childEnd.forget();
    }
  }
}

/** Watches for the next SIGCHLD. To be called before the walk, or an end in between would be missed. */
function watchChildEnd() {
  const { promise, resolve } = Promise.withResolvers<void>();
  let hasHappened = false;
  const onChildEnd = () => {
    hasHappened = true;
    // After the reaper's own turn, so that what has ended is gone from the tree when we look again.
    setImmediate(resolve);
  };
  process.on("SIGCHLD", onChildEnd);
  return {
    promise,
    async happensSoon(): Promise<boolean> {
      for (let turn = 0; turn < childEndTurns && !hasHappened; turn++) await new Promise(setImmediate);
      return hasHappened;
    },
    forget: () => process.off("SIGCHLD", onChildEnd),
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
