/**
 * The binary for musl where it is meant to run: in a root with nothing but musl's loader and Alpine's `libstdc++`. The
 * function is a program for musl too.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { layDown } from "../../src/install/lay-down.ts";
import { mountPoint, volumeAt } from "../../src/install/volume.ts";
import { descendantsOf } from "../../src/process/tree.ts";
import { isBeyondQemu, target } from "../support/target.ts";
import { librariesFor } from "../support/targets/libraries.ts";
import { whyMissing } from "./support/clients.ts";
import { fixture, type Init, isRoot, repository, type StartOptions, startInit, stopAll } from "./support/init.ts";

const architecture = target.startsWith("arm64") ? "arm64" : "x86_64";
const musl = `${architecture}-musl`;
const libraries = librariesFor(musl);
const missing = isRoot ? whyMissing(libraries) : "it takes root";

const files = mkdtempSync(`${tmpdir()}/init-alpine-`);
const root = `${files}/root`;
const init = "/var/rapid/init";
const bootstrap = "/var/task/bootstrap";

/** What an image has, as far as init looks at it. */
function makeRoot(path: string): void {
  const directories = ["dev", "etc", "lib", "opt", "proc", "tmp", "usr", "var/rapid", "var/task"];
  for (const directory of directories) mkdirSync(`${path}/${directory}`, { recursive: true });
  chmodSync(`${path}/tmp`, 0o1777);
  cpSync(libraries.directory, `${path}/lib`, { recursive: true, verbatimSymlinks: true });
  cpSync(`${repository}/dist/aws-lambda-rie-${musl}`, `${path}${init}`);
  writeFileSync(`${path}/etc/passwd`, "root:x:0:0:root:/root:/bin/ash\n");
  writeFileSync(`${path}/etc/hosts`, "127.0.0.1\tlocalhost\n");
}

async function compile(name: string, outfile: string): Promise<void> {
  const processor = architecture === "arm64" ? "arm64" : "x64";
  await Bun.build({ entrypoints: [fixture(name)], compile: { outfile, target: `bun-linux-${processor}-musl` } });
}

beforeAll(async () => {
  if (missing !== undefined) return;
  chmodSync(files, 0o755);
  makeRoot(root);
  await compile("does-what-the-event-says.ts", root + bootstrap);
}, 60_000);
afterEach(stopAll);
afterAll(() => rmSync(files, { recursive: true, force: true }));

/** As PID 1 of a container, whose user is switched. */
function startInRoot(command: string[] = [], options: StartOptions & { mount?: string } = {}): Init {
  const mounts = ['mount --rbind /dev "$0/dev"', 'mount -t proc proc "$0/proc"', options.mount ?? "true"];
  const enter = `${mounts.join(" && ")} && exec chroot "$0" "$@"`;
  return startInit(command, {
    program: init,
    ...options,
    prefix: ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", enter, root],
    env: { LOCALSTACK_USER: undefined, ...options.env },
  });
}

const kindsOf = ({ double }: Init) => double.callbacks.map(({ kind }) => kind);

