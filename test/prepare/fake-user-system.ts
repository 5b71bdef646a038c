/** A machine for tests of the user switch, and the switch on it. */
import { expect, spyOn } from "bun:test";
import { log } from "../../src/log.ts";
import { switchUser, UserSwitchError, type UserSystem } from "../../src/prepare/user.ts";

export const rootEntry = "root:x:0:0:root:/root:/bin/bash\n";

/** A machine with the rules of the kernel: root may take any id, anybody else only one of those it has. */
export class FakeSystem implements UserSystem {
  uid = 0;
  gid = 0;
  groups: readonly number[] = [0, 10];
  readonly files = new Map([
    ["/etc/passwd", rootEntry],
    ["/etc/shadow", "root:*:::::::\n"],
  ]);
  /** Everything that was to change something, in order, refused or not. */
  readonly calls: string[] = [];
  /** Calls that fail, by their name, and with what. */
  readonly failing = new Map<string, string>();
  /** Calls the kernel confirms and does not carry out. */
  readonly ignored = new Set<string>();
  /** Saved ids and kept capabilities: root can be had again. */
  givesRootBack = false;

  getuid = () => this.uid;
  geteuid = () => this.uid;
  getgid = () => this.gid;
  getegid = () => this.gid;
  getgroups = () => this.groups;

  setgroups(gids: readonly number[]): void {
    this.#change("setgroups", gids.join(), this.uid === 0, () => (this.groups = gids));
  }

  setgid(gid: number): void {
    this.#change("setgid", gid, this.uid === 0 || gid === this.gid, () => (this.gid = gid));
  }

  setuid(uid: number): void {
    const mayTakeIt = this.uid === 0 || uid === this.uid || this.givesRootBack;
    this.#change("setuid", uid, mayTakeIt, () => (this.uid = uid));
  }

  chown(path: string, uid: number, gid: number): void {
    this.#change("chown", `${path} ${uid}:${gid}`, this.uid === 0, () => {});
  }

  read(path: string): string | undefined {
    const failure = this.failing.get(`read ${path}`);
    if (failure) throw new Error(failure);
    return this.files.get(path);
  }

  append(path: string, text: string): void {
    this.#change(`append ${path}`, "", this.uid === 0, () => this.files.set(path, `${this.files.get(path)}${text}`));
  }

  #change(name: string, value: string | number, isAllowed: boolean, change: () => void): void {
    this.calls.push(`${name} ${value}`.trimEnd());
    const failure = this.failing.get(name) ?? (isAllowed ? undefined : "EPERM: Operation not permitted");
    if (failure) throw new Error(`${name === "setgroups" ? "setgid" : name}() failed: ${failure}`);
    if (!this.ignored.has(name)) change();
  }
}

/** What a switch came to. */
export interface Run {
  readonly result: ReturnType<typeof switchUser>;
  /** The message of the refusal; empty when there is none. */
  readonly refusal: string;
  readonly warnings: string[];
}

/** Asks for a switch, to AWS's user unless told otherwise. */
export function run(system: UserSystem, options: { user?: string; allowRoot?: boolean } = {}): Run {
  const warn = spyOn(log, "warn").mockImplementation((() => {}) as never);
  const warnings = () => warn.mock.calls.map((args) => args.join(" "));
  try {
    const result = switchUser({ user: "sbx_user1051", allowRoot: false, system, ...options });
    return { result, refusal: "", warnings: warnings() };
  } catch (error) {
    expect(error).toBeInstanceOf(UserSwitchError);
    return { result: undefined, refusal: (error as Error).message, warnings: warnings() };
  } finally {
    warn.mockRestore();
  }
}
