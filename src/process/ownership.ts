/**
 * Whose a process is: an owner's, if the owner launched it or it descends from one the owner launched
 * (`docs/contract/decisions.md 32`).
 *
 * While its ancestors live, the tree tells. When one of them ends, the kernel makes its children init's, and says
 * nothing about whose they were. And not all children of init are an owner's: an entrypoint script may have started a
 * process before it became init, and orphans of `docker exec` come to init as well. So init's children need evidence,
 * in what the kernel makes a process inherit:
 *
 * - its session, for each process is launched as the leader of one; a daemon leaves it;
 * - its `oom_score_adj`: each owner has one of its own, and a process keeps it unless it sets another (`oom-score.ts`);
 * - where the kernel allows no such score, the address of the Runtime API among its variables: only the owner's
 *   processes have it, but a program may overwrite its variables with a title.
 *
 * A process without evidence counts as a stranger: leaving one process too many is better than killing one of others.
 * One that is just becoming another program has no variables for a moment: it is undecided, and to be looked at again.
 */
import fs from "node:fs";
import type { Look } from "./end-all.ts";
import { giveBackScore, scoreOf, takeScore } from "./oom-score.ts";
import { read } from "./proc.ts";
import { childrenOf, isBecomingAnother, sessionOf, withDescendants } from "./tree.ts";

/** Children started with `Bun.spawn` that have not ended. Bun waits for these. */
const launched = new Map<number, Family>();

/**
 * The other children of init that are an owner's. Each stays until it was reaped: no pid is stale. Strangers are not kept:
 * a look that failed must not make one of ours a stranger for good.
 */
const orphans = new Map<number, Family>();

const families = new Set<Family>();

/** The processes of one owner. */
export class Family {
  /** What its processes are to be born with. */
  readonly oomScore = takeScore();
  readonly #sessions = new Set<number>();
  /** `NAME=value` */
  #variable: string | undefined;

  constructor() {
    families.add(this);
  }

  /** To be called in the same turn as `Bun.spawn`, before any SIGCHLD can be handled. */
  adopt(pid: number, env: Readonly<Record<string, string>>): void {
    launched.set(pid, this);
    this.#sessions.add(pid);
    const { AWS_LAMBDA_RUNTIME_API: address } = env;
    if (address) this.#variable = `AWS_LAMBDA_RUNTIME_API=${address}`;
  }

  /** All of its processes, ended but unreaped ones too. Those that come and go meanwhile may be missing. */
  look(): Look {
    const undecided: number[] = [];
    const roots = childrenOf(process.pid).filter((pid) => {
      const family = familyOf(pid);
      if (family === "undecided") undecided.push(pid);
      return family === this;
    });
    return { members: withDescendants(roots), undecided };
  }

  /** To be called when all members have ended: the numbers of their sessions may come back as somebody else's. */
  forgetSessions(): void {
    this.#sessions.clear();
    for (const [pid, family] of launched) if (family === this) this.#sessions.add(pid);
  }

  /** To be called when it has no members any more, and will have none. */
  dispose(): void {
    families.delete(this);
    giveBackScore(this.oomScore);
  }

  claims(pid: number): boolean | "undecided" {
    const session = sessionOf(pid);
    if (session !== undefined && this.#sessions.has(session)) return true;
    if (this.oomScore !== undefined) return scoreOf(pid) === this.oomScore;
    if (this.#variable === undefined) return false;
    const variables = variablesOf(pid);
    return variables === "undecided" ? variables : variables.includes(this.#variable);
  }
}

function familyOf(child: number): Family | "undecided" | undefined {
  const known = launched.get(child) ?? orphans.get(child);
  if (known) return known;
  let isUndecided = false;
  for (const family of families) {
    const claim = family.claims(child);
    if (claim === true) {
      orphans.set(child, family);
      return family;
    }
    isUndecided ||= claim === "undecided";
  }
  return isUndecided ? "undecided" : undefined;
}

/** How often init looks again, before it ends at once, whether those that were undecided still are: for some milliseconds. */
const lastLooks = 100;

/** Kills the processes of all owners, without waiting for their end: for an init that is about to end itself. */
export function killAllFamilies(): void {
  for (let looksLeft = lastLooks; looksLeft > 0; looksLeft--) {
    const looks = [...families].map((family) => family.look());
    for (const pid of looks.flatMap(({ members }) => members)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
    if (looks.every(({ undecided }) => undecided.length === 0)) return;
  }
}

/** Whether Bun waits for this child: reaping it would steal its exit status. */
export function isLaunched(pid: number): boolean {
  return launched.has(pid);
}

/** To be called once Bun has told how a launched process ended. */
export function releaseLaunched(pid: number): void {
  launched.delete(pid);
}

/** To be called once an orphan was reaped: its pid may be given to another process. */
export function forgetOrphan(pid: number): void {
  orphans.delete(pid);
}

/** What a process was started with, as far as we may look and it has not overwritten it. */
function variablesOf(pid: number): string[] | "undecided" {
  const variables = read(() => fs.readFileSync(`/proc/${pid}/environ`, "latin1"), undefined);
  return variables === "" && isBecomingAnother(pid) ? "undecided" : (variables ?? "").split("\0");
}
