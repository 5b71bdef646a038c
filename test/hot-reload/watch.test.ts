import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { WatchFunction } from "../../src/hot-reload/event-watcher.ts";
import { type CodeWatch, chooseStrategy, type WatchOptions, watchForChanges } from "../../src/hot-reload/watch.ts";
import { log } from "../../src/log.ts";
import { FakeClock } from "../support/fake-clock.ts";

const watches: CodeWatch[] = [];
const warnings: string[] = [];
const warn = spyOn(log, "warn").mockImplementation(((text: unknown) => {
  warnings.push(String(text));
}) as typeof log.warn);

afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
  warnings.length = 0;
  warn.mockClear();
});

const newTree = () => mkdtempSync(`${tmpdir()}/watch-`);

function watch(options: Partial<WatchOptions> & Pick<WatchOptions, "paths">) {
  const clock = new FakeClock();
  const seen = { changes: 0 };
  const watching = watchForChanges({
    strategy: "polling",
    clock,
    kernelRelease: "6.1",
    onChange: () => void seen.changes++,
    ...options,
  });
  watches.push(watching);
  return { clock, seen, watching };
}

test.each([
  ["auto", "6.1.0-generic", "event"],
  ["auto", "5.15.49-linuxkit", "polling"],
  ["auto", "5.15.90.1-microsoft-standard-WSL2", "polling"],
  ["event", "5.15.49-linuxkit", "event"],
  ["polling", "6.1.0-generic", "polling"],
] as const)("the strategy %s on the kernel %s is %s", (wanted, kernel, chosen) => {
  expect(chooseStrategy(wanted, kernel)).toBe(chosen);
});

describe("polling", () => {
  test("tells of a change once, and of nothing at the start", async () => {
    const dir = newTree();
    writeFileSync(`${dir}/file`, "1");
    const { clock, seen, watching } = watch({ paths: [dir] });
    await watching.ready;
    await clock.advance(3000);
    expect(seen.changes).toBe(0);
    writeFileSync(`${dir}/file`, "22");
    await clock.advance(3000);
    expect(seen.changes).toBe(1);
    await clock.advance(3000);
    expect(seen.changes).toBe(1);
  });

  test("leaves caches of compiled modules out, and follows no link", async () => {
    const [dir, elsewhere] = [newTree(), newTree()];
    symlinkSync(elsewhere, `${dir}/link`);
    const { clock, seen, watching } = watch({ paths: [dir] });
    await watching.ready;
    mkdirSync(`${dir}/__pycache__`);
    writeFileSync(`${dir}/__pycache__/a`, "");
    writeFileSync(`${dir}/a.pyc`, "");
    writeFileSync(`${elsewhere}/file`, "");
    await clock.advance(3000);
    expect(seen.changes).toBe(0);
  });

  test("waits for a path that does not exist, and says so", async () => {
    const path = `${newTree()}/later`;
    const { clock, seen, watching } = watch({ paths: [path] });
    await watching.ready;
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(`${path} is to be watched`);
    mkdirSync(path);
    await clock.advance(3000);
    expect(seen.changes).toBe(1);
  });

  test("ends when it is stopped", async () => {
    const dir = newTree();
    const { clock, seen, watching } = watch({ paths: [dir, dir] });
    await watching.ready;
    writeFileSync(`${dir}/file`, "");
    watching.stop();
    await clock.advance(5000);
    expect(seen.changes).toBe(0);
  });
});

/** `fs.watch` in the hands of the test. */
function fakeWatch() {
  const roots: string[] = [];
  let tell: Parameters<WatchFunction>[2] = () => {};
  let fail: (error: Error) => void = () => {};
  let closed = 0;
  const watchTree: WatchFunction = (path, _, listener) => {
    roots.push(path);
    tell = listener;
    return {
      close: () => void closed++,
      on(_event: string, listenerOfErrors: (error: Error) => void) {
        fail = listenerOfErrors;
      },
    } as unknown as ReturnType<WatchFunction>;
  };
  return {
    watchTree,
    roots,
    tell: (name: string | undefined) => tell("change", name),
    fail: (text: string) => fail(new Error(text)),
    closed: () => closed,
  };
}

describe("events", () => {
  test("are changes, but for caches of compiled modules", async () => {
    const fake = fakeWatch();
    const { clock, seen } = watch({ paths: [newTree()], strategy: "event", watchTree: fake.watchTree });
    fake.tell("lib/__pycache__/app.pyc");
    fake.tell("lib/app.pyc");
    await clock.advance(900);
    expect(seen.changes).toBe(0);
    fake.tell("lib/app.py");
    await clock.advance(500);
    expect(seen.changes).toBe(1);
  });

  test("are watched for anew when the root is another one", async () => {
    const dir = newTree();
    const fake = fakeWatch();
    const { clock, seen } = watch({ paths: [dir], strategy: "event", watchTree: fake.watchTree });
    rmSync(dir, { recursive: true });
    await clock.advance(2000);
    expect([fake.roots.length, fake.closed(), seen.changes]).toEqual([1, 1, 1]);
    mkdirSync(dir);
    await clock.advance(2000);
    expect([fake.roots.length, seen.changes]).toEqual([2, 2]);
  });

  test("that cannot be had, or not enough of them, are one warning; changes are looked for instead", async () => {
    const [one, other] = [newTree(), newTree()];
    const fake = fakeWatch();
    const { clock, seen } = watch({ paths: [one, other], strategy: "event", watchTree: fake.watchTree });
    fake.fail("ENOSPC: no space left on device, watch");
    await new Promise(setImmediate);
    await clock.advance(300);
    writeFileSync(`${other}/file`, "");
    await clock.advance(2000);
    expect(seen.changes).toBe(1);
    expect(warnings).toEqual([
      "changes are looked for instead of being told by the kernel: ENOSPC: no space left on device, watch",
    ]);
  });

  test("whose watch throws at the start are the same", async () => {
    const dir = newTree();
    const { clock, seen } = watch({
      paths: [dir],
      strategy: "event",
      watchTree: () => {
        throw new Error("EMFILE: too many open files");
      },
    });
    await new Promise(setImmediate);
    await clock.advance(300);
    writeFileSync(`${dir}/file`, "");
    await clock.advance(2000);
    expect([seen.changes, warnings.length]).toEqual([1, 1]);
  });
});
