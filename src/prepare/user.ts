/** Giving up root: the user a function runs as, `docs/contract/lifecycle.md 9.1`. */
import fs from "node:fs";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { settings } from "../settings/settings.ts";
import { addHostNames, type HostsSystem } from "./host-names.ts";

/** What of the machine a switch reads and changes. Given from outside, so that tests need no root. */
export interface UserSystem extends HostsSystem {
  getuid(): number;
  geteuid(): number;
  getgid(): number;
  getegid(): number;
  getgroups(): readonly number[];
  // These three change all threads of the process, and throw what the kernel says.
  setgroups(gids: readonly number[]): void;
  setgid(gid: number): void;
  setuid(uid: number): void;
  /** Follows a link. Throws what the kernel says, as do `read` and `append`. */
  chown(path: string, uid: number, gid: number): void;
}

export interface UserSwitchOptions {
  /** The name; empty or `root`: stay root. */
  readonly user: string;
  /** Go on as root where it cannot be given up. */
  readonly allowRoot: boolean;
  readonly system?: UserSystem;
}

/** The ids of a process. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** Root could not be given up, or the name is none. The message tells what was tried and what can be done. */
export class UserSwitchError extends Error {
  override name = "UserSwitchError";
}

/** The user AWS runs functions as. Any name that has no entry of its own gets these. */
const sandboxIds: UserIds = { uid: 993, gid: 990 };

const passwdFile = "/etc/passwd";
const shadowFile = "/etc/shadow";

/** What the tools that manage users accept, and what cannot break a line of the files. */
const userName = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

/**
 * Becomes the user the function is to run as, for good, if this process is root and a user is named. To be called
 * before anything listens and before the first process starts; all they make belongs to that user then.
 *
 * Afterwards the kernel lets nobody but root look into this process: not the function, which is the same user, and not
 * itself (`/proc/self/environ`). Pipes and terminals root made stay usable and cannot be opened anew by name.
 * @returns who this process now is; `undefined` when it stays who it was
 * @throws {UserSwitchError} when root cannot be given up and is not allowed, or when the name is none
 */
export function switchUser({ user, allowRoot, system = linux }: UserSwitchOptions): UserIds | undefined {
  if (system.getuid() !== 0 || user === "" || user === "root") return undefined;
  if (!userName.test(user)) {
    throw new UserSwitchError(
      `${settings.user.variable} is ${JSON.stringify(user)}: it must be a user's name, up to 32 letters, digits, ` +
        '"_", "-" and ".", beginning with a letter or "_"',
    );
  }
  const ids = findUser(user, system) ?? addUser(user, system);
  if (ids.uid === 0) {
    log.info(`${settings.user.variable}: ${user} has the uid 0 in ${passwdFile}, the function runs as root`);
    return undefined;
  }
  giveTmp(ids, system);
  addHostNames(system);

  const before = { gid: system.getgid(), groups: system.getgroups() };
  const problem = become(ids, system) ?? findLeftovers(ids, system);
  if (problem === undefined) return ids;
  const sentence = `root could not be given up to run the function as ${user} (uid ${ids.uid}, gid ${ids.gid}): ${problem}`;
  if (!allowRoot) {
    throw new UserSwitchError(
      `${sentence}. Give the container the capabilities SETUID and SETGID, or start it as that user ` +
        `(--user ${ids.uid}:${ids.gid}), or set ${settings.allowRoot.variable}=1 to run the function as root`,
    );
  }
  log.warn(`${sentence}. The function runs with what is left, since ${settings.allowRoot.variable} is set`);
  becomeGroups(before, system);
  return undefined;
}

