/** Ends everything the function has started, also what left its process group. */
import { type Clock, settlesWithin } from "../clock.ts";
import { log } from "../log.ts";
import { isRunning } from "./tree.ts";

/** What there is at one moment. */
export interface Look {
  /** Parents before children. */
  readonly members: number[];
  /** Children of init of which cannot be told yet whether they are members. */
  readonly undecided: number[];
}

/** After this long, in milliseconds, those that were undecided are looked at again: no signal tells of a decision. */
const undecidedMs = 1;

/** Turns of the event loop after which a child that has ended is known to have ended. */
const childEndTurns = 4;

/**
 * Kills the members that `look` finds and waits until it finds none that runs and nothing undecided, at most `budgetMs`
 * milliseconds. Members that fork meanwhile are found in the next round.
 * @returns whether all ended; if not, which ones is in the log
 */
export async function endAllProcesses(clock: Clock, budgetMs: number, look: () => Look): Promise<boolean> {
  const deadline = clock.now() + budgetMs;
  for (;;) {
    const childEnd = watchChildEnd();
    try {
      const { members, undecided } = look();
      const left = members.filter(isRunning);
      for (const pid of left) kill(pid);
      // A process that forks and ends during the walk hides its child from it. Then its own end asks for another walk.
      if (left.length === 0 && undecided.length === 0 && !(await childEnd.happensSoon())) return true;
      const remaining = deadline - clock.now();
      if (remaining > 0) {
        const isUndecided = undecided.length > 0;
        const waitMs = isUndecided ? Math.min(undecidedMs, remaining) : remaining;
        if ((await settlesWithin(clock, waitMs, childEnd.promise)) || isUndecided) continue;
      }
      if (left.length > 0) {
        log.warn(`these processes of the function did not end within ${budgetMs} ms of SIGKILL: ${left.join(", ")}`);
      }
      if (undecided.length > 0) {
        const pids = undecided.join(", ");
        log.warn(`whose these processes are could not be told within ${budgetMs} ms, so they were left alone: ${pids}`);
      }
      return false;
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
