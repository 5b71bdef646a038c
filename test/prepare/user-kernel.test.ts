/** The switch on the real kernel, in a mount namespace with user files and a `/tmp` of its own. Needs root. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { start } from "../process/children.ts";
import { hasNamespaces } from "../support/namespaces.ts";
import { ownTmp } from "../support/own-tmp.ts";
import { within } from "../support/within.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(`${tmpdir()}/init-user-`);
  writeFileSync(`${root}/passwd`, "root:x:0:0::/root:/bin/sh");
  writeFileSync(`${root}/shadow`, "root:*:::::::", { mode: 0 });
  writeFileSync(`${root}/hosts`, "127.0.0.1 localhost\n");
  mkdirSync(`${root}/tmp`, { mode: 0o700 });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Outcome {
  result?: unknown;
  refusal?: string;
  warnings: string[];
  /** One line for each thread, equal ones once: `Uid`, `Gid`, `Groups` and `CapEff` of its status file. */
  threads: string[];
  /** What a child that was started afterwards said. */
  child: string;
}

/** Switches in a process apart. @param isolation options of `unshare`. @param before shell commands run in the namespace */
async function switchApart(options: object, isolation = ["--mount"], before = ""): Promise<Outcome> {
  const source = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).pathname);
  const script = `
    import { readdirSync, readFileSync } from "node:fs";
    import { log } from ${source("log.ts")};
    import { systemClock } from ${source("clock.ts")};
    import { Owner } from ${source("process/owner.ts")};
    import { switchUser } from ${source("prepare/user.ts")};
    const outcome = { warnings: [], child: "" };
    log.warn = (...args) => void outcome.warnings.push(args.join(" "));
    // More threads than one: file access, a server, a worker of the engine.
    await Bun.file("/proc/self/status").text();
    try {
      outcome.result = switchUser(${JSON.stringify(options)});
    } catch (error) {
      outcome.refusal = error.name + ": " + error.message;
    }
    const threads = readdirSync("/proc/self/task").map((thread) =>
      readFileSync("/proc/self/task/" + thread + "/status", "utf8")
        .match(/^(Uid|Gid|Groups|CapEff):.*$/gm).join(" ").replace(/\\s+/g, " "));
    outcome.threads = [...new Set(threads)];
    const child = new Owner(systemClock).launch({
      command: ["sh", "-c", "echo out > /dev/stdout; echo err > /dev/stderr; echo fd > /proc/self/fd/1; echo > /tmp/file && id -un"],
      cwd: "/",
      env: { PATH: process.env.PATH },
      receiveOutput: () => (chunk) => { outcome.child += Buffer.from(chunk).toString(); },
    });
    await child.exited;
    await child.drain();
    process.stdout.write(JSON.stringify(outcome), () => process.exit(0));`;
  writeFileSync(`${root}/script.ts`, script);
  const mounts = `
    for name in passwd shadow hosts; do mount --bind ${root}/$name /etc/$name || exit 1; done
    ${before}
    script=$(cat ${root}/script.ts)
    { ${ownTmp(`${root}/tmp`)}; } || exit 1
    exec "$0" -e "$script"`;
  const child = start(["unshare", ...isolation, "sh", "-c", mounts, process.execPath]);
  await within(20_000, "the end of the switch", child.exited);
  await child.drain();
  // Nothing else was written, no error in particular.
  return JSON.parse(child.output());
}

const sandboxStatus = "Uid: 993 993 993 993 Gid: 990 990 990 990 Groups: 990 CapEff: 0000000000000000";

describe.skipIf(!hasNamespaces)("on the real kernel (the test needs root and mounts)", () => {
  test("all threads and children are the user, who can write /tmp and open its outputs anew", async () => {
    const { threads, child, ...rest } = await switchApart({ user: "sbx_user1051", allowRoot: false });
    expect(rest).toEqual({ result: { uid: 993, gid: 990 }, warnings: [] });
    expect(threads).toEqual([sandboxStatus]);
    expect(child.split("\n").sort()).toEqual(["", "err", "fd", "out", "sbx_user1051"]);
    expect(statSync(`${root}/tmp`)).toMatchObject({ uid: 993, gid: 990 });
  });

  test("starting twice leaves the files as the first start made them", async () => {
    for (let starts = 0; starts < 2; starts++) {
      await switchApart({ user: "me", allowRoot: false });
      expect(readFileSync(`${root}/passwd`, "utf8")).toBe(
        "root:x:0:0::/root:/bin/sh\nme:x:993:990::/home/me:/sbin/nologin\n",
      );
      expect(readFileSync(`${root}/shadow`, "utf8")).toBe("root:*:::::::\nme:*:18313:0:99999:7:::\n");
      expect(readFileSync(`${root}/hosts`, "utf8")).toBe(
        "127.0.0.1 localhost\n127.0.0.1\tsandbox sandbox.localdomain\n",
      );
    }
  });

  test("a read-only /etc costs the name and nothing else", async () => {
    const readOnly = "for name in passwd shadow hosts; do mount -o remount,bind,ro /etc/$name; done";
    const { result, threads, warnings } = await switchApart({ user: "me", allowRoot: false }, ["--mount"], readOnly);
    expect(result).toEqual({ uid: 993, gid: 990 });
    expect(threads).toEqual([sandboxStatus]);
    expect(warnings).toHaveLength(2);
    for (const warning of warnings) expect(warning).toContain("EROFS");
  });

  describe("where the kernel refuses", () => {
    // A user namespace that knows root only.
    const rootOnly = ["--user", "--map-root-user", "--mount"];

    test("init is told to stop", async () => {
      const { result, refusal } = await switchApart({ user: "me", allowRoot: false }, rootOnly);
      expect(result).toBeUndefined();
      expect(refusal).toStartWith("UserSwitchError: root could not be given up to run the function as me");
      expect(refusal).toContain(": setgroups: EPERM");
    });

    test("it goes on as root if that is allowed", async () => {
      const { result, refusal, warnings, threads } = await switchApart({ user: "me", allowRoot: true }, rootOnly);
      expect([result, refusal]).toEqual([undefined, undefined]);
      expect(warnings.join("\n")).toContain("root could not be given up");
      expect(threads).toHaveLength(1);
      expect(threads[0]).toStartWith("Uid: 0 0 0 0 Gid: 0 0 0 0 ");
    });
  });
});
