/** `--install-localstack`: what it lays down, what it says, and the init that starts from there. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import packageJson from "../../package.json" with { type: "json" };
import { isEmulated, target } from "../support/target.ts";
import { binary, isRoot, patienceMs, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

const architecture = target.replace("-musl", "");
const name = `aws-lambda-rie-${target}`;
const label = `lambda-runtime-init-${packageJson.version}`;

const directory = mkdtempSync(`${tmpdir()}/install-`);
chmodSync(directory, 0o755);
afterAll(() => rmSync(directory, { recursive: true }));

const newDirectory = () => mkdtempSync(`${directory}/`);

/** A directory with a copy of the binary, apart from the others of the build. */
function newRelease(): { readonly cwd: string; readonly program: string } {
  const cwd = newDirectory();
  copyFileSync(binary, `${cwd}/init`);
  return { cwd, program: `${cwd}/init` };
}

interface RunOptions {
  readonly cwd?: string;
  readonly prefix?: readonly string[];
  readonly program?: string;
}

function run(args: readonly string[], { cwd = "/tmp", prefix = [], program = binary }: RunOptions = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...prefix, program, ...args], {
    cwd,
    env: { PATH: process.env.PATH },
    timeout: patienceMs,
  });
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Installs into a new volume. */
function install() {
  const { cwd, program } = newRelease();
  expect(run(["--install-localstack", "volume"], { cwd, program })).toMatchObject({ status: 0, stderr: "" });
  const release = `${cwd}/volume/lib/lambda-runtime/${label}`;
  return { volume: `${cwd}/volume`, release, launcher: `${release}/${architecture}/var/rapid/init` };
}

test("lays it down below a relative directory, for every user, and prints absolute settings", () => {
  const { cwd, program } = newRelease();
  const prefix = ["sh", "-c", 'umask 077; exec "$@"', "sh"];
  const first = run(["--install-localstack", "./volume/"], { cwd, prefix, program });
  expect(first).toMatchObject({ status: 0, stderr: "" });
  const release = `${cwd}/volume/lib/lambda-runtime/${label}`;
  expect(readFileSync(`${release}/bin/${name}`).equals(readFileSync(binary))).toBe(true);
  const entries = readdirSync(`${cwd}/volume`, { recursive: true }) as string[];
  for (const entry of ["", ...entries]) expect(statSync(`${cwd}/volume/${entry}`).mode & 0o777).toBe(0o755);
  expect(first.stdout).toContain(`-v ${cwd}/volume:/var/lib/localstack`);
  expect(first.stdout).toContain(`LAMBDA_INIT_RELEASE_VERSION=${label}`);
  expect(first.stdout).toContain(`LAMBDA_DOCKER_FLAGS='-v ${release}/bin:/var/lambda-runtime-init:ro'`);
  // Again, by the binary that was laid down: the same files, the same words.
  const again = run(["--install-localstack=volume"], { cwd, program: `${release}/bin/${name}` });
  expect(again).toEqual(first);
  expect((readdirSync(`${cwd}/volume`, { recursive: true }) as string[]).sort()).toEqual(entries.sort());
  expect(readFileSync(`${release}/bin/${name}`).equals(readFileSync(binary))).toBe(true);
});

