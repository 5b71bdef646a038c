/** That a run leaves nothing behind but its files. */
import { type Dirent, globSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { controlGroups, directory } from "./places.ts";

/** Milliseconds the kernel may take to forget processes that have ended. */
const patienceMs = 10_000;

/**
 * Removes the control groups of containers that were killed, and names everything that is still there of a run.
 * @param id the run's, which its programs have in their environment, and its containers in the name of their control group
 */
export async function whatIsLeft(id: string): Promise<string[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    removeControlGroups(id);
    const left = [...processes(id), ...mounts(), ...groups(id).map((path) => `control group ${path}`)];
    if (left.length === 0 || performance.now() > deadline) return left;
    await Bun.sleep(100);
  }
}

/** @param id a run's, or `*`: those of runs that were killed before they could. Busy ones stay */
export function removeControlGroups(id: string): void {
  for (const top of groups(id)) {
    for (const path of [...directoriesBelow(top), top]) {
      try {
        rmdirSync(path);
      } catch {
        // Busy, or already gone.
      }
    }
  }
}

/** The deepest first. */
function directoriesBelow(top: string): string[] {
  return (readdirSync(top, { recursive: true, withFileTypes: true }) as Dirent[])
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort((a, b) => b.length - a.length);
}

/** In version 2 of control groups there is one tree, in version 1 one for each controller. */
function groups(id: string): string[] {
  return globSync([`/sys/fs/cgroup/${controlGroups}${id}`, `/sys/fs/cgroup/*/${controlGroups}${id}`]);
}

function processes(id: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => (read(pid, "environ") + read(pid, "cgroup")).includes(id))
    .map((pid) => `process ${pid}: ${read(pid, "cmdline").replaceAll("\0", " ").slice(0, 200)}`);
}

/** Empty for a process that is gone, or whose memory is. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** Those of containers: they are made in the tests' own mount namespace, and must not be seen in this one. */
function mounts(): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(`${directory}/`))
    .map((line) => `mount ${line}`);
}
