import { describe, expect, test } from "bun:test";
import { FakeSystem, rootEntry, run } from "./fake-user-system.ts";

const ownEntry = "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n";
const ownShadow = "sbx_user1051:*:18313:0:99999:7:::\n";

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
