import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFile, mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { type Clock, systemClock } from "../../src/clock.ts";
import { EventWatcher } from "../../src/hot-reload/event-watcher.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { waitUntil } from "../support/within.ts";
import { changes, noChanges } from "./changes.ts";
import { catchWarnings, type Fixture, makeFixture, missingWarning, recordedWatch, removeFixtures } from "./support.ts";

let fixture: Fixture;
let calls: number;
/** How many calls {@link untilChanged} has waited for. */
let known: number;
let watcher: EventWatcher;
let recorded: ReturnType<typeof recordedWatch>;
let caught: ReturnType<typeof catchWarnings>;

beforeEach(async () => {
  caught = catchWarnings();
  fixture = await makeFixture();
  recorded = recordedWatch();
  calls = 0;
  known = 0;
});

afterEach(async () => {
  watcher.stop();
  caught.release();
  await removeFixtures();
});

function start(...paths: string[]) {
  return startBy(systemClock, ...paths);
}

async function startBy(clock: Clock, ...paths: string[]) {
  const onTrouble = (error: unknown) => {
    throw error;
  };
  watcher = new EventWatcher({ paths, clock, watch: recorded.watch, onChange: () => calls++, onTrouble });
  await watcher.start();
}

/** Waits until at least one more change was told than at the last time. */
async function untilChanged() {
  await waitUntil("a change is told", () => calls > known);
  known = calls;
}

describe("told at once is", () => {
  test.each(changes)("%s", async (_, act) => {
    await start(fixture.root);
    await act(fixture);
    await untilChanged();
  });
});

describe("not a change is", () => {
  test.each(noChanges)("%s", async (_, act) => {
    await start(fixture.root);
    await act(fixture);
    await appendFile(`${fixture.root}/file`, "a change after all");
    await recorded.untilTold("file");
    expect(calls).toBe(1);
  });
});

test("nothing is a change at start", async () => {
  await writeFile(`${fixture.root}/before`, "");
  await start(fixture.root);
  await appendFile(`${fixture.root}/file`, "more");
  await recorded.untilTold("file");
  expect([calls, recorded.told]).toEqual([1, ["file"]]);
});

describe("watched from then on is", () => {
  const cases: [string, string, (fixture: Fixture) => Promise<unknown>][] = [
    ["a new directory", "new", ({ root }) => mkdir(`${root}/new`)],
    ["a directory in new directories", "a/b/c", ({ root }) => mkdir(`${root}/a/b/c`, { recursive: true })],
    ["a renamed directory", "renamed", ({ root }) => rename(`${root}/dir`, `${root}/renamed`)],
    ["a directory in a renamed one", "renamed/sub", ({ root }) => rename(`${root}/dir`, `${root}/renamed`)],
    ["a directory moved in", "moved/inner", ({ root, outside }) => rename(`${outside}/folder`, `${root}/moved`)],
    [
      "a directory removed and made again",
      "dir/sub",
      async ({ root }) => {
        await rm(`${root}/dir/sub`, { recursive: true });
        await mkdir(`${root}/dir/sub`);
      },
    ],
  ];
  test.each(cases)("%s", async (_, directory, act) => {
    await start(fixture.root);
    await act(fixture);
    await untilChanged();
    await appendFile(`${fixture.root}/marker`, "");
    await recorded.untilTold("marker");
    known = calls;
    await writeFile(`${fixture.root}/${directory}/late`, "");
    await recorded.untilTold(`${directory}/late`);
    await untilChanged();
  });
});

