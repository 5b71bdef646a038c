import { afterEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { waitUntil } from "../support/within.ts";
import { startWithExtensions } from "./support/extensions.ts";
import { Gate } from "./support/gate.ts";
import { type Init, isRoot, runFixture, type StartOptions, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

let init: Init;
let code: string;

/** Starts a function whose code is a directory of the test's own; its runtime prints a line whenever it starts. */
async function start(strategy: string, options: StartOptions = {}): Promise<void> {
  code = mkdtempSync(`${tmpdir()}/init-code-`);
  writeFileSync(`${code}/app.txt`, "first");
  mkdirSync(`${code}/lib`);
  writeFileSync(`${code}/lib/inner.txt`, "1");
  init = startInit(runFixture("says-when-it-starts.ts"), {
    ...options,
    env: {
      LOCALSTACK_HOT_RELOADING_PATHS: code,
      LOCALSTACK_FILE_WATCHER_STRATEGY: strategy,
      LOCALSTACK_INIT_LOG_LEVEL: "debug",
      CODE: code,
      ...options.env,
    },
  });
  await init.double.waitForReady();
  await said("code is being watched", () => init.stderr);
}

/** Waits until a text was written so many times. */
function said(text: string, where = () => init.stdout, times = 1): Promise<void> {
  return waitUntil(`${text} ${times} times; stderr: ${init.stderr}`, () => where().split(text).length > times);
}

const started = (times: number) => said("the runtime starts\n", undefined, times);

const changes: [what: string, change: () => void][] = [
  ["a write", () => writeFileSync(`${code}/app.txt`, "second")],
  ["a new file", () => writeFileSync(`${code}/new.txt`, "")],
  ["a new directory", () => mkdirSync(`${code}/dir`)],
  ["a file in a directory of a directory", () => appendFileSync(`${code}/lib/inner.txt`, "2")],
  [
    "a save by rename",
    () => {
      writeFileSync(`${code}/../saved`, "third");
      renameSync(`${code}/../saved`, `${code}/app.txt`);
    },
  ],
  ["a renamed directory", () => renameSync(`${code}/lib`, `${code}/library`)],
  ["a mode", () => chmodSync(`${code}/app.txt`, 0o600)],
  ["a time", () => utimesSync(`${code}/app.txt`, 1, 1)],
  ["a removal", () => rmSync(`${code}/app.txt`)],
  ["a removed tree", () => rmSync(`${code}/lib`, { recursive: true })],
  ["a link", () => symlinkSync("app.txt", `${code}/link`)],
];

for (const strategy of ["event", "polling"]) {
  describe(`with the strategy ${strategy}`, () => {
    for (const [what, change] of changes) {
      test(`${what} brings fresh processes, before the next invocation asks for them`, async () => {
        await start(strategy);
        await started(1);
        change();
        await started(2);
        expect((await init.invoke("{}")).body).toContain('"count":1');
        expect(init.stdout.split("the runtime starts").length - 1).toBe(2);
      });
    }

    test("new and renamed directories are watched too", async () => {
      await start(strategy);
      mkdirSync(`${code}/one/two`, { recursive: true });
      await started(2);
      writeFileSync(`${code}/one/two/file`, "");
      await started(3);
      renameSync(`${code}/one`, `${code}/three`);
      await started(4);
      appendFileSync(`${code}/three/two/file`, "more");
      await started(5);
    }, 40_000);

    test("5,000 files at once are one reload", async () => {
      await start(strategy);
      // Of a directory that is moved in, a scan sees all or nothing. Events come one by one, as fast as files are written.
      const place = strategy === "polling" ? `${code}-next` : `${code}/many`;
      const began = performance.now();
      mkdirSync(place);
      for (let count = 0; count < 5000; count++) writeFileSync(`${place}/${count}.txt`, "x");
      const writingMs = performance.now() - began;
      if (strategy === "polling") renameSync(place, `${code}/many`);
      await started(2);
      // Another change proves that the burst is over.
      writeFileSync(`${code}/last.txt`, "");
      await started(3);
      // Where the machine is too busy to write the files at once, half a second without a change may lie between them.
      const pauses = strategy === "polling" ? 0 : Math.floor(writingMs / 500);
      const reloads = init.stderr.split("code changed").length - 1;
      expect(reloads).toBeGreaterThanOrEqual(2);
      expect(reloads).toBeLessThanOrEqual(2 + pauses);
    }, 40_000);

    test("Python's compiled modules are none of the code", async () => {
      await start(strategy);
      mkdirSync(`${code}/lib/__pycache__`);
      writeFileSync(`${code}/lib/__pycache__/app.cpython-312.pyc`, "");
      await Bun.sleep(900);
      expect(init.stderr).not.toContain("code changed");
      writeFileSync(`${code}/app.txt`, "second");
      await started(2);
    });
  });
}

test("a tree that can hardly be meant is watched without holding anything up, and a warning counts it", async () => {
  const big = mkdtempSync(`${tmpdir()}/init-code-`);
  for (let count = 0; count < 10_000; count++) mkdirSync(`${big}/${count % 100}/${count}`, { recursive: true });
  await start("event", { env: { LOCALSTACK_HOT_RELOADING_PATHS: big } });
  expect(init.stderr).toContain(`${big} holds 10101 directories`);
  writeFileSync(`${big}/42/4242/new`, "");
  await started(2);
  expect((await init.invoke("{}")).body).toContain('"count":1');
  rmSync(big, { recursive: true });
}, 40_000);

test("the end of a failed start does not wait until all there is to watch has been looked at", async () => {
  // The kernel's own tree, by so many ways: it takes far longer to look at than LocalStack is given to hear of the failure.
  const ways = Array.from({ length: 30 }, (_, depth) => `${"/proc/self/root".repeat(depth)}/proc`);
  const failing = startInit(runFixture("exits-at-init.sh"), {
    env: {
      LOCALSTACK_HOT_RELOADING_PATHS: ways.join(","),
      LOCALSTACK_FILE_WATCHER_STRATEGY: "polling",
      LOCALSTACK_INIT_LOG_LEVEL: "debug",
    },
  });
  expect(await failing.exited()).toBe(1);
  expect(failing.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
  expect(failing.stderr).not.toContain("being watched");
});

test("a running invocation ends before its processes do", async () => {
  await start("event");
  const id = await init.send(JSON.stringify({ sleep: 1500 }));
  writeFileSync(`${code}/app.txt`, "second");
  expect((await init.double.waitForResult(id)).body).toContain('"count":1');
  await started(2);
  expect((await init.invoke("{}")).body).toContain('"count":1');
});

test("under continuous writing the reload comes after two seconds all the same", async () => {
  await start("event");
  const writing = setInterval(() => appendFileSync(`${code}/app.txt`, "x"), 50);
  try {
    await started(2);
  } finally {
    clearInterval(writing);
  }
});

test("the next invocation does not pay for the new init", async () => {
  await start("event", { env: { SLOW_START: "2000" } });
  writeFileSync(`${code}/app.txt`, "second");
  await said("the runtime is ready\n", undefined, 2);
  const sentAt = performance.now();
  const { logs } = await init.invoke("{}");
  // The two seconds of the init are over before it is sent.
  expect(Number(/\tDuration: ([\d.]+) ms/.exec(logs)?.[1])).toBeLessThan(performance.now() - sentAt);
});

test("code that cannot start any more fails the next invocation with its true reason; mended, it runs again", async () => {
  await start("event");
  writeFileSync(`${code}/app.txt`, "broken");
  await started(2);
  const { id, kind, body } = await init.invoke("{}");
  expect({ kind, ...JSON.parse(body) }).toEqual({
    kind: "error",
    errorMessage: `RequestId: ${id} Error: Runtime exited with error: exit status 5`,
    errorType: "Runtime.ExitError",
  });
  writeFileSync(`${code}/app.txt`, "mended");
  // The processes that failed are gone: new ones are started with the next invocation.
  expect((await init.invoke("{}")).kind).toBe("response");
});

test("a missing path is a warning, and watched once it is there", async () => {
  const missing = `${mkdtempSync(`${tmpdir()}/init-code-`)}/later`;
  await start("event", { env: { LOCALSTACK_HOT_RELOADING_PATHS: missing } });
  expect(init.stderr).toContain(missing);
  mkdirSync(missing);
  await started(2);
  writeFileSync(`${missing}/file`, "");
  await started(3);
});

test.skipIf(!isRoot)("extensions are told of the change as a spindown", async () => {
  const dir = mkdtempSync(`${tmpdir()}/init-code-`);
  const world = startWithExtensions(
    runFixture("does-what-the-event-says.ts"),
    { a: {} },
    {
      env: { LOCALSTACK_HOT_RELOADING_PATHS: dir, LOCALSTACK_INIT_LOG_LEVEL: "debug" },
    },
  );
  await world.until("it watches", () => (world.init.stderr.includes("being watched") ? true : undefined));
  await world.init.invoke("{}");
  writeFileSync(`${dir}/file`, "");
  const { text } = await world.saw("a", "event", ({ text: event }) => String(event).includes("SHUTDOWN"));
  expect(JSON.parse(String(text)).shutdownReason).toBe("spindown");
  expect((await world.init.invoke("{}")).body).toContain('"count":1');
});

describe.each(["event", "polling"])("in a container's file systems, with the strategy %s", (strategy) => {
  test.skipIf(!isRoot)("changes of an overlay are noticed", async () => {
    const layers = mkdtempSync("/dev/shm/init-layers-");
    for (const name of ["lower", "upper", "work", "merged"]) mkdirSync(`${layers}/${name}`);
    writeFileSync(`${layers}/lower/app.txt`, "lower");
    const mount =
      'mount -t overlay overlay -o "lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work" "$0/merged" && exec "$@"';
    const gate = new Gate();
    // Nobody but the function's own processes sees the overlay.
    const change = `(read line < "$GATE"; echo changed > ${layers}/merged/app.txt) & exec "$@"`;
    init = startInit(["sh", "-c", change, "sh", ...runFixture("says-when-it-starts.ts")], {
      prefix: ["unshare", "--mount", "sh", "-c", mount, layers],
      env: {
        LOCALSTACK_HOT_RELOADING_PATHS: `${layers}/merged`,
        LOCALSTACK_FILE_WATCHER_STRATEGY: strategy,
        LOCALSTACK_INIT_LOG_LEVEL: "debug",
        CODE: `${layers}/merged`,
        GATE: gate.path,
      },
    });
    await said("code is being watched", () => init.stderr);
    await gate.open();
    await started(2);
  });

  test.skipIf(!isRoot)("changes of the host behind a bind mount are noticed", async () => {
    const host = mkdtempSync(`${tmpdir()}/init-host-`);
    const mounted = mkdtempSync(`${tmpdir()}/init-mounted-`);
    writeFileSync(`${host}/app.txt`, "first");
    init = startInit(runFixture("says-when-it-starts.ts"), {
      prefix: ["unshare", "--mount", "sh", "-c", `mount --bind ${host} ${mounted} && exec "$@"`, "sh"],
      env: {
        LOCALSTACK_HOT_RELOADING_PATHS: mounted,
        LOCALSTACK_FILE_WATCHER_STRATEGY: strategy,
        LOCALSTACK_INIT_LOG_LEVEL: "debug",
        CODE: host,
      },
    });
    await init.double.waitForReady();
    await said("code is being watched", () => init.stderr);
    writeFileSync(`${host}/app.txt`, "second");
    await started(2);
  });
});
