/** A target directory, a temporary directory, and zip archives in files, for the tests of code archives. */
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { unzip } from "../../../src/prepare/archives/unzip.ts";
import { ZipArchive } from "../../../src/prepare/archives/zip-archive.ts";
import { writeZip, type ZipEntry, type ZipOptions } from "../../support/zip-writer.ts";

/** An outer directory, in which a file beside `target` is a file that got out. */
export function newPlace() {
  const outer = mkdtempSync(`${tmpdir()}/init-archives-`);
  const target = `${outer}/task`;
  const temporaryDirectory = `${outer}/tmp`;
  mkdirSync(temporaryDirectory);
  return { outer, target, temporaryDirectory };
}

/** Unpacks an archive, without any download. */
export async function unpackBytes(bytes: Uint8Array, target: string, clock: Clock = systemClock): Promise<void> {
  const directory = mkdtempSync(`${tmpdir()}/init-archives-`);
  writeFileSync(`${directory}/archive.zip`, bytes);
  const fd = openSync(`${directory}/archive.zip`, "r");
  rmSync(directory, { recursive: true });
  try {
    await unzip(await ZipArchive.open(fd), target, new Set(), clock);
  } finally {
    closeSync(fd);
  }
}

export function unpackEntries(
  entries: readonly ZipEntry[],
  target: string,
  options?: ZipOptions,
  clock?: Clock,
): Promise<void> {
  return unpackBytes(writeZip(entries, options), target, clock);
}

/** The message of the error, which must come. */
export async function failureOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("no error came");
}

export function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

export function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true }).map(String).sort();
}
