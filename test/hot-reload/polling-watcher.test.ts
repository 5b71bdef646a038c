import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFile, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import type { Clock } from "../../src/clock.ts";
import { PollingWatcher } from "../../src/hot-reload/polling-watcher.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { changes, noChanges } from "./changes.ts";
import { catchWarnings, type Fixture, makeFixture, missingWarning, removeFixtures } from "./support.ts";

let fixture: Fixture;
let clock: FakeClock;
let calls: number;
let watcher: PollingWatcher;
let caught: ReturnType<typeof catchWarnings>;

beforeEach(async () => {
  caught = catchWarnings();
  fixture = await makeFixture();
  clock = new FakeClock();
  calls = 0;
});

afterEach(async () => {
  watcher.stop();
  caught.release();
  await removeFixtures();
});

async function start(...paths: string[]) {
  watcher = new PollingWatcher(paths, clock, () => calls++);
  await watcher.start();
}

describe("the next scan sees", () => {
  test.each(changes)("%s", async (_, act) => {
    await start(fixture.root);
    await act(fixture);
    await clock.advance(199);
    expect(calls).toBe(0);
    await clock.advance(1);
    expect(calls).toBe(1);
    await clock.advance(1000);
    expect(calls).toBe(1);
  });
});

describe("not a change is", () => {
  test.each(noChanges)("%s", async (_, act) => {
    await start(fixture.root);
    await act(fixture);
    await clock.advance(1000);
    expect(calls).toBe(0);
    await appendFile(`${fixture.root}/file`, "a change after all");
    await clock.advance(200);
    expect(calls).toBe(1);
  });
});

test("nothing is a change at start", async () => {
  await start(fixture.root);
  await clock.advance(1000);
  expect(calls).toBe(0);
});

test("what is made in new and in renamed directories is seen", async () => {
  const { root } = fixture;
  await start(root);
  await mkdir(`${root}/new/inner`, { recursive: true });
  await rename(`${root}/dir`, `${root}/renamed`);
  await clock.advance(200);
  await writeFile(`${root}/new/inner/file`, "");
  await clock.advance(200);
  await appendFile(`${root}/renamed/sub/file`, "more");
  await clock.advance(200);
  expect(calls).toBe(3);
});

test("a watched directory that was removed and made again is seen all the time", async () => {
  const { root } = fixture;
  await start(root);
  await rm(root, { recursive: true });
  await clock.advance(400);
  expect(calls).toBe(1);
  await mkdir(root);
  await clock.advance(200);
  expect(calls).toBe(2);
  await writeFile(`${root}/file`, "");
  await clock.advance(200);
  expect(calls).toBe(3);
  expect(caught.warnings).toEqual([missingWarning(root)]);
});

test("a missing path is a warning, the others are watched, and its appearance is a change", async () => {
  const missing = `${fixture.outside}/later`;
  await start(missing, fixture.root);
  await clock.advance(1000);
  expect(calls).toBe(0);
  await appendFile(`${fixture.root}/file`, "more");
  await clock.advance(200);
  expect(calls).toBe(1);
  await mkdir(missing);
  await clock.advance(200);
  expect(calls).toBe(2);
  expect(caught.warnings).toEqual([missingWarning(missing)]);
});

test("a path may be a file, or lead to a directory by a link, also by one that is changed", async () => {
  const { root, outside } = fixture;
  await symlink(root, `${outside}/current`);
  await start(`${root}/dir/file`, `${outside}/current`, "/proc/self/nothing/there");
  await appendFile(`${root}/dir/file`, "more");
  await clock.advance(200);
  expect(calls).toBe(1);
  await appendFile(`${root}/file`, "more");
  await clock.advance(200);
  expect(calls).toBe(2);
  await symlink(`${outside}/folder`, `${outside}/next`);
  await rename(`${outside}/next`, `${outside}/current`);
  await clock.advance(200);
  expect(calls).toBe(3);
  await appendFile(`${outside}/folder/inner/file`, "more");
  await clock.advance(200);
  expect(calls).toBe(4);
});

/** A clock on which every question for the time takes 0.1 ms. */
class BusyClock implements Clock {
  readonly waits: number[] = [];
  #pending: (() => void) | undefined;
  #now = 0;

  get passed() {
    return this.#now;
  }

  now() {
    this.#now += 0.1;
    return this.#now;
  }

  epoch() {
    return 0;
  }

  after(ms: number, action: () => void) {
    this.waits.push(ms);
    this.#now += ms;
    this.#pending = action;
    return () => {
      this.#pending = undefined;
    };
  }

  /** Rings what waits; `false`: nothing does. */
  ring(): boolean {
    const action = this.#pending;
    this.#pending = undefined;
    action?.();
    return action !== undefined;
  }
}

describe("a big tree", () => {
  const files = 500;

  beforeEach(async () => {
    for (let count = 0; count < files; count++) await writeFile(`${fixture.root}/dir/file${count}`, "");
  });

  test("is looked at in slices of 1 ms with pauses, and rests four times as long as a scan took", async () => {
    const busy = new BusyClock();
    watcher = new PollingWatcher([fixture.root], busy, () => calls++);
    const ready = watcher.start();
    while (busy.waits.at(-1) === 1) busy.ring();
    await ready;
    const rest = busy.waits.at(-1) as number;
    const pauses = busy.waits.length - 1;
    expect(pauses).toBeGreaterThan(files / 12);
    expect(rest / (busy.passed - rest)).toBeWithin(3.9, 4.1);
    await appendFile(`${fixture.root}/dir/file7`, "more");
    do busy.ring();
    while (busy.waits.at(-1) === 1);
    expect(calls).toBe(1);
  });

  test("stop in the middle of a scan ends it, and who waits for the first need not wait on", async () => {
    const busy = new BusyClock();
    watcher = new PollingWatcher([fixture.root], busy, () => calls++);
    const ready = watcher.start();
    busy.ring();
    watcher.stop();
    await ready;
    expect(busy.ring()).toBe(false);
  });
});

test("after stop nothing is looked at", async () => {
  await start(fixture.root);
  await appendFile(`${fixture.root}/file`, "more");
  watcher.stop();
  await clock.advance(10_000);
  expect(calls).toBe(0);
});

test("a receiver that stops the watcher is not called again", async () => {
  watcher = new PollingWatcher([fixture.root], clock, () => {
    calls++;
    watcher.stop();
  });
  await watcher.start();
  await appendFile(`${fixture.root}/file`, "more");
  await clock.advance(200);
  await appendFile(`${fixture.root}/file`, "more");
  await clock.advance(1000);
  expect(calls).toBe(1);
});