describe("watched anew is", () => {
  /** Lets the watcher look at its paths until the condition holds. Else it does not: no look falls between two steps. */
  async function lookUntil(clock: FakeClock, condition: () => boolean) {
    while (!condition()) await clock.advance(200);
  }

  /**
   * Waits until watches have told so many times that their directory was removed. Bun may take that for the end of a watch
   * which a look has begun before, and only another look would begin it again.
   */
  const untilRemoved = (times: number) =>
    waitUntil("the removal is told", () => recorded.told.filter((name) => typeof name !== "string").length >= times);

  test("the directory that was removed and made again, at once or later", async () => {
    const { root } = fixture;
    const clock = new FakeClock();
    await startBy(clock, root);
    await rm(root, { recursive: true });
    await untilRemoved(1);
    await lookUntil(clock, () => caught.warnings.length > 0);
    expect(caught.warnings).toEqual([missingWarning(root)]);
    known = calls;
    await mkdir(root);
    await lookUntil(clock, () => calls > known);
    await writeFile(`${root}/late`, "");
    await recorded.untilTold("late");

    await waitUntil("one watch is left", () => recorded.closed.length === 1);
    await rm(root, { recursive: true });
    await mkdir(`${root}/dir`, { recursive: true });
    await untilRemoved(2);
    await lookUntil(clock, () => recorded.closed.length === 2);
    await writeFile(`${root}/dir/later`, "");
    await recorded.untilTold("dir/later");
    expect(caught.warnings.length).toBe(1);
  });

  test("the directory that took the place of another", async () => {
    const { root, outside } = fixture;
    const clock = new FakeClock();
    await startBy(clock, root);
    await rename(root, `${outside}/old`);
    await rename(`${outside}/folder`, root);
    await lookUntil(clock, () => recorded.closed.length === 1);
    known = calls;
    await writeFile(`${root}/inner/late`, "");
    await recorded.untilTold("inner/late");
    await untilChanged();
  });

  test("where a symbolic link leads now", async () => {
    const { root, outside } = fixture;
    await symlink(root, `${outside}/current`);
    await start(`${outside}/current`);
    await appendFile(`${root}/dir/file`, "more");
    await recorded.untilTold("dir/file");
    known = calls;
    await symlink(`${outside}/folder`, `${outside}/next`);
    await rename(`${outside}/next`, `${outside}/current`);
    await untilChanged();
    await writeFile(`${outside}/folder/late`, "");
    await recorded.untilTold("late");
  });

  test("a directory under all the names it is watched by", async () => {
    const { root, outside } = fixture;
    await symlink(root, `${outside}/current`);
    const clock = new FakeClock();
    await startBy(clock, `${outside}/current`, root);
    await rm(root, { recursive: true });
    await mkdir(root);
    await untilRemoved(2);
    await lookUntil(clock, () => recorded.closed.length === 2);
    await writeFile(`${root}/late`, "");
    await waitUntil("both tell", () => recorded.told.filter((name) => name === "late").length >= 2);
  });

  test("the file that replaced another", async () => {
    const file = `${fixture.root}/file`;
    await start(file);
    await writeFile(`${file}.new`, "saved");
    await rename(`${file}.new`, file);
    await untilChanged();
    await waitUntil("watched anew", () => recorded.closed.length === 1);
    known = calls;
    await appendFile(file, "more");
    await untilChanged();
    await unlink(file);
    await waitUntil("it is missed", () => caught.warnings.length > 0);
    known = calls;
    await writeFile(file, "back");
    await untilChanged();
  });

  test("the tree in which events were lost", async () => {
    let isDeaf = true;
    watcher = new EventWatcher({
      paths: [fixture.root],
      clock: systemClock,
      watch: (path, options, listener) => {
        const handle = recorded.watch(path, options, (event, filename) => !isDeaf && listener(event, filename));
        // What Bun tells when the kernel's queue overflowed.
        if (isDeaf) setTimeout(() => listener("change", null), 5);
        return handle;
      },
      onChange: () => calls++,
      onTrouble: () => {},
    });
    await watcher.start();
    isDeaf = false;
    await waitUntil("watched anew", () => recorded.closed.length === 1);
    // The event that told it, and what nobody told of in between.
    await waitUntil("both are changes", () => calls === 2);
  });
});

test("a missing path is a warning, the others are watched, and its appearance is a change", async () => {
  const missing = `${fixture.outside}/a/b/later`;
  await start(missing, fixture.root);
  expect(caught.warnings).toEqual([missingWarning(missing)]);
  await appendFile(`${fixture.root}/file`, "more");
  await recorded.untilTold("file");
  expect(calls).toBe(1);
  known = calls;
  await mkdir(missing, { recursive: true });
  await untilChanged();
  await writeFile(`${missing}/late`, "");
  await recorded.untilTold("late");
  expect(caught.warnings.length).toBe(1);
});

test("paths may be the same, and lie in one another", async () => {
  const { root } = fixture;
  await start(root, root, `${root}/dir`, `${root}/dir/sub/file`);
  await appendFile(`${root}/dir/sub/file`, "more");
  await waitUntil("each watch tells", () => calls === 4);
  await rm(`${root}/dir`, { recursive: true });
  await waitUntil("what went is missed", () => caught.warnings.length === 2);
  await mkdir(`${root}/dir/sub`, { recursive: true });
  known = calls;
  await writeFile(`${root}/dir/sub/late`, "");
  await recorded.untilTold("dir/sub/late");
  await untilChanged();
});

test("after stop nothing is told, and all watches are closed", async () => {
  const { root } = fixture;
  await start(root, `${root}/dir`);
  watcher.stop();
  await waitUntil("both watches are closed", () => recorded.closed.length === 2);
  const sentinel = recordedWatch();
  const handle = sentinel.watch(root, { recursive: true }, () => {});
  await appendFile(`${root}/dir/file`, "more");
  await sentinel.untilTold("dir/file");
  handle.close();
  expect([calls, recorded.told]).toEqual([0, []]);
});
