/** The function's code and layers: archives to fetch and unpack (`docs/contract/lifecycle.md 9.3`). */
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import type { CodeArchive } from "../../settings/settings.ts";
import { download } from "./download.ts";
import { unzip } from "./unzip.ts";
import { ZipArchive } from "./zip-archive.ts";

/** Names the archive's url, what was wrong with it (and with which entry), and what to look at. */
export class CodeArchiveError extends Error {
  override name = "CodeArchiveError";
}

export interface UnpackOptions {
  readonly clock: Clock;
  /**
   * Where the archives lie while they are unpacked. `/tmp` is what Lambda promises to be there and writable; `TMPDIR`
   * is the function's to set.
   */
  readonly temporaryDirectory?: string;
}

/**
 * Fetches all archives at once, checks them all, then unpacks them in their order: a later one wins over an earlier
 * one.
 * @returns the real paths of the symbolic links they made
 * @throws {CodeArchiveError} what was unpacked so far stays: nothing may be started from it
 */
export async function unpackCodeArchives(
  archives: readonly CodeArchive[],
  options: UnpackOptions,
): Promise<Set<string>> {
  const { clock, temporaryDirectory = "/tmp" } = options;
  const files: number[] = [];
  const links = new Set<string>();
  try {
    const opened = await allOrNone(archives, async ({ url }, stop) => {
      try {
        const fd = openTemporary(temporaryDirectory);
        files.push(fd);
        await download(url, fd, clock, stop);
        return await ZipArchive.open(fd);
      } catch (error) {
        throw new CodeArchiveError(`the code archive ${url} cannot be used: ${messageOf(error)}`, { cause: error });
      }
    });
    for (const [index, { url, target_path: target }] of archives.entries()) {
      try {
        await unzip(opened[index] as ZipArchive, target, links, clock);
      } catch (error) {
        const problem = `the code archive ${url} cannot be unpacked into ${target}: ${messageOf(error)}`;
        throw new CodeArchiveError(problem, { cause: error });
      }
    }
    return links;
  } finally {
    for (const fd of files) fs.closeSync(fd);
  }
}

/**
 * Does the work for all items at once; the first error stops the rest.
 * @throws that error, when all have come to an end
 */
async function allOrNone<T, R>(items: readonly T[], work: (item: T, stop: AbortSignal) => Promise<R>): Promise<R[]> {
  const stop = new AbortController();
  const all = items.map((item) => work(item, stop.signal));
  try {
    return await Promise.all(all);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(all);
    throw error;
  }
}

/** A file without a name: it is gone when it is closed, even if init is killed. */
function openTemporary(directory: string): number {
  const path = `${directory}/init-code-archive-${randomUUID()}`;
  const fd = fs.openSync(
    path,
    fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW,
    0o600,
  );
  fs.unlinkSync(path);
  return fd;
}
