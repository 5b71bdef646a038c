import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { systemClock } from "../../src/clock.ts";
import { TreeWatch, type WatchFunction } from "../../src/hot-reload/tree-watch.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { waitUntil } from "../support/within.ts";
import { recordedWatch } from "./support.ts";

/** More than are watched at once: `many/0` to `many/259`, `few/inner`. */
const many = 260;

let root: string;
let tree: TreeWatch;
let calls: number;
let recorded: ReturnType<typeof recordedWatch>;
let watches: { path: string; recursive: boolean }[];

beforeEach(async () => {
  root = await mkdtemp(`${tmpdir()}/tree-watch-`);
  for (let count = 0; count < many; count++) mkdirSync(`${root}/many/${count}`, { recursive: true });
  mkdirSync(`${root}/few/inner`, { recursive: true });
  recorded = recordedWatch();
  watches = [];
  calls = 0;
});

afterEach(async () => {
  tree.close();
  await rm(root, { recursive: true });
});

const watch: WatchFunction = (path, options, listener) => {
  watches.push({ path: path.slice(root.length), recursive: options.recursive });
  return recorded.watch(path, options, listener);
};

function newTree(path = root, clock = systemClock, watchWith = watch) {
  const onChange = () => {
    calls++;
  };
  const unexpected = (error?: unknown) => {
    throw error ?? new Error("deaf");
  };
  tree = new TreeWatch(path, true, { clock, watch: watchWith, onChange, onDeaf: unexpected, onError: unexpected });
  return tree;
}

async function untilChanged() {
  await waitUntil("a change is told", () => calls > 0);
  calls = 0;
}

describe("a big tree", () => {
  test("is watched in parts, none of them big", async () => {
    await newTree().open();
    expect(tree.directories).toBe(many + 4);
    const alone = watches.filter(({ recursive }) => !recursive).map(({ path }) => path);
    expect(alone.sort()).toEqual(["", "/many"]);
    expect(watches).toHaveLength(2 + many + 1);
    expect(watches).toContainEqual({ path: "/few", recursive: true });
  });

  test("is watched in slices: others have their turn, and closed in between it stays closed", async () => {
    // Every look at the clock takes as long as a slice.
    let now = 0;
    const clock = Object.assign(new FakeClock(), { now: () => (now += 100) });
    const opened = newTree(root, clock).open();
    const before = watches.length;
    await clock.advance(20);
    expect(watches.length).toBeGreaterThanOrEqual(before);
    expect(watches.length).toBeLessThan(many);
    tree.close();
    await opened;
    const then = watches.length;
    await clock.advance(10_000);
    expect(watches).toHaveLength(then);
  });

  const changes: [string, () => Promise<unknown>][] = [
    ["a file beside the parts", () => writeFile(`${root}/new`, "")],
    ["a file in a part", () => writeFile(`${root}/many/7/new`, "")],
    ["a file deep in a part", () => writeFile(`${root}/few/inner/new`, "")],
    ["a new part", () => mkdir(`${root}/many/new`)],
    ["a part that went", () => rm(`${root}/many/9`, { recursive: true })],
  ];
  test.each(changes)("tells of %s", async (_, act) => {
    await newTree().open();
    await act();
    await untilChanged();
  });

  test("tells nothing of Python's caches", async () => {
    await newTree().open();
    await mkdir(`${root}/__pycache__`);
    await writeFile(`${root}/many/3/x.pyc`, "");
    await appendFile(`${root}/marker`, "");
    await recorded.untilTold("marker");
    await waitUntil("all is told", () => recorded.told.length >= 3);
    expect(calls).toBeLessThanOrEqual(2); // The marker is made, then written.
  });

  const parts: [string, string, () => Promise<unknown>][] = [
    ["made", "/many/new", () => mkdir(`${root}/many/new`)],
    ["moved in with what it holds", "/many/few/inner", () => rename(`${root}/few`, `${root}/many/few`)],
    ["renamed", "/renamed/5", () => rename(`${root}/many`, `${root}/renamed`)],
    [
      "removed and made again",
      "/many/5",
      async () => {
        await rm(`${root}/many/5`, { recursive: true });
        await mkdir(`${root}/many/5`);
      },
    ],
  ];
  test.each(parts)("watches a part that was %s", async (_, path, act) => {
    await newTree().open();
    const before = watches.length;
    await act();
    const isCovered = () =>
      watches.slice(before).some((one) => one.path === path || (one.recursive && path.startsWith(`${one.path}/`)));
    await waitUntil("it is watched", isCovered);
    await untilChanged();
    await writeFile(`${root}${path}/late`, "");
    await waitUntil("the late file is told", () => recorded.told.some((name) => name?.endsWith("late")));
  });
});

test("a small tree is watched at once, by one watch", () => {
  // However slow the machine is: this clock stands.
  void newTree(`${root}/few`, new FakeClock()).open();
  expect(watches).toEqual([{ path: "/few", recursive: true }]);
  expect(tree.directories).toBe(2);
});

test("the kernel's own trees below the root are left out", async () => {
  const handle = { on: () => {}, close: () => {} };
  const paths: string[] = [];
  let now = 0;
  // One directory for each look at the clock, and no more than some hundred of them.
  const clock = Object.assign(new FakeClock(), { now: () => (now += 100) });
  void newTree("/", clock, (path) => {
    paths.push(path);
    return handle;
  }).open();
  await clock.advance(300);
  expect(paths[0]).toBe("/");
  expect(paths.filter((path) => /^\/(proc|sys|dev)(\/|$)/.test(path))).toEqual([]);
});
