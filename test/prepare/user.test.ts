import { describe, expect, spyOn, test } from "bun:test";
import { log } from "../../src/log.ts";
import { switchUser, UserSwitchError, type UserSystem } from "../../src/prepare/user.ts";

const rootEntry = "root:x:0:0:root:/root:/bin/bash\n";
const ownEntry = "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n";
const ownShadow = "sbx_user1051:*:18313:0:99999:7:::\n";

/** A machine with the rules of the kernel: root may take any id, anybody else only one of those it has. */
class FakeSystem implements UserSystem {
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

interface Run {
  readonly result: ReturnType<typeof switchUser>;
  /** The message of the refusal; empty when there is none. */
  readonly refusal: string;
  readonly warnings: string[];
}

function run(system: UserSystem, options: { user?: string; allowRoot?: boolean } = {}): Run {
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

describe("the switch", () => {
  test("makes the user known, gives it /tmp, and leaves groups, group and root in that order", () => {
    const system = new FakeSystem();
    expect(run(system)).toEqual({ result: { uid: 993, gid: 990 }, refusal: "", warnings: [] });
    expect(system.calls).toEqual([
      "append /etc/passwd",
      "append /etc/shadow",
      "chown /tmp 993:990",
      "setgroups 990",
      "setgid 990",
      "setuid 993",
      "setuid 0",
    ]);
    expect([system.uid, system.gid, system.groups]).toEqual([993, 990, [990]]);
    expect(system.files.get("/etc/passwd")).toBe(rootEntry + ownEntry);
    expect(system.files.get("/etc/shadow")).toBe(`root:*:::::::\n${ownShadow}`);
  });

  test.each(["", "root"])("is not for the name %j", (user) => {
    const system = new FakeSystem();
    expect(run(system, { user })).toEqual({ result: undefined, refusal: "", warnings: [] });
    expect(system.calls).toEqual([]);
  });

  test("is not for a container that started without root, whatever the name", () => {
    const system = new FakeSystem();
    system.uid = 1000;
    for (const user of ["sbx_user1051", "a:b"]) {
      expect(run(system, { user })).toEqual({ result: undefined, refusal: "", warnings: [] });
    }
    expect(system.calls).toEqual([]);
  });

  test("to a name that is root under another name changes nothing", () => {
    const system = new FakeSystem();
    system.files.set("/etc/passwd", `${rootEntry}toor:x:0:0::/root:/bin/sh\n`);
    expect(run(system, { user: "toor" })).toEqual({ result: undefined, refusal: "", warnings: [] });
    expect(system.calls).toEqual([]);
  });

  test.each(["a:b", "a\nb", "a\n", "-a", "1000", "a b", "a/b", "ä", "a\0", "x".repeat(33), " "])(
    "to the name %j is refused, with root allowed too",
    (user) => {
      for (const allowRoot of [false, true]) {
        const system = new FakeSystem();
        const { refusal } = run(system, { user, allowRoot });
        expect(refusal).toStartWith(`LOCALSTACK_USER is ${JSON.stringify(user)}: it must be a user's name`);
        expect(system.calls).toEqual([]);
      }
    },
  );

  test.each(["a", "_a", "Al.ice-2_x", "x".repeat(32)])("to the name %j is done", (user) => {
    const system = new FakeSystem();
    expect(run(system, { user }).result).toEqual({ uid: 993, gid: 990 });
    expect(system.files.get("/etc/passwd")).toBe(`${rootEntry}${user}:x:993:990::/home/${user}:/sbin/nologin\n`);
  });
});

describe("a name in passwd", () => {
  test("brings its own ids, for /tmp too, and nothing is added", () => {
    const system = new FakeSystem();
    const passwd = `${rootEntry}nobody:x:65534:65533:Nobody:/:/sbin/nologin`;
    system.files.set("/etc/passwd", passwd);
    expect(run(system, { user: "nobody" }).result).toEqual({ uid: 65534, gid: 65533 });
    expect(system.calls).toEqual([
      "chown /tmp 65534:65533",
      "setgroups 65533",
      "setgid 65533",
      "setuid 65534",
      "setuid 0",
    ]);
    expect(system.files.get("/etc/passwd")).toBe(passwd);
  });

  test("counts where it stands first", () => {
    const system = new FakeSystem();
    system.files.set("/etc/passwd", "a:x:1:2:::\na:x:3:4:::\n");
    expect(run(system, { user: "a" }).result).toEqual({ uid: 1, gid: 2 });
  });

  test.each(["ab:x:1:2:::", "#a:x:1:2:::", "b:a:1:2:::", "a", "a:x:one:2:::", "a:x::2:::", "a:x:-1:2:::"])(
    "is not taken from %j",
    (line) => {
      const system = new FakeSystem();
      system.files.set("/etc/passwd", `${line}\n`);
      expect(run(system, { user: "a" }).result).toEqual({ uid: 993, gid: 990 });
    },
  );

  test("of somebody else with the uid 993 does not keep the user from being added", () => {
    const system = new FakeSystem();
    system.files.set("/etc/passwd", "other:x:993:5:::\n");
    expect(run(system).result).toEqual({ uid: 993, gid: 990 });
    expect(system.files.get("/etc/passwd")).toBe(`other:x:993:5:::\n${ownEntry}`);
  });
});

describe("an entry", () => {
  test("stands on a line of its own where the file does not end in one", () => {
    const system = new FakeSystem();
    system.files.set("/etc/passwd", rootEntry.trimEnd()).set("/etc/shadow", "root:*:::::::");
    run(system);
    expect(system.files.get("/etc/passwd")).toBe(rootEntry + ownEntry);
    expect(system.files.get("/etc/shadow")).toBe(`root:*:::::::\n${ownShadow}`);
  });

  test("is the first line of an empty file", () => {
    const system = new FakeSystem();
    system.files.set("/etc/passwd", "").set("/etc/shadow", "");
    run(system);
    expect([...system.files.values()]).toEqual([ownEntry, ownShadow]);
  });

  test("is added once, however often init starts; one for each name", () => {
    const system = new FakeSystem();
    for (const user of ["sbx_user1051", "sbx_user1051", "other", "sbx_user1051"]) {
      system.uid = 0;
      run(system, { user });
    }
    expect(system.files.get("/etc/passwd")).toBe(`${rootEntry}${ownEntry}other:x:993:990::/home/other:/sbin/nologin\n`);
    expect(system.files.get("/etc/shadow")).toBe(`root:*:::::::\n${ownShadow}other:*:18313:0:99999:7:::\n`);
  });

  test("in shadow is not added where there is one of that name", () => {
    const system = new FakeSystem();
    system.files.set("/etc/shadow", "sbx_user1051:!::::::\n");
    run(system);
    expect(system.files.get("/etc/shadow")).toBe("sbx_user1051:!::::::\n");
  });

  test("makes no file that is not there", () => {
    const system = new FakeSystem();
    system.files.clear();
    expect(run(system)).toEqual({ result: { uid: 993, gid: 990 }, refusal: "", warnings: [] });
    expect(system.files.size).toBe(0);
  });
});

describe("a warning, and the switch goes on,", () => {
  test("where the files cannot be written", () => {
    const system = new FakeSystem();
    system.failing.set("append /etc/passwd", "EROFS: read-only file system").set("append /etc/shadow", "EROFS");
    const { result, warnings } = run(system);
    expect(result).toEqual({ uid: 993, gid: 990 });
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain("no entry in /etc/passwd");
    expect(warnings[0]).toContain("EROFS: read-only file system");
    expect(warnings[1]).toContain("no entry in /etc/shadow");
  });

  test("where passwd cannot be read; it is not written blindly either", () => {
    const system = new FakeSystem();
    system.failing.set("read /etc/passwd", "EACCES: permission denied");
    const { result, warnings } = run(system);
    expect(result).toEqual({ uid: 993, gid: 990 });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("EACCES: permission denied");
    expect(system.calls).not.toContain("append /etc/passwd");
  });

  test("where /tmp cannot be given away", () => {
    const system = new FakeSystem();
    system.failing.set("chown", "EROFS: read-only file system");
    const { result, warnings } = run(system);
    expect(result).toEqual({ uid: 993, gid: 990 });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith("/tmp could not be given to uid 993");
  });
});

describe("where root cannot be given up", () => {
  /** What keeps it, and what the message says. */
  const obstacles: [name: string, says: string, obstruct: (system: FakeSystem) => void][] = [
    ["setgroups fails", "setgroups: EPERM", (system) => system.failing.set("setgroups", "EPERM")],
    ["setgid fails", "setgid: EINVAL", (system) => system.failing.set("setgid", "EINVAL")],
    ["setuid fails", "setuid: EPERM", (system) => system.failing.set("setuid", "EPERM")],
    ["the uid stays", "the uids are 0 and 0 after the switch", (system) => system.ignored.add("setuid")],
    ["the gid stays", "the gids are 0, 0, 990 after the switch", (system) => system.ignored.add("setgid")],
    ["the groups stay", "the gids are 990, 990, 0, 10 after the switch", (system) => system.ignored.add("setgroups")],
    [
      "the effective uid stays",
      "the uids are 993 and 0 after the switch",
      (system) => Object.assign(system, { geteuid: () => 0 }),
    ],
    [
      "the effective gid stays",
      "the gids are 990, 0, 990 after the switch",
      (system) => Object.assign(system, { getegid: () => 0 }),
    ],
    [
      "root can be had again",
      "the kernel let this process take root back",
      (system) => Object.assign(system, { givesRootBack: true }),
    ],
  ];

  test.each(obstacles)("because %s, the message says so and what to do", (_, says, obstruct) => {
    const system = new FakeSystem();
    obstruct(system);
    const { refusal } = run(system);
    expect(refusal).toStartWith(
      `root could not be given up to run the function as sbx_user1051 (uid 993, gid 990): ${says}`,
    );
    expect(refusal).toContain("Give the container the capabilities SETUID and SETGID");
    expect(refusal).toContain("--user 993:990");
    expect(refusal).toContain("LOCALSTACK_ALLOW_ROOT=1");
  });

  test.each(obstacles)("because %s, it is a warning if root is allowed", (_, says, obstruct) => {
    const system = new FakeSystem();
    obstruct(system);
    const { result, refusal, warnings } = run(system, { allowRoot: true });
    expect({ result, refusal }).toEqual({ result: undefined, refusal: "" });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(says);
    expect(warnings[0]).toContain("LOCALSTACK_ALLOW_ROOT");
  });

  test("nothing is tried after the first failure", () => {
    const system = new FakeSystem();
    system.failing.set("setgroups", "EPERM");
    run(system);
    expect(system.calls.at(-1)).toBe("setgroups 990");
  });

  test("and root is allowed, it gets its groups back", () => {
    const system = new FakeSystem();
    system.failing.set("setuid", "EPERM");
    run(system, { allowRoot: true });
    expect([system.uid, system.gid, system.groups]).toEqual([0, 0, [0, 10]]);
  });
});