describe("bad usage ends with 2 and one line that says what to do", () => {
  test.each([
    [["--install-localstack"], "--install-localstack has no value: it must be the directory"],
    [["--install-localstack", ""], '--install-localstack is "": it must be the directory'],
    [["--install-localstack", "/tmp/no such volume"], '"/tmp/no such volume" cannot be LocalStack\'s volume: " "'],
    [["--install-localstack", "/tmp/no:volume"], '"/tmp/no:volume" cannot be LocalStack\'s volume: ":"'],
    [["--install-localstack", "/tmp/no-such-volume", "b"], '"b" behind "/tmp/no-such-volume" is too much'],
    [["--install-localstak", "/tmp/no-such-volume"], "did you mean --install-localstack?"],
  ])("%p", (args, what) => {
    const { status, stdout, stderr } = run(args);
    expect([status, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
    expect(stderr).toContain(what);
    expect(existsSync("/tmp/no-such-volume")).toBe(false);
  });

  test("a blank in the path above a relative one", () => {
    const cwd = `${newDirectory()}/my project`;
    mkdirSync(cwd);
    expect(run(["--install-localstack", "volume"], { cwd })).toMatchObject({ status: 2, stdout: "" });
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe("what cannot be written ends with 1 and one line that says why", () => {
  test("a directory that is a file", () => {
    const cwd = newDirectory();
    writeFileSync(`${cwd}/volume`, "a file");
    const { status, stdout, stderr } = run(["--install-localstack", "volume"], { cwd });
    expect([status, stdout, stderr.trim().split("\n").length]).toEqual([1, "", 1]);
    expect(stderr).toContain(`${cwd}/volume/lib/`);
    expect(stderr).toContain("move");
  });

  test.skipIf(!isRoot)("one of root's, as LocalStack leaves it, for an ordinary user", () => {
    const cwd = newDirectory();
    chmodSync(cwd, 0o755);
    const prefix = ["chroot", "--userspec=1000:1000", "/"];
    const { status, stdout, stderr } = run(["--install-localstack", cwd], { prefix });
    expect([status, stdout, stderr.trim().split("\n").length]).toEqual([1, "", 1]);
    expect(stderr).toContain("permission denied");
    expect(stderr).toContain("run this with sudo");
    expect(readdirSync(cwd)).toEqual([]);
  });
});

/** What a shell would lose, or have otherwise. */
const delicate = ["a.b-c=no name for a shell", "OPTIND=9", "IFS=x", "PWD=/not/there"];

/** As PID 1 with its own mounts, as in a container; `binaries` is mounted where the launcher looks. */
function asInContainer(binaries: string | undefined): string[] {
  const mounts = [
    "mount -t tmpfs tmpfs /var && mkdir /var/lambda-runtime-init",
    ...(binaries === undefined ? [] : [`mount --bind '${binaries}' /var/lambda-runtime-init`]),
  ];
  const script = `${mounts.join(" && ")} && exec env ${delicate.map((variable) => `'${variable}'`).join(" ")} "$@"`;
  return ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"];
}

describe.skipIf(!isRoot)("a container of LocalStack", () => {
  test("init runs from the mount, as PID 1, with the function's variables untouched, and stops as asked", async () => {
    const { release, launcher } = install();
    const init = startInit(runFixture("does-what-the-event-says.ts"), {
      program: launcher,
      prefix: asInContainer(`${release}/bin`),
    });
    await init.double.waitForReady();
    const { pid } = init.process;
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    // An emulated program is QEMU's.
    if (!isEmulated) expect(readFileSync(`/proc/${child}/exe`).equals(readFileSync(binary))).toBe(true);
    expect(readFileSync(`/proc/${child}/status`, "utf8")).toMatch(/NSpid:\t\d+.*\t1\n/);
    const variables = readFileSync(`/proc/${child}/environ`, "utf8").split("\0");
    for (const variable of delicate) expect(variables).toContain(variable);
    expect((await init.invoke("{}")).kind).toBe("response");
    expect(await init.stop()).toBe(0);
  });

  test("without the mount there is one line on stderr that says what to do, and a status", async () => {
    const { launcher } = install();
    const init = startInit(runFixture("does-what-the-event-says.ts"), {
      program: launcher,
      prefix: asInContainer(undefined),
    });
    expect(await init.exitedByItself()).toBe(127);
    expect(init.stderr).toBe(
      "lambda-runtime-init: nothing in /var/lambda-runtime-init runs in this container. LAMBDA_DOCKER_FLAGS of " +
        `LocalStack has to mount it: "${name} --install-localstack DIR" prints how\n`,
    );
    expect(init.double.callbacks).toEqual([]);
  });
});
