/** A tree to change, a watch that tells what it saw, and the warnings written meanwhile. */
import { spyOn } from "bun:test";
import { watch } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { WatchFunction } from "../../src/hot-reload/tree-watch.ts";
import { log } from "../../src/log.ts";
import { waitUntil } from "../support/within.ts";

export interface Fixture {
  /** The tree to watch: `file`, `dir/file`, `dir/sub/file`, `link` to `file`, `linked` to `../outside`. */
  readonly root: string;
  /** A directory beside it, on the same file system: `file`, `folder/inner/file`. */
  readonly outside: string;
}

/** When the files of a fixture were last written, in seconds since 1970. */
export const fixtureTime = 1_500_000_000;

const made: string[] = [];

export async function makeFixture(): Promise<Fixture> {
  const base = await mkdtemp(`${tmpdir()}/hot-reload-`);
  made.push(base);
  const [root, outside] = [`${base}/root`, `${base}/outside`];
  await mkdir(`${root}/dir/sub`, { recursive: true });
  await mkdir(`${outside}/folder/inner`, { recursive: true });
  const files = [`${root}/file`, `${root}/dir/file`, `${root}/dir/sub/file`];
  for (const file of [...files, `${outside}/file`, `${outside}/folder/inner/file`]) {
    await writeFile(file, "as it was");
    await utimes(file, fixtureTime, fixtureTime);
  }
  await symlink("file", `${root}/link`);
  await symlink("../outside", `${root}/linked`);
  return { root, outside };
}

export async function removeFixtures(): Promise<void> {
  for (const base of made.splice(0)) await rm(base, { recursive: true, force: true });
}

/** `fs.watch`, with a record of what it told: each file name, once the listener has dealt with it. */
export function recordedWatch() {
  const told: (string | null | undefined)[] = [];
  const closed: string[] = [];
  const recorded: WatchFunction = (path, options, listener) => {
    const watcher = watch(path, options, (event, filename) => {
      listener(event, filename);
      told.push(filename);
    });
    watcher.on("close", () => closed.push(path));
    return watcher;
  };
  return {
    watch: recorded,
    told,
    closed,
    /** The kernel tells in order: once it told of this file, it has told of everything done before. */
    untilTold: (filename: string) => waitUntil(`an event of ${filename}`, () => told.includes(filename)),
  };
}

/** Keeps warnings from the test's output, and gives them to the test instead. */
export function catchWarnings(): { readonly warnings: readonly string[]; release(): void } {
  const warnings: string[] = [];
  const spy = spyOn(log, "warn").mockImplementation((...args) => void warnings.push(args.join(" ")));
  return { warnings, release: () => spy.mockRestore() };
}

export const missingWarning = (path: string) => `hot reload: ${path} is not there; it is watched from when it appears`;
