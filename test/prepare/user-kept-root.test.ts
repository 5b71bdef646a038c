import { describe, expect, test } from "bun:test";
import { FakeSystem, run } from "./fake-user-system.ts";

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
