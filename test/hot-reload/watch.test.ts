import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { appendFile, rm, writeFile } from "node:fs/promises";
import type { WatchFunction } from "../../src/hot-reload/tree-watch.ts";
import { type Watching, type WatchOptions, watchForChanges } from "../../src/hot-reload/watch.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { waitUntil } from "../support/within.ts";
import { catchWarnings, type Fixture, makeFixture, missingWarning, recordedWatch, removeFixtures } from "./support.ts";

const linux = "6.8.0-45-generic";

let fixture: Fixture;
let clock: FakeClock;
let calls: number;
let watching: Watching;
let recorded: ReturnType<typeof recordedWatch>;
let caught: ReturnType<typeof catchWarnings>;

beforeEach(async () => {
  caught = catchWarnings();
  fixture = await makeFixture();
  recorded = recordedWatch();
  clock = new FakeClock();
  calls = 0;
});

afterEach(async () => {
  watching.stop();
  caught.release();
  await removeFixtures();
});

function watchRoot(options: Partial<WatchOptions> = {}, watch: WatchFunction = recorded.watch) {
  const paths = [fixture.root];
  const defaults: WatchOptions = { paths, strategy: "auto", clock, kernelRelease: linux, onChange: () => calls++ };
  watching = watchForChanges({ ...defaults, ...options }, watch);
}

async function start(options: Partial<WatchOptions> = {}, watch?: WatchFunction) {
  watchRoot(options, watch);
  // Polling is ready at once and scans every 200 ms from then on; events wait a little for errors.
  await clock.advance(options.strategy === "polling" ? 0 : 20);
  await watching.ready;
}

describe.each(["event", "polling"] as const)("by %s", (strategy) => {
  /** Time for a change to be noticed, without that the clock of the debounce runs out. */
  const noticed = (filename: string) => (strategy === "event" ? recorded.untilTold(filename) : clock.advance(200));

  /** Makes an empty file, by one event. `writeFile` makes two, of which the second may come once the test has gone on. */
  const makeFile = (path: string) => appendFile(path, "");

  test("nothing is called at start", async () => {
    await start({ strategy });
    await clock.advance(10_000);
    expect(calls).toBe(0);
  });

  test("the first change of a series is named", async () => {
    const named: string[] = [];
    await start({ strategy, onChange: (path) => named.push(path) });
    await appendFile(`${fixture.root}/dir/file`, "more");
    await noticed("dir/file");
    await appendFile(`${fixture.root}/file`, "more");
    await noticed("file");
    await clock.advance(1000);
    await makeFile(`${fixture.root}/dir/new`);
    await noticed("dir/new");
    await clock.advance(1000);
    expect(named).toEqual([`${fixture.root}/dir/file`, `${fixture.root}/dir/new`]);
  });

  test("what the caller names as no code is none, wherever it lies", async () => {
    const named: string[] = [];
    await start({ strategy, isIgnored: (name) => name.startsWith("notes"), onChange: (path) => named.push(path) });
    await writeFile(`${fixture.root}/notes.json`, "");
    await noticed("notes.json");
    await writeFile(`${fixture.root}/dir/notes.json.tmp`, "");
    await noticed("dir/notes.json.tmp");
    await clock.advance(10_000);
    expect(named).toEqual([]);
    await appendFile(`${fixture.root}/dir/file`, "more");
    await noticed("dir/file");
    await clock.advance(1000);
    expect(named).toEqual([`${fixture.root}/dir/file`]);
  });

  test("Python's compiled modules are none either then", async () => {
    await start({ strategy, isIgnored: (name) => name.startsWith("notes") });
    await writeFile(`${fixture.root}/dir/app.pyc`, "");
    await noticed("dir/app.pyc");
    await clock.advance(10_000);
    expect(calls).toBe(0);
  });

  test("a change is called 500 ms after it was noticed, and once", async () => {
    await start({ strategy });
    await appendFile(`${fixture.root}/dir/file`, "more");
    await noticed("dir/file");
    await clock.advance(499);
    expect(calls).toBe(0);
    await clock.advance(1);
    expect(calls).toBe(1);
    await clock.advance(10_000);
    expect(calls).toBe(1);
  });

  test("5,000 files are one call", async () => {
    await start({ strategy });
    for (let count = 1; count < 5000; count++) writeFileSync(`${fixture.root}/dir/file${count}`, "new");
    await makeFile(`${fixture.root}/dir/file5000`);
    await noticed("dir/file5000");
    await clock.advance(10_000);
    expect(calls).toBe(1);
    recorded.told.length = 0;
    await makeFile(`${fixture.root}/dir/last`);
    await noticed("dir/last");
    await clock.advance(10_000);
    expect(calls).toBe(2);
  });

  test("a receiver that throws, at once or later, is a warning, and called again", async () => {
    const onChange = () => {
      calls++;
      if (calls === 1) throw new Error("at once");
      return Promise.reject(new Error("later"));
    };
    await start({ strategy, onChange });
    for (let time = 1; time <= 3; time++) {
      // Bun tells the same thing of the same file only once in a millisecond, and no more than that passes here.
      await makeFile(`${fixture.root}/file${time}`);
      await noticed(`file${time}`);
      await clock.advance(1000);
      expect(calls).toBe(time);
    }
    expect(caught.warnings).toEqual([
      "hot reload failed: Error: at once",
      "hot reload failed: Error: later",
      "hot reload failed: Error: later",
    ]);
  });

  test("after stop nothing is called, not even what was pending", async () => {
    await start({ strategy });
    await appendFile(`${fixture.root}/file`, "more");
    await noticed("file");
    watching.stop();
    await appendFile(`${fixture.root}/file`, "more");
    await clock.advance(10_000);
    expect(calls).toBe(0);
    watching.stop();
  });

  test("stop before the start leaves nothing, and who waits need not wait on", async () => {
    watchRoot({ strategy, paths: [`${fixture.root}/missing`] });
    watching.stop();
    await watching.ready;
    await clock.advance(1000);
    expect(caught.warnings).toEqual([]);
  });

  test("no path at all is no trouble", async () => {
    await start({ strategy, paths: [] });
    await clock.advance(1000);
    expect([calls, caught.warnings]).toEqual([0, []]);
  });

  test("a path given twice is one", async () => {
    await start({ strategy, paths: [`${fixture.root}/missing`, `${fixture.root}/dir/../missing/`] });
    expect(caught.warnings).toEqual([missingWarning(`${fixture.root}/missing`)]);
  });
});

