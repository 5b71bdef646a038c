/** What a tree of files looks like at one moment, as far as a change of it can be told by. */
import { type BigIntStats, lstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { isOwnCache } from "./own-caches.ts";

/** Path to what tells it from its earlier self. */
export type TreeSnapshot = Map<string, string>;

/** Milliseconds of looking after which others have their turn: an invocation must not wait for a big tree. */
const sliceMs = 3;

/**
 * Looks at everything below `root`, without following links, except for `root` itself. What cannot be read counts as it
 * is: a file whose state is unreadable.
 */
export async function takeSnapshot(root: string): Promise<TreeSnapshot> {
  const found: TreeSnapshot = new Map();
  const directories: string[] = [];
  const look = (path: string, isRoot = false): void => {
    const stat = read(() => (isRoot ? statSync : lstatSync)(path, { bigint: true }));
    if (!stat) return;
    found.set(path, signatureOf(path, stat));
    if (stat.isDirectory()) directories.push(path);
  };
  look(root, true);
  let sliceEnd = performance.now() + sliceMs;
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const name of read(() => readdirSync(directory)) ?? []) {
      if (!isOwnCache(name)) look(`${directory}/${name}`);
      if (performance.now() < sliceEnd) continue;
      await new Promise(setImmediate);
      sliceEnd = performance.now() + sliceMs;
    }
  }
  return found;
}

export function areSame(one: TreeSnapshot, other: TreeSnapshot): boolean {
  if (one.size !== other.size) return false;
  for (const [path, signature] of one) if (other.get(path) !== signature) return false;
  return true;
}

/** A directory's own time and size say what its entries say anyway, and change when a cache is written into it. */
function signatureOf(path: string, stat: BigIntStats): string {
  const identity = `${stat.dev}:${stat.ino}:${stat.mode}`;
  if (stat.isDirectory()) return identity;
  const target = stat.isSymbolicLink() ? read(() => readlinkSync(path)) : "";
  return `${identity}:${stat.mtimeNs}:${stat.size}:${target}`;
}

function read<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined; // It is gone, or none of ours to see.
  }
}