describe.skipIf(missing !== undefined)(`in an image of Alpine's libraries (${missing ?? musl})`, () => {
  test("a function runs as AWS's user, and ends when LocalStack stops the container", async () => {
    const started = startInRoot();
    const { kind, body, logs } = await started.invoke('{"print":"hello\\n","respond":"\\"done\\""}');
    expect({ kind, body }).toEqual({ kind: "response", body: '"done"' });
    expect(logs).toContain("hello\n");
    expect(logs).toMatch(/REPORT RequestId: .*Max Memory Used: \d+ MB/);
    const runtime = descendantsOf(started.process.pid).at(-1);
    expect(readFileSync(`/proc/${runtime}/status`, "utf8")).toMatch(/^Uid:\t993\t993\t993\t993\nGid:\t990\t/m);
    expect(readFileSync(`${root}/etc/passwd`, "utf8")).toContain("\nsbx_user1051:x:993:990:");
    expect(await started.stop()).toBe(0);
    expect(started.stderr).toBe("");
  });

  test("what can become of an invocation is told, and the next one works", async () => {
    // Long enough for the start inside the invocation that follows each of these.
    const started = startInRoot([], { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" } });
    const fates = [
      ['{"exit":7}', "Runtime.ExitError", "Runtime exited with error: exit status 7"],
      ['{"kill":"SIGSEGV"}', "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"],
      ['{"hang":true}', "Sandbox.Timedout", "Task timed out after 5.00 seconds"],
    ] as const;
    for (const [event, errorType, errorMessage] of fates) {
      const { body } = await started.invoke(event);
      expect(JSON.parse(body)).toMatchObject({ errorType });
      expect(JSON.parse(body).errorMessage).toContain(errorMessage);
      expect((await started.invoke("{}")).kind).toBe("response");
    }
  });

  const failed = async (runtime: string, errorType: string, reason: string) => {
    const started = startInRoot([runtime, "--no-such-flag"]);
    expect(await started.exited()).toBe(1);
    expect(kindsOf(started)).toEqual(["status error"]);
    const told = JSON.parse(started.double.callbacks[0]?.text ?? "");
    expect(told).toMatchObject({ errorType });
    expect(told.errorMessage).toEndWith(` Error: ${reason}`);
  };

  test("a runtime that ends in init is told at once", () =>
    failed(init, "Runtime.ExitError", "Runtime exited with error: exit status 2"));

  test.skipIf(isBeyondQemu("errors of exec")).each([
    ["/var/task/nothing", "no such file or directory"],
    ["/etc", "permission denied"],
    ["/etc/passwd", "exec format error"],
  ])("a runtime that cannot be started is told at once: %s", (runtime, reason) =>
    failed(runtime, "Runtime.InvalidEntrypoint", `fork/exec ${runtime}: ${reason}`),
  );

  test("LocalStack's launcher finds the one for musl, also where gcompat stands in for glibc's loader", async () => {
    const [loader, path] =
      architecture === "arm64" ? ["ld-linux-aarch64.so.1", "lib"] : ["ld-linux-x86-64.so.2", "lib64"];
    mkdirSync(`${root}/${path}`, { recursive: true });
    cpSync(`${root}/lib/ld-musl-${architecture === "arm64" ? "aarch64" : "x86_64"}.so.1`, `${root}/${path}/${loader}`);
    const volume = volumeAt(`${files}/volume`, "test", architecture);
    // Those for glibc lie beside it, where they were built.
    layDown(volume, architecture, `${repository}/dist/aws-lambda-rie-${musl}`);
    cpSync(volume.launcher, `${root}/var/rapid/launcher`);
    mkdirSync(root + mountPoint);
    const mount = `mount --bind '${volume.binaries}' "$0${mountPoint}"`;
    const started = startInRoot([], { program: "/var/rapid/launcher", mount });
    expect((await started.invoke('{"respond":"launched"}')).body).toBe("launched");
    const [pid] = descendantsOf(started.process.pid);
    // Under QEMU the program is the emulator, whose first argument is the path.
    const program = `${readlinkSync(`/proc/${pid}/exe`)} ${readFileSync(`/proc/${pid}/cmdline`, "utf8")}`;
    expect(program).toContain(`aws-lambda-rie-${musl}`);
  });

  test("without libstdc++ musl's loader says what is missing, before any code of ours", async () => {
    for (const library of new Bun.Glob("**/libstdc++*").scanSync({ cwd: `${root}/lib`, onlyFiles: false }))
      rmSync(`${root}/lib/${library}`);
    const started = startInRoot();
    expect(await started.exitedByItself()).toBe(127);
    expect(started.stderr).toStartWith(
      `Error loading shared library libstdc++.so.6: No such file or directory (needed by ${init})\n`,
    );
    expect(kindsOf(started)).toEqual([]);
  });
});
