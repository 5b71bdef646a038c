import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { ownTmp } from "../support/own-tmp.ts";
import { fixture, type Init, isRoot, type StartOptions, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

const withRoot = test.skipIf(!isRoot);

/** A container's files, as far as the switch looks at them: the machine's own are out of its sight. */
function startAsRoot(
  user: string | undefined,
  options: StartOptions & { passwd?: string; hosts?: string; command?: string[]; before?: string } = {},
) {
  const files = mkdtempSync(`${tmpdir()}/init-user-`);
  chmodSync(files, 0o755);
  writeFileSync(`${files}/passwd`, options.passwd ?? "root:x:0:0:root:/root:/bin/sh");
  writeFileSync(`${files}/shadow`, "root:*:18313:0:99999:7:::\n");
  writeFileSync(`${files}/hosts`, options.hosts ?? "127.0.0.1\tlocalhost\n");
  mkdirSync(`${files}/tmp`);
  const mounts = ["passwd", "shadow", "hosts"].map((name) => `mount --bind "$0/${name}" /etc/${name}`).join(" && ");
  const script = `${mounts} && ${ownTmp(`${files}/tmp`)}`;
  // As text: the checkout may be out of that user's reach.
  const init = startInit(options.command ?? ["sh", "-c", readFileSync(fixture("shows-its-user.sh"), "utf8")], {
    ...options,
    cwd: "/",
    prefix: [
      "unshare",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "sh",
      "-c",
      `${script} && ${options.before ?? "true"} && exec "$@"`,
      files,
    ],
    env: { LOCALSTACK_USER: user, ...options.env },
  });
  return { init, files };
}

/** What the runtime, a shell, said of itself before it went on to exit with 42. */
async function said(init: Init): Promise<string> {
  await init.exited();
  return init.stdout;
}

describe("the function", () => {
  withRoot("runs as AWS's user, with nothing left of root, and may reopen its outputs", async () => {
    const { init, files } = startAsRoot(undefined);
    const text = await said(init);
    expect(text).toContain("uid=993(sbx_user1051) gid=990 groups=990");
    expect(text).toContain("CapEff:\t0000000000000000");
    expect(text).toContain("by name\n");
    expect(text).toContain("wrote /tmp\n");
    expect(readFileSync(`${files}/passwd`, "utf8")).toBe(
      "root:x:0:0:root:/root:/bin/sh\nsbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n",
    );
    expect(readFileSync(`${files}/shadow`, "utf8")).toEndWith("\nsbx_user1051:*:18313:0:99999:7:::\n");
    expect(statSync(`${files}/tmp`)).toMatchObject({ uid: 993, gid: 990 });
    expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
  });

  withRoot("finds the names of AWS's sandbox, as extensions look them up, and finds them once", async () => {
    const lookUp = ["getent", "hosts", "sandbox.localdomain"];
    const known = "10.0.0.9 sandbox\n";
    const results: [string, string][] = [
      ["127.0.0.1 localhost\n", "127.0.0.1 localhost\n127.0.0.1\tsandbox sandbox.localdomain\n"],
      [known, `${known}127.0.0.1\tsandbox.localdomain\n`],
    ];
    for (const [hosts, becomes] of results) {
      const { init, files } = startAsRoot(undefined, { hosts, command: lookUp });
      expect(await said(init)).toStartWith("127.0.0.1");
      expect(readFileSync(`${files}/hosts`, "utf8")).toBe(becomes);
    }
    const { init } = startAsRoot(undefined, { command: ["id", "-u"], before: "mount -o remount,bind,ro /etc/hosts" });
    expect(await said(init)).toContain("993");
    expect(init.stderr).toBe("");
  });

  withRoot("runs as an existing user with that one's ids", async () => {
    const { init, files } = startAsRoot("nobody", { passwd: "root:x:0:0::/:\nnobody:x:65534:65534::/:\n" });
    expect(await said(init)).toContain("uid=65534(nobody) gid=65534");
    expect(readFileSync(`${files}/passwd`, "utf8")).toBe("root:x:0:0::/:\nnobody:x:65534:65534::/:\n");
    expect(statSync(`${files}/tmp`)).toMatchObject({ uid: 65534, gid: 65534 });
  });

  for (const user of ["", "root"]) {
    withRoot(`stays root when the user is ${JSON.stringify(user)}`, async () => {
      const { init } = startAsRoot(user);
      expect(await said(init)).toContain("uid=0");
    });
  }

  const capsh = Bun.which("capsh");
  test.skipIf(!isRoot || !capsh)(
    "is not run as root when root cannot be given up; LocalStack is told why",
    async () => {
      const before = 'set -- capsh --drop=cap_setuid -- -c \'exec "$0" "$@"\' "$@"';
      const { init } = startAsRoot(undefined, { before });
      const { text } = await init.double.waitForStatusError();
      expect(JSON.parse(text)).toMatchObject({ errorType: "Sandbox.Failure" });
      expect(text).toContain("setuid");
      expect(await init.exited()).toBe(1);
      expect(init.stdout).toBe("");
      const allowed = startAsRoot(undefined, { before, env: { LOCALSTACK_ALLOW_ROOT: "1" } });
      expect(await said(allowed.init)).toContain("uid=0");
    },
  );
});

describe("file modes", () => {
  test("are octal, keep special bits and leave what links point to alone", async () => {
    const dir = mkdtempSync(`${tmpdir()}/init-modes-`);
    mkdirSync(`${dir}/tree/inner`, { recursive: true });
    writeFileSync(`${dir}/tree/inner/file`, "");
    writeFileSync(`${dir}/outside`, "");
    chmodSync(`${dir}/outside`, 0o600);
    symlinkSync(`${dir}/outside`, `${dir}/tree/link`);
    mkdirSync(`${dir}/sticky`);
    const paths = [
      { path: `${dir}/tree`, mode: "755" },
      { path: `${dir}/missing`, mode: "0755" },
      { path: `${dir}/sticky`, mode: "rubbish" },
      { path: `${dir}/sticky`, mode: "1777" },
    ];
    const init = startInit(["sh", "-c", "exit 1"], { env: { LOCALSTACK_CHMOD_PATHS: JSON.stringify(paths) } });
    await init.exited();
    const mode = (name: string) => (statSync(`${dir}/${name}`).mode & 0o7777).toString(8);
    expect(["tree", "tree/inner", "tree/inner/file", "outside", "sticky"].map(mode)).toEqual([
      "755",
      "755",
      "755",
      "600",
      "1777",
    ]);
    expect(init.stderr).toContain(`${dir}/missing`);
    expect(init.stderr).toContain("rubbish");
  });
});