/** The first entry of that name, as the C library finds it. */
function findUser(user: string, system: UserSystem): UserIds | undefined {
  let text: string;
  try {
    text = system.read(passwdFile) ?? "";
  } catch {
    return undefined; // The attempt to add an entry tells why.
  }
  for (const line of text.split("\n")) {
    const [name, , uid = "", gid = ""] = line.split(":");
    if (name === user && /^\d+$/.test(uid) && /^\d+$/.test(gid)) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** Makes the user known. The group files stay as they are: on AWS the group has no name either. */
function addUser(user: string, system: UserSystem): UserIds {
  const { uid, gid } = sandboxIds;
  addLine(passwdFile, `${user}:x:${uid}:${gid}::/home/${user}:/sbin/nologin`, system);
  addLine(shadowFile, `${user}:*:18313:0:99999:7:::`, system);
  return sandboxIds;
}

/** Adds an entry, unless the file is missing or has one of that name. */
function addLine(path: string, line: string, system: UserSystem): void {
  try {
    const text = system.read(path);
    if (text === undefined) return;
    const name = line.slice(0, line.indexOf(":") + 1);
    if (text.split("\n").some((other) => other.startsWith(name))) return;
    // Without a line end of its own, the last entry and this one would be one broken entry.
    const lineEnd = text === "" || text.endsWith("\n") ? "" : "\n";
    system.append(path, `${lineEnd}${line}\n`);
  } catch (error) {
    log.warn(`the function's user has no entry in ${path}, its processes may miss a user name: ${messageOf(error)}`);
  }
}

/** AWS's `/tmp` belongs to the user. What an image left in it stays as it is. */
function giveTmp({ uid, gid }: UserIds, system: UserSystem): void {
  try {
    system.chown("/tmp", uid, gid);
  } catch (error) {
    log.warn(`/tmp could not be given to uid ${uid}, the function may be unable to write there: ${messageOf(error)}`);
  }
}

/** @returns what failed, with nothing tried after it */
function become({ uid, gid }: UserIds, system: UserSystem): string | undefined {
  // In this order: without root neither groups nor group can be changed any more.
  return (
    attempt("setgroups", () => system.setgroups([gid])) ??
    attempt("setgid", () => system.setgid(gid)) ??
    attempt("setuid", () => system.setuid(uid))
  );
}

function attempt(call: string, action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    // Bun names `setgid` where it was `setgroups` that failed.
    return `${call}: ${messageOf(error).replace(/^\w+\(\) failed: /, "")}`;
  }
}

/** Asks the kernel whether anything of root is left. A switch that only seems to have worked is worse than none. */
function findLeftovers({ uid, gid }: UserIds, system: UserSystem): string | undefined {
  const uids = [system.getuid(), system.geteuid()];
  const gids = [system.getgid(), system.getegid(), ...system.getgroups()];
  if (uids.some((id) => id !== uid)) return `the uids are ${uids.join(" and ")} after the switch`;
  if (gids.some((id) => id !== gid)) return `the gids are ${gids.join(", ")} after the switch`;
  const refusal = attempt("setuid", () => system.setuid(0));
  return refusal === undefined ? "the kernel let this process take root back" : undefined;
}

/** After half a switch init would be root in another group: takes the old groups back where that is possible. */
function becomeGroups({ gid, groups }: { gid: number; groups: readonly number[] }, system: UserSystem): void {
  attempt("setgid", () => system.setgid(gid));
  attempt("setgroups", () => system.setgroups(groups));
}

/** The machine itself. Bun types these calls as missing on Windows; a missing one shows as an id that cannot be. */
const linux: UserSystem = {
  getuid: () => process.getuid?.() ?? -1,
  geteuid: () => process.geteuid?.() ?? -1,
  getgid: () => process.getgid?.() ?? -1,
  getegid: () => process.getegid?.() ?? -1,
  getgroups: () => process.getgroups?.() ?? [-1],
  setgroups: (gids) => process.setgroups?.([...gids]),
  setgid: (gid) => process.setgid?.(gid),
  setuid: (uid) => process.setuid?.(uid),
  chown: fs.chownSync,
  read(path) {
    try {
      // Byte for byte: an entry in some older encoding is as good as any.
      return fs.readFileSync(path, "latin1");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  },
  append: (path, text) => fs.appendFileSync(path, text),
};
