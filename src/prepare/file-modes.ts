/** Giving files the modes LocalStack asks for: `LOCALSTACK_CHMOD_PATHS`, `docs/contract/lifecycle.md 9.2`. */
import fs, { type Stats } from "node:fs";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { settings } from "../settings/settings.ts";
import { archiveLinkIn } from "./follow-path.ts";

/** One entry of the list, understood. */
interface FileModes {
  /** The top of the tree that gets the mode. */
  readonly path: string;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
}

/**
 * Gives every path of the list, and all that lies below it, its mode. What is wrong with an entry is a warning: a
 * function may well do without, and the other entries still count.
 * @param text a JSON list of `{"path": "…", "mode": "…"}`
 * @param archiveLinks links that code archives made: what lies behind one is not changed
 */
export function applyFileModes(text: string, archiveLinks: ReadonlySet<string> = new Set()): void {
  const list = parseList(text);
  if (!list) {
    warn(`the value ${inShort(text)} is left out: it must be a JSON list of {"path": "…", "mode": "…"}`);
    return;
  }
  for (const [index, entry] of list.entries()) {
    const what = `entry ${index + 1}, ${inShort(JSON.stringify(entry))},`;
    const modes = readEntry(entry);
    if ("problem" in modes) warn(`${what} is left out: ${modes.problem}`);
    else applyEntry(modes, what, archiveLinks);
  }
}

function warn(sentence: string): void {
  log.warn(`${settings.chmodPaths.variable}: ${sentence}`);
}

function inShort(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function parseList(text: string): unknown[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

function readEntry(entry: unknown): FileModes | { problem: string } {
  if (typeof entry !== "object" || entry === null) return { problem: 'it must be {"path": "…", "mode": "…"}' };
  const { path, mode } = entry as Record<string, unknown>;
  if (typeof path !== "string" || path === "" || path.includes("\0"))
    return { problem: "its path must be a file name" };
  const bits = parseMode(mode);
  return bits === undefined
    ? { problem: 'its mode must be octal digits, 0 to 7777, such as "755", "0755" or "0o755"' }
    : { path, mode: bits };
}

/** Always octal, since nobody means `755` in decimal; a JSON number stands for its digits. */
function parseMode(mode: unknown): number | undefined {
  if (typeof mode !== "string" && typeof mode !== "number") return undefined;
  const digits = /^(?:0o)?([0-7]+)$/i.exec(String(mode))?.[1];
  const bits = digits === undefined ? Number.NaN : Number.parseInt(digits, 8);
  return bits <= 0o7777 ? bits : undefined;
}

/** @param what the entry, as the start of a warning */
function applyEntry({ path, mode }: FileModes, what: string, archiveLinks: ReadonlySet<string>): void {
  let root: string;
  try {
    // A listed path may be a link, `/tmp` to a volume for instance. Links below it are left alone.
    root = fs.realpathSync(path);
    const archiveLink = archiveLinkIn(path, archiveLinks);
    if (archiveLink !== undefined) throw new Error(`${archiveLink} is a symbolic link of a code archive`);
  } catch (error) {
    warn(`${what} is left out: ${messageOf(error)}`);
    return;
  }
  const failures = setModes(root, mode);
  const [first, ...others] = failures;
  if (first === undefined) return;
  const count = others.length === 0 ? "" : ` (and ${others.length} more below ${path})`;
  warn(`${what} is not complete: ${first}${count}`);
}

const slash = Uint8Array.of(0x2f);

/**
 * Walks a tree without following a link, and sets the mode of all else in it.
 *
 * Modes that are right already are not written: on an image's layer even that would copy the whole file, and on a
 * read-only mount it would fail for nothing. Names are bytes throughout, because a name need not be UTF-8. Nothing
 * guards against a file turned into a link between the look and the change: nothing of the function runs yet.
 * @returns one sentence for each thing that could not be done
 */
function setModes(root: string, mode: number): string[] {
  const failures: string[] = [];
  // Without these bits a directory is closed to init too, where init is not root.
  const opensDirectories = (mode & 0o500) === 0o500;
  const closeAtTheEnd: [Buffer, Stats][] = [];
  const left = [Buffer.from(root)];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    try {
      const stats = fs.lstatSync(path);
      if (stats.isSymbolicLink()) continue;
      if (stats.isDirectory() && !opensDirectories) closeAtTheEnd.push([path, stats]);
      else setMode(path, stats, mode, failures);
      if (stats.isDirectory())
        for (const name of fs.readdirSync(path, "buffer")) left.push(Buffer.concat([path, slash, name]));
    } catch (error) {
      note(error, failures);
    }
  }
  // A directory was met before those in it: from the end, none is closed before what lies below.
  for (const [path, stats] of closeAtTheEnd.reverse()) setMode(path, stats, mode, failures);
  return failures;
}

function setMode(path: Buffer, stats: Stats, mode: number, failures: string[]): void {
  if ((stats.mode & 0o7777) === mode) return;
  try {
    fs.chmodSync(path, mode);
  } catch (error) {
    note(error, failures);
  }
}

/** What vanished since its directory was read needs no mode any more. */
function note(error: unknown, failures: string[]): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOENT" && code !== "ENOTDIR") failures.push(messageOf(error));
}
