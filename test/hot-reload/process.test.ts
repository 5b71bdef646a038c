import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, utimesSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { hasNamespaces } from "../support/namespaces.ts";
import { waitUntil, within } from "../support/within.ts";
import { type Fixture, makeFixture, removeFixtures } from "./support.ts";

const programFile = new URL("watching-process.ts", import.meta.url).pathname;
let built: string;

beforeAll(async () => {
  built = await mkdtemp(`${tmpdir()}/hot-reload-built-`);
});

afterAll(async () => {
  await rm(built, { recursive: true, force: true });
  await removeFixtures();
});

/** Whether all threads of a process are stopped: the signal takes a moment. */
function standsStill(pid: number): boolean {
  try {
    const stats = readdirSync(`/proc/${pid}/task`).map((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1"),
    );
    return stats.every((stat) => stat.includes(") T "));
  } catch {
    return false; // A thread has ended between the looks.
  }
}

/** Starts the watching program and waits until it is ready. It ends with the scope of whoever uses it. */
async function startWatching(command: readonly string[]) {
  const child = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  let [output, errors] = ["", ""];
  const collect = async (stream: ReadableStream<Uint8Array>, add: (text: string) => void) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
  };
  void collect(child.stdout, (text) => {
    output += text;
  });
  void collect(child.stderr, (text) => {
    errors += text;
  });
  const count = (word: string) => output.split("\n").filter((line) => line === word).length;
  const tell = (line: string) => {
    child.stdin.write(`${line}\n`);
    child.stdin.flush();
  };
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  await waitUntil("the program is ready", () => count("ready") === 1, 10_000).catch(async (error) => {
    await end();
    throw error;
  });
  return {
    [Symbol.asyncDispose]: end,
    changes: () => count("changed"),
    warnings: () => errors.split("\n").filter((line) => line !== ""),
    /** Takes steps while the program stands still: however long they take, it finds them all done, as one change. */
    async behindItsBack(steps: () => unknown) {
      child.kill("SIGSTOP");
      await waitUntil("the program stands still", () => standsStill(child.pid));
      await steps();
      child.kill("SIGCONT");
    },
    untilChanges: (times: number) => waitUntil(`${times} changes`, () => count("changed") >= times, 10_000),
    /** Runs a shell command where the program runs. */
    async run(shell: string) {
      const before = count("done");
      tell(`run ${shell}`);
      await waitUntil(`it ran: ${shell}`, () => count("done") > before, 10_000);
    },
    /** Ends the watching; resolves with the exit status. */
    async stop() {
      tell("stop");
      return within(5000, "the end of a program that has nothing left to wait for", child.exited);
    },
  };
}

/** Every kind of watching over again, in the same order, for a program however it was started. */
async function expectToWatch(command: readonly string[], { root }: Fixture) {
  await using program = await startWatching(command);
  await appendFile(`${root}/dir/file`, "more");
  await program.untilChanges(1);
  await program.behindItsBack(() => rm(root, { recursive: true }));
  await program.untilChanges(2);
  await program.behindItsBack(async () => {
    await mkdir(`${root}/new/inner`, { recursive: true });
    await writeFile(`${root}/new/file`, "");
  });
  await program.untilChanges(3);
  await program.behindItsBack(async () => {
    await rm(root, { recursive: true });
    await mkdir(`${root}/new/inner`, { recursive: true });
  });
  await program.untilChanges(4);
  await program.behindItsBack(() => writeFile(`${root}/new/inner/late`, ""));
  await program.untilChanges(5);
  expect(program.changes()).toBe(5);
  expect(await program.stop()).toBe(0);
}