describe("when watches cannot be had", () => {
  const failure = (code: string) => Object.assign(new Error(`${code}: as the kernel said`), { code });

  /** The first watches are had, the next throws. */
  const thatThrows = (code: string, had = 0): WatchFunction => {
    let asked = 0;
    return (...args) => {
      if (asked++ >= had) throw failure(code);
      return recorded.watch(...args);
    };
  };

  /** Had, but not for all directories; Bun tells so right after. */
  const thatTellsAnError =
    (code: string, error = failure(code)): WatchFunction =>
    (...args) => {
      const handle = recorded.watch(...args);
      return {
        close: () => handle.close(),
        on(event, listener) {
          setImmediate(() => {
            listener(error);
            listener(error);
          });
          return handle.on(event, listener);
        },
      };
    };

  const cases: [string, WatchOptions["strategy"], () => WatchFunction][] = [
    ["EMFILE thrown", "auto", () => thatThrows("EMFILE")],
    ["EMFILE thrown", "event", () => thatThrows("EMFILE")],
    ["EMFILE thrown for the second path", "event", () => thatThrows("EMFILE", 1)],
    ["an error of no known kind", "auto", () => thatThrows("ENOSYS")],
    ["ENOSPC told later", "auto", () => thatTellsAnError("ENOSPC")],
    ["ENOSPC told later", "event", () => thatTellsAnError("ENOSPC")],
  ];
  test.each(cases)("%s (%s): one warning, then polling", async (_, strategy, watch) => {
    await start({ strategy, paths: [fixture.root, `${fixture.outside}/folder`] }, watch());
    expect(caught.warnings.length).toBe(1);
    expect(caught.warnings[0]).toMatch(/files are looked at regularly.*: E[A-Z]+: as the kernel said$/);
    await clock.advance(5000);
    expect(calls).toBe(0);
    await appendFile(`${fixture.outside}/folder/inner/file`, "more");
    await clock.advance(700);
    expect(calls).toBe(1);
    expect(caught.warnings.length).toBe(1);
  });

  test("events end when polling starts", async () => {
    await start({ paths: [fixture.root, fixture.outside] }, thatThrows("EMFILE", 1));
    await waitUntil("the first watch is closed", () => recorded.closed.length === 1);
  });

  test("a directory that went while it was to be watched is no trouble", async () => {
    await start({}, thatTellsAnError("ENOENT"));
    expect(caught.warnings).toEqual([]);
    await appendFile(`${fixture.root}/file`, "more");
    await recorded.untilTold("file");
    await clock.advance(500);
    expect(calls).toBe(1);
  });

  test("a path that went between look and watch is missing until it is back", async () => {
    let isGone = true;
    await start({}, (...args) => (isGone ? thatThrows("ENOENT")(...args) : recorded.watch(...args)));
    expect(caught.warnings).toEqual([missingWarning(fixture.root)]);
    await clock.advance(1000);
    expect(calls).toBe(0);
    isGone = false;
    await clock.advance(700);
    expect(calls).toBe(1);
    expect(caught.warnings.length).toBe(1);
  });

  test("changes told before the fall are not lost in the first look", async () => {
    let fail: (error: Error) => void = () => {};
    await start({}, (...args) => {
      const handle = recorded.watch(...args);
      return {
        close: () => handle.close(),
        on(_, listener) {
          fail = listener;
        },
      };
    });
    await appendFile(`${fixture.root}/file`, "more");
    await recorded.untilTold("file");
    await clock.advance(400);
    fail(failure("ENOSPC"));
    await clock.advance(499);
    expect(calls).toBe(0);
    await clock.advance(1);
    expect(calls).toBe(1);
  });

  test.each(["event", "polling"] as const)(
    "the signal ends it in the middle of the first look, by %s",
    async (strategy) => {
      for (let count = 0; count < 300; count++) mkdirSync(`${fixture.root}/dir/${count}`);
      const abort = new AbortController();
      // Every look at the clock takes as long as a slice.
      let now = 0;
      Object.assign(clock, { now: () => (now += 100) });
      watchRoot({ strategy, signal: abort.signal });
      await clock.advance(10);
      let isReady = false;
      void watching.ready.then(() => {
        isReady = true;
      });
      await clock.advance(0);
      expect(isReady).toBe(false);
      abort.abort();
      await watching.ready;
      const { length } = recorded.closed;
      await clock.advance(10_000);
      expect([calls, recorded.closed.length >= length]).toEqual([0, true]);
    },
  );

  test("a signal that has been given starts nothing", async () => {
    await start({ signal: AbortSignal.abort() });
    await appendFile(`${fixture.root}/file`, "more");
    await clock.advance(10_000);
    expect([calls, recorded.told]).toEqual([0, []]);
  });

  test("stop ends the polling too", async () => {
    await start({}, thatThrows("EMFILE"));
    watching.stop();
    await rm(`${fixture.root}/file`);
    await clock.advance(10_000);
    expect(calls).toBe(0);
  });
});
