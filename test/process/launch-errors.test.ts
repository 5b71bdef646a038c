import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, closeSync, copyFileSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LaunchError } from "../../src/process/launch.ts";
import { owner, runApart, systemPath } from "./children.ts";

const folder = mkdtempSync(join(tmpdir(), "launch-errors-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function link(name: string, target: string): string {
  const path = join(folder, name);
  symlinkSync(target, path);
  return path;
}

/** The head of a 64-bit ELF executable for a CPU nobody has. */
function foreignElf(): Uint8Array {
  const head = Buffer.alloc(128);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(2, 16);
  head.writeUInt16LE(0xf00d, 18);
  return head;
}

function errorOf(command: readonly string[], path: string): unknown {
  try {
    owner.launch({ command, cwd: "/", env: { PATH: path }, receiveOutput: () => () => {} });
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a program that cannot be started is refused with the reason AWS gives", () => {
  const script = file("script", "#!/bin/sh\n");
  const cases: [what: string, program: string, errno: string][] = [
    ["a missing file", join(folder, "missing"), "no such file or directory"],
    ["a link to nothing", link("dangling", "nowhere"), "no such file or directory"],
    ["a script whose interpreter is missing", file("no-shell", "#!/no/such/shell\n"), "no such file or directory"],
    ["a script with Windows line ends", file("crlf", "#!/bin/sh\r\nexit 0\r\n"), "no such file or directory"],
    ["a script without an interpreter line", file("no-shebang", "echo hello\n"), "exec format error"],
    ["an empty file", file("empty", ""), "exec format error"],
    ["a binary for another CPU", file("foreign", foreignElf()), "exec format error"],
    ["a file that is not executable", file("not-executable", "#!/bin/sh\n", 0o644), "permission denied"],
    ["a directory", folder, "permission denied"],
    ["a path through a file", join(script, "bootstrap"), "not a directory"],
    ["links in a circle", link("circle", "circle"), "too many levels of symbolic links"],
    ["a name that is too long", join(folder, "n".repeat(300)), "file name too long"],
  ];

  test.each(cases)("%s", (_what, program, errno) => {
    const error = errorOf([program], systemPath);
    expect(error).toBeInstanceOf(LaunchError);
    expect((error as Error).message).toBe(`fork/exec ${program}: ${errno}`);
  });

  test("a file that is being written", () => {
    const program = join(folder, "busy");
    copyFileSync("/bin/true", program);
    const writer = openSync(program, "r+");
    try {
      expect(errorOf([program], systemPath)).toEqual(new LaunchError(`fork/exec ${program}: text file busy`));
    } finally {
      closeSync(writer);
    }
  });

  test("arguments that are too long", () => {
    const command = ["/bin/true", "x".repeat(200_000)];
    expect(errorOf(command, systemPath)).toEqual(new LaunchError("fork/exec /bin/true: argument list too long"));
  });
});

describe("a bare name is looked up in the PATH the process is given", () => {
  const cases: [what: string, name: string, path: string][] = [
    ["a name that is nowhere", "no-such-program", systemPath],
    ["a name with a quote in it", 'a"b', systemPath],
    ["a file that is there but not executable", "not-executable-either", folder],
    ["a directory of that name", "folder-of-files", folder],
    ["a program that only the parent's PATH has", "sh", folder],
    ["an empty name", "", systemPath],
  ];
  file("not-executable-either", "#!/bin/sh\n", 0o644);

  test.each(cases)("%s is not found", (_what, name, path) => {
    const text = `exec: ${JSON.stringify(name)}: executable file not found in $PATH`;
    expect(errorOf([name], path)).toEqual(new LaunchError(text));
  });
});

describe("what no function can be blamed for is a launch error all the same", () => {
  test.each([[[]], [["/bin/true", "a\0b"]], [["/bin/\0true"]]])("the command %j", (command) => {
    expect(errorOf(command, systemPath)).toBeInstanceOf(LaunchError);
  });
});

describe("descriptors used up", () => {
  /** A Bun that plays init and can take every descriptor there is. */
  const exhausted = `
    const { closeSync, openSync } = require("fs");
    const { systemClock } = await source("clock.ts");
    const { startReaping } = await source("process/reaper.ts");
    const { Owner } = await source("process/owner.ts");
    startReaping();
    const owner = new Owner(systemClock);
    const launch = (script) => {
      try {
        return owner.launch({ command: ["/bin/sh", "-c", script], cwd: "/", env: { PATH: process.env.PATH }, receiveOutput: () => () => {} });
      } catch ({ name, message }) {
        return name + ": " + message;
      }
    };
    const taken = [];
    const takeAll = () => { try { for (;;) taken.push(openSync("/dev/null")); } catch {} };`;
  const entrypoint = "ulimit -n 100";

  test("are not the program's fault, however few are left", async () => {
    const script = `${exhausted}
      await launch("exit 0").exited;
      takeAll();
      const seen = new Set();
      let started;
      while (!started) {
        const result = launch("sleep 60");
        if (typeof result === "string") seen.add(result);
        else started = result;
        if (!started) closeSync(taken.pop());
        // What a launch had opened is closed within a few turns.
        for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
      }
      const { childrenOf } = await source("process/tree.ts");
      const strays = childrenOf(process.pid).filter((pid) => pid !== started.pid);
      started.signalGroup("SIGKILL");
      tell({ seen: [...seen], strays: strays.length });`;
    const text =
      "ExhaustedError: fork/exec /bin/sh: too many open files: init's limit of open files is used up. " +
      "Close connections to the Runtime API, or raise the limit (nofile)";
    expect(await runApart(script, { entrypoint })).toEqual({ seen: [text], strays: 0 });
  });

  test("keep nothing from being found and ended", async () => {
    const script = `${exhausted}
      const child = launch("setsid sleep 60 & exec sleep 60");
      const { childrenOf } = await source("process/tree.ts");
      await until(() => childrenOf(child.pid).length === 1);
      const [daemon] = childrenOf(child.pid);
      takeAll();
      const all = await owner.endAll(20_000);
      while (taken.length > 0) closeSync(taken.pop());
      const { isRunning } = await source("process/tree.ts");
      tell([all, isRunning(child.pid), isRunning(daemon)]);`;
    expect(await runApart(script, { entrypoint })).toEqual([true, false, false]);
  });

  test("do not make a stranger of an orphan that left its session", async () => {
    const script = `${exhausted}
      const { childrenOf, isRunning } = await source("process/tree.ts");
      const child = launch("setsid sleep 60 & exec sleep 60");
      const { sessionOf } = await source("process/tree.ts");
      await until(() => childrenOf(child.pid).some((pid) => sessionOf(pid) === pid));
      const [daemon] = childrenOf(child.pid);
      takeAll();
      child.signalGroup("SIGKILL");
      await until(() => childrenOf(process.pid).includes(daemon));
      takeAll(); // What the end of the child has freed.
      const all = await owner.endAll(20_000);
      while (taken.length > 0) closeSync(taken.pop());
      tell([all, isRunning(child.pid), isRunning(daemon)]);`;
    expect(await runApart(script, { entrypoint })).toEqual([true, false, false]);
  });
});
