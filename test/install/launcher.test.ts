import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { type Architecture, makeLauncher, notStartedStatus } from "../../src/install/launcher.ts";
import { waitUntil } from "../support/within.ts";

const here: Architecture = process.arch === "arm64" ? "arm64" : "x86_64";
const emulator = Bun.which(here === "x86_64" ? "qemu-aarch64-static" : "qemu-x86_64-static");

/** Those that this machine can run, and with what. */
const runnable: [Architecture, string[]][] = [[here, []]];
if (emulator !== null) runnable.push([here === "x86_64" ? "arm64" : "x86_64", [emulator]]);

interface Made {
  readonly path: string;
  readonly directory: string;
}

function make(architecture: Architecture, names: readonly string[], message = "nothing there"): Made {
  const directory = mkdtempSync(`${tmpdir()}/launcher-`);
  const path = `${directory}/init`;
  const paths = names.map((name) => (name.startsWith("/") ? name : `${directory}/${name}`));
  writeFileSync(path, makeLauncher(architecture, paths, message), { mode: 0o755 });
  return { path, directory };
}

function run(command: readonly string[], env: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { env });
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

test.each(runnable)(
  "%s: becomes the first program that can be started, in the same process",
  (architecture, prefix) => {
    const names = ["missing", "not-executable", "of-another-loader", "good", "never-reached"];
    const { path, directory } = make(architecture, names);
    writeFileSync(`${directory}/not-executable`, "#!/bin/sh\necho wrong\n");
    // As a program for another libc is refused: its loader is not there.
    writeFileSync(`${directory}/of-another-loader`, "#!/lib/no-such-loader.so.1\n", { mode: 0o755 });
    writeFileSync(`${directory}/good`, `#!/bin/sh\necho good $$ "$@"\n`, { mode: 0o755 });
    writeFileSync(`${directory}/never-reached`, "#!/bin/sh\necho wrong\n", { mode: 0o755 });
    const { status, stdout, stderr } = run([
      "sh",
      "-c",
      'echo $$; exec "$@"',
      "sh",
      ...prefix,
      path,
      "one",
      "",
      "t w o",
    ]);
    const [pid] = stdout.split("\n");
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${pid}\ngood ${pid} one  t w o\n`, stderr: "" });
  },
);

test.each(runnable)("%s: hands on every variable as it is, and adds none", (architecture, prefix) => {
  const { path } = make(architecture, [Bun.which("env") as string]);
  const variables = {
    PWD: "/not/there",
    OLDPWD: "/nor/there",
    SHLVL: "7",
    _: "underscore",
    IFS: "x",
    OPTIND: "9",
    "a.b-c": "no name for a shell",
    "BASH_FUNC_f%%": "() { :; }",
    LC_ALL: "no_SUCH.locale",
    EMPTY: "",
    LINES: "one\ntwo",
  };
  const expected = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const { status, stdout, stderr } = run([...prefix, path, "--null"], variables);
  // An emulator turns their order round.
  expect([status, stdout.split("\0").sort(), stderr]).toEqual([0, ["", ...expected].sort(), ""]);
});

test.each(runnable)("%s: where none can be started it says so in one line", (architecture, prefix) => {
  const { path } = make(architecture, ["missing", "missing-too"], "mount it – there");
  expect(run([...prefix, path])).toEqual({ status: notStartedStatus, stdout: "", stderr: "mount it – there\n" });
  const { path: without } = make(architecture, [], "no paths at all");
  expect(run([...prefix, without]).stderr).toBe("no paths at all\n");
});

test("keeps the name it was called by, and takes signals from then on", async () => {
  const { path, directory } = make(here, ["sleep"]);
  symlinkSync(Bun.which("sleep") as string, `${directory}/sleep`);
  const child = Bun.spawn([path, "100"], { argv0: "/var/rapid/init", stdout: "ignore" });
  try {
    const commandLine = () => readFileSync(`/proc/${child.pid}/cmdline`, "utf8");
    const comm = () => readFileSync(`/proc/${child.pid}/comm`, "utf8");
    // A program has its name a moment before its arguments.
    await waitUntil("the launcher has become sleep", () => comm() === "sleep\n" && commandLine() !== "");
    expect(commandLine()).toBe("/var/rapid/init\x00100\0");
  } finally {
    child.kill("SIGTERM");
  }
  await child.exited;
  expect(child.signalCode).toBe("SIGTERM");
});

test("is small: LocalStack copies it into each container", () => {
  for (const architecture of ["x86_64", "arm64"] as const)
    expect(makeLauncher(architecture, ["/var/a/b"], "x".repeat(200)).length).toBeLessThan(1000);
});

// readelf looks at all of it, also where no emulator is there to run it.
test.skipIf(Bun.which("readelf") === null).each([
  ["x86_64", "X86-64"],
  ["arm64", "AArch64"],
] as const)("%s: is a program that needs no loader, with a stack that is not executable", (architecture, machine) => {
  const { path } = make(architecture, ["/bin/true"]);
  chmodSync(path, 0o644);
  const { status, stdout, stderr } = run([Bun.which("readelf") as string, "--file-header", "--segments", path]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(machine);
  expect(stdout).toContain("EXEC");
  expect(stdout).not.toContain("INTERP");
  expect(stdout).toMatch(/GNU_STACK[^\n]*\n[^\n]* RW +0x/);
});
