import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { waitUntil } from "../support/within.ts";
import { type Init, isRoot, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

/** Makes init PID 1 of its own namespaces, as in a container. */
const asPid1 = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

interface Seen {
  pid: number;
  parent: number;
  group: number;
  env: Record<string, string>;
  args: string[];
  cwd: string;
  descriptors: Record<string, string>;
}

async function look(init: Init): Promise<Seen> {
  return JSON.parse((await init.invoke("{}")).body) as Seen;
}

describe("the runtime", () => {
  test("sees what LocalStack gave, without what is meant for init or describes the container", async () => {
    const given = {
      CUSTOM: "ü",
      LOCALSTACK_UNKNOWN: "x",
      HOME: "/root",
      HOSTNAME: "host",
      _X_AMZN_TRACE_ID: "t",
      EMPTY: "",
    };
    const init = startInit(runFixture("shows-its-process.ts"), { env: given });
    const { env } = await look(init);
    expect(Object.keys(env).filter((name) => name.startsWith("LOCALSTACK_"))).toEqual(["LOCALSTACK_HOSTNAME"]);
    expect(env).toMatchObject({ CUSTOM: "ü", EMPTY: "", EDGE_PORT: "4566", AWS_REGION: "us-east-1", TZ: ":UTC" });
    for (const name of ["HOME", "HOSTNAME", "_X_AMZN_TRACE_ID"]) expect(env).not.toHaveProperty(name);
    expect(Object.keys(env).filter((name) => name.startsWith("AWS_CONTAINER_"))).toEqual([]);
    expect(env.AWS_LAMBDA_RUNTIME_API).toBe(`127.0.0.1:${init.runtimeApiPort}`);
  });

  test("leads its own process group, runs where init runs, with three descriptors", async () => {
    const cwd = mkdtempSync(`${tmpdir()}/init-e2e-`);
    const seen = await look(startInit(runFixture("shows-its-process.ts", "--argument"), { cwd }));
    expect(seen.group).toBe(seen.pid);
    expect(seen.cwd).toBe(cwd);
    expect(seen.args).toEqual(["--argument"]);
    expect(seen.descriptors["0"]).toBe("/dev/null");
    expect(seen.descriptors["1"]).toStartWith("pipe:");
    expect(seen.descriptors["2"]).toStartWith("pipe:");
  });

  test.each([
    ["the environment's handler", { _HANDLER: "a.b" }, "a.b"],
    ["AWS_LAMBDA_FUNCTION_HANDLER before it", { _HANDLER: "a.b", AWS_LAMBDA_FUNCTION_HANDLER: "c.d" }, "c.d"],
    ["the last word of the command without one", { _HANDLER: undefined }, "--last"],
  ])("is told %s", async (_, env, handler) => {
    const init = startInit(runFixture("shows-its-process.ts", "--last"), { env });
    expect((await look(init)).env._HANDLER).toBe(handler);
  });

  describe.each([
    ["an ordinary process", false],
    ["PID 1", true],
  ])("below init as %s", (_, isPid1) => {
    test.skipIf(isPid1 && !isRoot)(
      "has the container's limit of open files, no stray descriptors, outputs it can reopen",
      async () => {
        const limited = ["sh", "-c", 'ulimit -Sn 333; exec "$@"', "sh"];
        const init = startInit(runFixture("shows-its-limits.sh"), {
          prefix: isPid1 ? [...limited, ...asPid1] : limited,
        });
        expect(await init.exited()).toBe(1);
        expect(init.stdout).toMatch(/^open files: 333 of /m);
        // The fourth is the listing's own.
        expect(init.stdout).toMatch(/^descriptors: 0 1 2 3 $/m);
        expect(init.stdout).toMatch(/^stdin: \/dev\/null$/m);
        expect(init.stdout).toContain("reopened stdout\n");
        expect(init.stdout).toContain("reopened stderr\n");
      },
    );

    test.skipIf(isPid1 && !isRoot)("that fails is reported by its true status", async () => {
      for (const status of [0, 7]) {
        const init = startInit(runFixture("exits-at-init.sh", String(status)), { prefix: isPid1 ? asPid1 : [] });
        await init.exited();
        const reason = status === 0 ? "without providing a reason" : "exit status 7";
        expect(init.double.callbacks[0]?.text).toContain(reason);
      }
    });

    test.skipIf(isPid1 && !isRoot)("leaves no orphan unreaped", async () => {
      const init = startInit(runFixture("makes-orphans.sh", ...runFixture("echoes.ts")), {
        prefix: isPid1 ? asPid1 : [],
      });
      await init.invoke("{}");
      await init.invoke("{}");
      // One that has just ended is a zombie until init has its turn.
      await waitUntil("no zombie is left", () => zombiesBelow(init.process.pid).length === 0);
    });
  });

  test.skipIf(!isRoot)("is looked up in the three places of a container, in their order", async () => {
    for (const [paths, found] of [
      [["task", "opt", "runtime"], "task"],
      [["opt", "runtime"], "opt"],
      [["runtime"], "runtime"],
    ] as [string[], string][]) {
      const root = mkdtempSync(`${tmpdir()}/init-e2e-`);
      for (const name of ["task", "opt", "runtime"]) mkdirSync(`${root}/${name}`);
      // A directory of that name is passed over; without the executable bit the file is made executable.
      if (!paths.includes("task")) mkdirSync(`${root}/task/bootstrap`);
      for (const name of paths)
        writeFileSync(`${root}/${name}/bootstrap`, `#!/bin/sh\necho from ${name} in $PWD\nexit 3\n`);
      const mounts = [
        "mkdir -p /var/task /opt /var/runtime",
        `mount --bind ${root}/task /var/task && mount --bind ${root}/opt /opt && mount --bind ${root}/runtime /var/runtime`,
        'exec "$@"',
      ];
      const init = startInit([], { prefix: ["unshare", "--mount", "sh", "-c", mounts.join("\n"), "sh"] });
      await init.exited();
      expect(init.stdout).toBe(`from ${found} in /var/task\n`);
    }
  });
});

test("stdout and stderr reach the log in the order of writing, whole lines, also opened anew and from children", async () => {
  const line = "x".repeat(5000);
  const script = `i=0
    while [ $i -lt 50 ]; do
      echo "$i out ${line}"; echo "$i err ${line}" >&2; echo "$i new" > /dev/stdout; sh -c "echo '$i child' >&2"
      i=$((i+1))
    done
    exec "$@"`;
  const init = startInit(["sh", "-c", script, "sh", ...runFixture("echoes.ts")]);
  const expected = Array.from(
    { length: 50 },
    (_, i) => `${i} out ${line}\n${i} err ${line}\n${i} new\n${i} child\n`,
  ).join("");
  const { logs } = await init.invoke("{}");
  expect(logs.slice(0, logs.indexOf("START"))).toBe(expected);
});

test.each([
  ["exit 3", "exit status 3"],
  ["exit 0", "exit status 0"],
  ["kill -9 $$", "signal: killed"],
])("a runtime that ends by `%s` is in init's log at debug, with its pid and the reason", async (script, reason) => {
  const env = { LOCALSTACK_INIT_LOG_LEVEL: "debug" };
  const init = startInit(["sh", "-c", `echo pid $$; ${script}`], { env });
  await waitUntil("the end is in the log", () => init.stderr.includes("ended"));
  const pid = /^pid (\d+)$/m.exec(init.stdout)?.[1];
  expect(init.stderr).toContain(`process ${pid} ended: ${reason}`);
});

describe("descendants that left the runtime's group", () => {
  test("and hold its output delay no result, and are ended with a reset", async () => {
    const init = startInit(runFixture("leaves-a-daemon.sh", ...runFixture("does-what-the-event-says.ts")));
    expect((await init.invoke("{}")).body).toContain('"count":1');
    const sleepers = () => sleepersBelow(init.process.pid);
    await waitUntil("it is there", () => sleepers().length === 1);
    const [old] = sleepers();
    expect((await init.invoke('{"exit":1}')).kind).toBe("error");
    await init.invoke("{}");
    expect(sleepers()).not.toContain(old as number);
    await waitUntil("the new processes have brought their own", () => sleepers().length === 1);
  });

  test("are ended when init fails, and delay nothing", async () => {
    const init = startInit(runFixture("leaves-a-daemon.sh", ...runFixture("exits-at-init.sh", "6")));
    expect(await init.exited()).toBe(1);
    expect(init.double.callbacks[0]?.text).toContain("exit status 6");
  });
});

/** A process of 100 MB, which says so on the stderr it shares with init. */
const sidecar = `'${process.execPath}' -e 'Buffer.alloc(100 << 20, 1); console.error("sidecar"); setInterval(() => {}, 60000)'`;

describe("what the function has not started", () => {
  const places: [string, string[]][] = isRoot
    ? [
        ["an ordinary process", []],
        ["PID 1", asPid1],
      ]
    : [["an ordinary process", []]];
  test.each(places)("outlives a crash below init as %s, and is not counted", async (_, prefix) => {
    const entrypoint = ["sh", "-c", `${sidecar} & exec "$@"`, "sh"];
    const init = startInit(runFixture("does-what-the-event-says.ts"), { prefix: [...prefix, ...entrypoint] });
    await waitUntil("the sidecar is there", () => init.stderr.includes("sidecar"));
    expect(maxMemoryMb((await init.invoke("{}")).logs)).toBeWithin(10, 100);
    const strange = below(init.process.pid).find(({ arguments: words }) => words.includes("sidecar")) as Below;
    expect((await init.invoke('{"exit":1}')).kind).toBe("error");
    expect((await init.invoke("{}")).body).toContain('"count":1');
    expect(below(init.process.pid).map(({ pid }) => pid)).toContain(strange.pid);
    expect(init.stderr).toBe("sidecar\n");
    process.kill(strange.pid); // As an ordinary process init leaves it, and so nobody else would end it.
  });

  test.skipIf(!isRoot)("outlives it too when it came by `docker exec` and its parent has ended", async () => {
    const init = startInit(runFixture("does-what-the-event-says.ts"), { prefix: asPid1 });
    await init.invoke("{}");
    const { pid } = below(init.process.pid)[0] as Below;
    // What `docker exec` does: into the namespaces of the container, from a parent outside.
    const exec = ["nsenter", `--target=${pid}`, "--pid", "--mount", "sh", "-c", "setsid sleep 600 &"];
    await Bun.spawn(exec, { stdio: ["ignore", "ignore", "ignore"] }).exited;
    await waitUntil("the orphan is init's", () => sleepersBelow(pid).length === 1);
    expect((await init.invoke('{"exit":1}')).kind).toBe("error");
    expect((await init.invoke("{}")).body).toContain('"count":1');
    expect(sleepersBelow(pid)).toHaveLength(1);
  });
});

function maxMemoryMb(logs: string): number {
  return Number(/Max Memory Used: (\d+) MB/.exec(logs)?.[1]);
}

/** Pids below `root` whose state is `Z`. */
function zombiesBelow(root: number): number[] {
  return below(root)
    .filter(({ state }) => state === "Z")
    .map(({ pid }) => pid);
}

function sleepersBelow(root: number): number[] {
  return below(root)
    .filter(({ name, state }) => name === "sleep" && state !== "Z")
    .map(({ pid }) => pid);
}

interface Below {
  pid: number;
  parent: number;
  name: string;
  state: string;
  arguments: string;
}

function below(root: number): Below[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return [{ pid: Number(pid), parent: Number(parent), name, state: state ?? "", arguments: words }];
      } catch {
        return [];
      }
    });
  const found = all.filter(({ parent }) => parent === root);
  for (let at = 0; at < found.length; at++) found.push(...all.filter(({ parent }) => parent === found[at]?.pid));
  return found;
}
