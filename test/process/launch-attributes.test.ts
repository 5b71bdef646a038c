import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { waitUntil, within } from "../support/within.ts";
import { type Child, endChildren, start, startBun, startShell, systemPath } from "./children.ts";

afterEach(endChildren);

async function outputOf(child: Child): Promise<string> {
  await within(5000, "the end of the child", child.exited);
  await within(5000, "its output", Promise.resolve(child.drain()));
  return child.output();
}

/** A process that sleeps. The kernel lets us go on a moment before the new program is complete; its name comes last. */
async function startSleeper(): Promise<Child> {
  const child = start(["sleep", "60"]);
  await waitUntil("the program runs", () => readFileSync(`/proc/${child.pid}/comm`, "latin1") === "sleep\n");
  return child;
}

describe("a started process", () => {
  test("leads a process group of its own", async () => {
    const { pid } = await startSleeper();
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
    expect(fields[2]).toBe(String(pid));
  });

  test("has nothing open but its standard streams, whatever init has open", async () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
    const other = await startSleeper();
    const file = openSync("/proc/self/status", "r");
    try {
      await (await fetch(server.url)).text();
      const { pid } = await startSleeper();
      // A program that starts opens files of its own for a moment; what was inherited would stay.
      await waitUntil("nothing else is open", () => readdirSync(`/proc/${pid}/fd`).join() === "0,1,2");
    } finally {
      closeSync(file);
      other.signalGroup("SIGKILL");
      await server.stop(true);
    }
  });

  test("reads an empty stdin", async () => {
    const { pid } = await startSleeper();
    expect(readlinkSync(`/proc/${pid}/fd/0`)).toBe("/dev/null");
    expect(await outputOf(start(["cat"]))).toBe("");
  });

  test("writes to one pipe, whichever stream it writes to, and no other process writes to the same", async () => {
    const pipes = [await startSleeper(), await startSleeper()].map(({ pid }) =>
      [1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)),
    );
    for (const [stdout, stderr] of pipes) {
      expect(stdout).toStartWith("pipe:");
      expect(stderr).toBe(stdout as string);
    }
    expect(pipes[0]?.[0]).not.toBe(pipes[1]?.[0] as string);
  });

  test("blocks on a full pipe instead of failing: its ends are not in non-blocking mode", async () => {
    const { pid } = await startSleeper();
    const nonBlocking = 0o4000;
    for (const fd of [1, 2]) {
      const flags = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "latin1").match(/^flags:\s+(\d+)/m)?.[1] ?? "";
      expect(Number.parseInt(flags, 8) & nonBlocking).toBe(0);
    }
  });

  test.each(["/dev/stdout", "/proc/self/fd/1", "/dev/stderr", "/proc/self/fd/2"])("may open %s anew", async (path) => {
    const script = `echo shell > ${path}; exec "${process.execPath}" -e 'require("fs").appendFileSync("${path}", "bun")'`;
    expect(await outputOf(startShell(script))).toBe("shell\nbun");
  });

  test("gets exactly the environment it is given", async () => {
    const env = { PATH: systemPath, EMPTY: "", BUN_OPTIONS: "--smol", "with.dot": "ä b\n", HOME: "/nowhere" };
    const output = await outputOf(start(["env", "-0"], { env }));
    const seen = output.split("\0").filter((entry) => entry !== "");
    expect(seen.sort()).toEqual(
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}`)
        .sort(),
    );
  });

  test("starts in the directory it is given", async () => {
    const cwd = realpathSync(tmpdir());
    expect(await outputOf(start(["pwd"], { cwd }))).toBe(`${cwd}\n`);
  });

  test("gets its arguments as they are", async () => {
    const words = ["a b", "", "$HOME", "ü", "-n", '"'];
    expect(await outputOf(start(["printf", "<%s>", ...words]))).toBe(words.map((w) => `<${w}>`).join(""));
  });

  test("has no signal blocked or ignored, whatever init does with signals", async () => {
    const onHangup = () => {};
    process.on("SIGHUP", onHangup);
    try {
      const status = readFileSync(`/proc/${(await startSleeper()).pid}/status`, "latin1");
      expect(status).toMatch(/^SigBlk:\t0+$/m);
      expect(status).toMatch(/^SigIgn:\t0+$/m);
    } finally {
      process.off("SIGHUP", onHangup);
    }
  });
});

describe("output", () => {
  test.each([
    ["by a shell", "echo a; echo b >&2; echo c"],
    [
      "line by line, each stream a thousand times",
      "i=0; while [ $i -lt 1000 ]; do echo $i; echo $i >&2; i=$((i+1)); done",
    ],
    ["by a child and its parent", "echo a; sh -c 'echo b >&2'; echo c; sh -c 'echo d' >&2"],
    ["to streams opened anew", "echo a > /dev/stderr; echo b > /dev/stdout; echo c >> /proc/self/fd/2; echo d"],
  ])("keeps the order in which it was written %s", async (_how, script) => {
    const inOrder = await Bun.$`sh -c ${`{ ${script}; } 2>&1 | cat`}`.text();
    expect(await outputOf(startShell(script))).toBe(inOrder);
  });

  test("arrives whole and in order, however much it is", async () => {
    const bytes = 20 * 1024 * 1024;
    const script = `const block = Buffer.alloc(${bytes}); for (let i = 0; i < block.length; i++) block[i] = i * 2654435761 >>> 13;
      let at = 0; while (at < block.length) at += require("fs").writeSync(1, block, at);`;
    const hash = new Bun.CryptoHasher("sha256");
    let size = 0;
    const receiveOutput = () => (chunk: Uint8Array) => {
      hash.update(chunk);
      size += chunk.length;
    };
    const child = start([process.execPath, "-e", script], { receiveOutput });
    await within(20_000, "the end of the child", child.exited);
    await within(5000, "its output", Promise.resolve(child.drain()));
    const expected = Buffer.alloc(bytes);
    for (let i = 0; i < bytes; i++) expected[i] = (i * 2654435761) >>> 13;
    expect(size).toBe(bytes);
    expect(hash.digest("hex")).toBe(new Bun.CryptoHasher("sha256").update(expected).digest("hex"));
  }, 30_000);

  test("written just before a crash is not lost", async () => {
    const child = startBun('require("fs").writeSync(2, "x".repeat(60000)); process.kill(process.pid, "SIGKILL")');
    expect(await within(5000, "the end of the child", child.exited)).toEqual({ signal: "SIGKILL" });
    await child.drain();
    expect(child.output()).toBe("x".repeat(60_000));
  });
});
