/**
 * How eager the kernel is to kill a process when memory runs out: `oom_score_adj`, which every descendant inherits.
 * https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html
 */
import fs from "node:fs";
import { read } from "./proc.ts";

/** High enough for the smallest process that bears it to be killed before init, whatever init's size. */
const lowest = 900;
const highest = 1000;

/** Opened at start: after init has given up root, the file still belongs to root. */
const ownFile = openOwn();
const ownScore = scoreOf("self");

const taken = new Set<number>();

/**
 * A score that no other has taken, above init's own: what bears it is killed before init is.
 * @returns `undefined` when the kernel lets us set none, or all above init's own are taken: Kubernetes' "best effort"
 * containers have the highest themselves
 */
export function takeScore(): number | undefined {
  if (ownFile === undefined || ownScore === undefined) return undefined;
  for (let score = Math.max(lowest, ownScore + 1); score <= highest; score++) {
    if (taken.has(score)) continue;
    taken.add(score);
    return score;
  }
  return undefined;
}

/** To be called when no process with this score is left. */
export function giveBackScore(score: number | undefined): void {
  if (score !== undefined) taken.delete(score);
}

/**
 * Starts a process that has the score from its first instruction on, and so has whatever it forks at once: init raises
 * its own score for the moment of the start. Neither raising it nor going back to where it was needs a privilege.
 */
export function bearing<T>(score: number | undefined, start: () => T): T {
  if (score === undefined || !setOwn(score)) return start();
  try {
    return start();
  } finally {
    setOwn(ownScore as number);
  }
}

/** The score of a process; `undefined` once it is gone. */
export function scoreOf(pid: number | "self"): number | undefined {
  return read(() => Number(fs.readFileSync(`/proc/${pid}/oom_score_adj`, "latin1")), undefined);
}

function openOwn(): number | undefined {
  try {
    return fs.openSync("/proc/self/oom_score_adj", "w");
  } catch {
    return undefined;
  }
}

function setOwn(score: number): boolean {
  try {
    fs.writeSync(ownFile as number, String(score), 0);
    return true;
  } catch {
    return false;
  }
}