describe.concurrent.each(["event", "polling"] as const)("by %s", (strategy) => {
  test("a program sees changes, and nothing keeps it alive after stop", async () => {
    const fixture = await makeFixture();
    await expectToWatch([process.execPath, programFile, strategy, fixture.root], fixture);
  });

  test("a compiled program does too", async () => {
    const outfile = `${built}/${strategy}`;
    const result = await Bun.build({
      entrypoints: [programFile],
      format: "esm",
      bytecode: true,
      minify: true,
      compile: { outfile, autoloadDotenv: false, autoloadBunfig: false, execArgv: ["--smol"] },
    });
    expect(result.success).toBe(true);
    const fixture = await makeFixture();
    await expectToWatch([outfile, strategy, fixture.root], fixture);
  });

  test.skipIf(!hasNamespaces)("the change of a bind mount is seen, made inside or outside", async () => {
    const { root, outside } = await makeFixture();
    const mount = `mount --bind -o ro ${root} ${outside}/folder`;
    await using program = await startWatching(inOwnMounts(mount, strategy, `${outside}/folder`));
    await appendFile(`${root}/dir/file`, "more");
    await program.untilChanges(1);
    await program.behindItsBack(async () => {
      await mkdir(`${root}/new`);
      await writeFile(`${root}/new/file`, "");
    });
    await program.untilChanges(2);
    await program.run(`echo more >> ${root}/new/file`);
    await program.untilChanges(3);
    expect(program.changes()).toBe(3);
    expect(await program.stop()).toBe(0);
  });

  test.skipIf(!hasNamespaces)("the change of an overlay is seen, in files of its lower layer too", async () => {
    const { root: lower, outside } = await makeFixture();
    const merged = `${outside}/folder`;
    // The upper layer of an overlay must not be an overlay itself, which the directory for temporary files may be.
    const layers = `lowerdir=${lower},upperdir=${outside}/layers/upper,workdir=${outside}/layers/work`;
    const mount = [
      `mkdir ${outside}/layers`,
      `mount -t tmpfs none ${outside}/layers`,
      `mkdir ${outside}/layers/upper ${outside}/layers/work`,
      `mount -t overlay -o ${layers} none ${merged}`,
    ].join(" && ");
    await using program = await startWatching(inOwnMounts(mount, strategy, merged));
    await program.run(`echo more >> ${merged}/dir/file`);
    await program.untilChanges(1);
    await program.run(`mkdir ${merged}/dir/sub/new && echo new > ${merged}/dir/sub/new/file`);
    await program.untilChanges(2);
    await program.run(`rm ${merged}/dir/sub/file`);
    await program.untilChanges(3);
    await program.run(`echo more >> ${merged}/dir/sub/new/file`);
    await program.untilChanges(4);
    expect(program.changes()).toBe(4);
    expect(await program.stop()).toBe(0);
  });
});

/** The limits hold in a user namespace of the program's own; the machine's stay as they are. */
describe.concurrent("where the kernel gives too few", () => {
  const limits: [string, string, number][] = [
    ["watches", "max_inotify_watches", 2],
    ["instances", "max_inotify_instances", 0],
  ];
  test.skipIf(!hasNamespaces).each(limits)("%s, the program warns once and polls", async (_, limit, value) => {
    const { root } = await makeFixture();
    const lower = [
      "unshare",
      "--user",
      "--map-root-user",
      "sh",
      "-c",
      `echo ${value} > /proc/sys/user/${limit}; exec "$@"`,
    ];
    await using program = await startWatching([...lower, "sh", process.execPath, programFile, "event", root]);
    expect(program.warnings()).toEqual([expect.stringMatching(/files are looked at regularly.*: E(NOSPC|MFILE)/)]);
    await appendFile(`${root}/dir/sub/file`, "more");
    await program.untilChanges(1);
    expect(program.changes()).toBe(1);
    expect(await program.stop()).toBe(0);
  });
});

describe.concurrent("events that were lost", () => {
  test("while the program stood still are a change, and what they told of is watched", async () => {
    const { root } = await makeFixture();
    await using program = await startWatching([process.execPath, programFile, "event", root]);
    const queued = Number(await Bun.file("/proc/sys/fs/inotify/max_queued_events").text());
    await program.behindItsBack(async () => {
      for (let time = 0; time < 2 * queued; time++)
        utimesSync(time % 2 ? `${root}/file` : `${root}/dir/file`, time, time);
      await mkdir(`${root}/late`);
    });
    await program.untilChanges(1);
    await writeFile(`${root}/late/file`, "");
    await program.untilChanges(2);
    expect(await program.stop()).toBe(0);
  }, 60_000);
});

/** A command that runs the program in a mount namespace of its own, where something is mounted first. */
function inOwnMounts(mount: string, strategy: string, path: string): string[] {
  return [
    "unshare",
    "--mount",
    "sh",
    "-c",
    `${mount} && exec "$@"`,
    "sh",
    process.execPath,
    programFile,
    strategy,
    path,
  ];
}
