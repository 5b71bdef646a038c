/** That a run leaves nothing behind but its files. */
import { globSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { controlGroup, directory } from "./places.ts";

/** Milliseconds the kernel may take to forget processes that have ended. */
const patienceMs = 10_000;

/** Removes the control groups of containers that were killed, and names everything that is still there. */
export async function whatIsLeft(): Promise<string[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    removeControlGroups();
    const left = [...processes(), ...mounts(), ...controlGroups().map((path) => `control group ${path}`)];
    if (left.length === 0 || performance.now() > deadline) return left;
    await Bun.sleep(100);
  }
}

function removeControlGroups(): void {
  for (const top of controlGroups()) {
    const below = (readdirSync(top, { recursive: true, withFileTypes: true }) as import("node:fs").Dirent[])
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${entry.parentPath}/${entry.name}`)
      .sort((a, b) => b.length - a.length);
    for (const path of [...below, top]) {
      try {
        rmdirSync(path);
      } catch {
        // Still busy: it is looked for again.
      }
    }
  }
}

/** In version 2 of control groups there is one tree, in version 1 one for each controller. */
function controlGroups(): string[] {
  return globSync([`/sys/fs/cgroup/${controlGroup}`, `/sys/fs/cgroup/*/${controlGroup}`]);
}

/** Those of dockerd, its containers and LocalStack have the directory of these tests, or their socket, in their command. */
function processes(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ pid, command: commandOf(pid) }))
    .filter(({ command }) => command.includes(`${directory}/`))
    .map(({ pid, command }) => `process ${pid}: ${command.slice(0, 200)}`);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function mounts(): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(`${directory}/`))
    .map((line) => `mount ${line}`);
}
