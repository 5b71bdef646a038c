/** Writes what LocalStack needs below its volume: each file whole or not at all, whoever reads meanwhile. */
import fs from "node:fs";
import nodePath from "node:path";
import { messageOf } from "../errors.ts";
import { type Architecture, makeLauncher } from "./launcher.ts";
import { mountPoint, type Volume } from "./volume.ts";

/** Bytes of a binary in which the path of its loader stands. */
const headSize = 4096;

const advice: Readonly<Record<string, string>> = {
  EACCES: "It belongs to somebody else, as what LocalStack made in its volume belongs to root: run this with sudo",
  EPERM: "The file system does not allow it: name another directory",
  EROFS: "The file system is mounted read-only: name another directory",
  ENOSPC: "There is no room left: make some, or name another directory",
  EDQUOT: "There is no room left for this user: make some, or name another directory",
  ENOTDIR: "A part of the path is a file: move that away, or name another directory",
  EEXIST: "A file stands in the place of a directory: move it away, or name another directory",
  EISDIR: "A directory stands in the place of the file: move it away, or name another one",
  ENOTEMPTY: "A directory stands in the place of the file: move it away, or name another one",
  ELOOP: "Its links point at each other: name another directory",
  ENAMETOOLONG: "Its path is too long: name another directory",
};

/**
 * Names of the binaries of a release, in the order in which a container of LocalStack's machine tries them. musl first:
 * Alpine's `gcompat` puts a loader in the place of glibc's, with which the one for glibc begins and then fails, while a glibc
 * image has no loader of musl's.
 */
function namesFor(architecture: Architecture): string[] {
  const other = architecture === "x86_64" ? "arm64" : "x86_64";
  return [`${architecture}-musl`, architecture, `${other}-musl`, other].map((suffix) => `aws-lambda-rie-${suffix}`);
}

/**
 * Lays down a binary, those of the same release that lie beside it under their names, and the launcher, in this order: at
 * no time is there a launcher that finds nothing.
 * @param executable the binary that runs
 * @returns the files, the launcher last
 * @throws Error naming the file, what went wrong and what to do
 */
export function layDown(volume: Volume, architecture: Architecture, executable: string): string[] {
  const names = namesFor(architecture);
  const own = names[isForMusl(executable) ? 0 : 1] as string;
  const sources = names
    .map((name) => ({ name, from: name === own ? executable : `${nodePath.dirname(executable)}/${name}` }))
    .filter(({ name, from }) => name === own || isFile(from));
  const binaries = sources.map(({ name, from }) => {
    const path = `${volume.binaries}/${name}`;
    replace(volume, path, (next) => fs.copyFileSync(from, next, fs.constants.COPYFILE_FICLONE));
    return path;
  });
  const launcher = makeLauncher(
    architecture,
    names.map((name) => `${mountPoint}/${name}`),
    `lambda-runtime-init: nothing in ${mountPoint} runs in this container. LAMBDA_DOCKER_FLAGS of LocalStack has to ` +
      `mount it: "${own} --install-localstack DIR" prints how`,
  );
  replace(volume, volume.launcher, (next) => fs.writeFileSync(next, launcher));
  return [...binaries, volume.launcher];
}

/** By its loader: musl's has its name in it. */
function isForMusl(executable: string): boolean {
  const head = Buffer.alloc(headSize);
  const file = fs.openSync(executable, "r");
  try {
    fs.readSync(file, head, 0, headSize, 0);
  } finally {
    fs.closeSync(file);
  }
  return head.includes("/ld-musl-");
}

function isFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * Puts a file in its place by a rename. It is written outside of what LocalStack copies and containers see.
 * @param write writes the new one to the path it is given
 */
function replace(volume: Volume, path: string, write: (next: string) => void): void {
  const next = `${volume.release}/.${nodePath.basename(path)}-${crypto.randomUUID()}`;
  try {
    fs.mkdirSync(nodePath.dirname(path), { recursive: true });
    try {
      write(next);
      fs.chmodSync(next, 0o755);
      fs.renameSync(next, path);
    } finally {
      fs.rmSync(next, { force: true });
    }
  } catch (error) {
    const whatToDo = advice[(error as NodeJS.ErrnoException).code ?? ""];
    throw new Error(`${path} cannot be written: ${messageOf(error)}${whatToDo === undefined ? "" : `. ${whatToDo}`}`);
  }
}
