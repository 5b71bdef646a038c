/** Trees of files with modes, and what becomes of them. */
import { spyOn } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { log } from "../../../src/log.ts";
import { applyFileModes } from "../../../src/prepare/file-modes.ts";

const roots: string[] = [];

/** To be called after each test. */
export function removeTrees(): void {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
}

/** A new directory with these files in it; a name that ends in a slash is a directory. All start as 0755. */
export function tree(...names: string[]): string {
  const root = mkdtempSync(`${tmpdir()}/init-file-modes-`);
  roots.push(root);
  chmodSync(root, 0o755);
  for (const name of names) {
    if (name.endsWith("/")) mkdirSync(`${root}/${name}`);
    else writeFileSync(`${root}/${name}`, "");
    chmodSync(`${root}/${name}`, 0o755);
  }
  return root;
}

/** Permission and special bits, as octal digits; of a link its own. */
export function modeOf(path: string): string {
  return (lstatSync(path).mode & 0o7777).toString(8);
}

/** The modes of these files below `root`; the empty name is `root` itself. */
export function modesIn(root: string, ...names: string[]): string[] {
  return names.map((name) => modeOf(`${root}/${name}`));
}

/** Applies a list and tells the warnings it caused. */
export function warningsOf(list: unknown): string[] {
  const warn = spyOn(log, "warn").mockImplementation((() => {}) as never);
  try {
    applyFileModes(typeof list === "string" ? list : JSON.stringify(list));
    return warn.mock.calls.map((args) => args.join(" "));
  } finally {
    warn.mockRestore();
  }
}
