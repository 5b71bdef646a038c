/** The descendants of a process, from `/proc`. */
import fs from "node:fs";
import { read } from "./proc.ts";

/**
 * All living and ended-but-unreaped descendants of `root`, without it, parents before children. Processes that come and
 * go meanwhile may be missing: a caller that must catch all asks until there are none.
 */
export function descendantsOf(root: number): number[] {
  return withDescendants(childrenOf(root));
}

/** The processes given, and their descendants behind them. */
export function withDescendants(roots: readonly number[]): number[] {
  const found = [...roots];
  for (let at = 0; at < found.length; at++) found.push(...childrenOf(found[at] as number));
  return found;
}

/** The children of `pid`, whichever of its threads started them. */
export function childrenOf(pid: number): number[] {
  if (!hasChildrenFiles()) return childrenByScan(pid);
  return read(() => fs.readdirSync(`/proc/${pid}/task`), []).flatMap((thread) =>
    // One thread that ends meanwhile must not cost the children of the others.
    read(() => numbersIn(fs.readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")), []),
  );
}

/** Whether the kernel lists the children of a thread: those built without checkpointing do not. */
let childrenFiles: boolean | undefined;

function hasChildrenFiles(): boolean {
  childrenFiles ??= fs.existsSync(`/proc/self/task/${process.pid}/children`);
  return childrenFiles;
}

function childrenByScan(parent: number): number[] {
  return numbersIn(read(() => fs.readdirSync("/proc"), []).join(" ")).filter((pid) => parentOf(pid) === parent);
}

/** Whether a process still runs: one that has ended but was not reaped does not. */
export function isRunning(pid: number): boolean {
  return isRunningState(statOf(pid)?.[0]);
}

/** Whether the state is that of a process that runs. */
function isRunningState(state: string | undefined): boolean {
  return state !== undefined && state !== "Z" && state !== "X";
}

function parentOf(pid: number): number | undefined {
  const parent = statOf(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** The session a process is in; `undefined` once the process is gone. */
export function sessionOf(pid: number): number | undefined {
  const session = statOf(pid)?.[3];
  return session === undefined ? undefined : Number(session);
}

/**
 * Whether a process whose variables were read as none is in the midst of `execve`, or was then, or is just ending: what holds
 * of it shows in a moment. In `execve` the kernel first sets where the variables begin and end to the same place, then where
 * they really end, then where the code ends (`load_elf_binary` in
 * https://github.com/torvalds/linux/blob/master/fs/binfmt_elf.c): before the last step nothing follows from it.
 */
export function isBecomingAnother(pid: number): boolean {
  const stat = statOf(pid);
  if (stat === undefined || !isRunningState(stat[0])) return false;
  const [endOfCode, start, end] = [stat[24], stat[47], stat[48]];
  return endOfCode === "0" || start !== end;
}

/** The fields of `/proc/PID/stat` from the state on; `undefined` once the process is gone. */
function statOf(pid: number): string[] | undefined {
  const stat = read(() => fs.readFileSync(`/proc/${pid}/stat`, "latin1"), "");
  // The name, in parentheses, may hold blanks and parentheses itself: fields count from the last one.
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function numbersIn(text: string): number[] {
  return (text.match(/\b\d+\b/g) ?? []).map(Number);
}
