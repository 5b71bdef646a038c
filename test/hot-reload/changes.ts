/** Every kind of change that counts, and what does not, as rows for the tests of both strategies. */
import { readdirSync, readFileSync } from "node:fs";
import { appendFile, chmod, mkdir, rename, rm, rmdir, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { type Fixture, fixtureTime } from "./support.ts";

type Row = readonly [what: string, act: (fixture: Fixture) => Promise<unknown> | unknown];

export const changes: readonly Row[] = [
  ["a new file", ({ root }) => writeFile(`${root}/new`, "")],
  ["a new file in a directory", ({ root }) => writeFile(`${root}/dir/sub/new`, "")],
  ["a new hidden file", ({ root }) => writeFile(`${root}/.env`, "")],
  ["a longer file", ({ root }) => appendFile(`${root}/dir/sub/file`, "more")],
  ["a file written over, as long as before", ({ root }) => writeFile(`${root}/file`, "AS IT WAS")],
  ["a new directory", ({ root }) => mkdir(`${root}/dir/new`)],
  ["new directories with a file in them", ({ root }) => makeTree(`${root}/a/b/c`)],
  ["a renamed file", ({ root }) => rename(`${root}/dir/file`, `${root}/dir/renamed`)],
  ["a renamed directory", ({ root }) => rename(`${root}/dir/sub`, `${root}/dir/renamed`)],
  ["a file moved in", ({ root, outside }) => rename(`${outside}/file`, `${root}/moved`)],
  ["a directory moved in", ({ root, outside }) => rename(`${outside}/folder`, `${root}/moved`)],
  ["a file moved out", ({ root, outside }) => rename(`${root}/dir/file`, `${outside}/moved`)],
  ["a directory moved out", ({ root, outside }) => rename(`${root}/dir`, `${outside}/moved`)],
  ["the mode of a file", ({ root }) => chmod(`${root}/dir/file`, 0o755)],
  ["the mode of a directory", ({ root }) => chmod(`${root}/dir/sub`, 0o700)],
  ["the mode of the watched directory", ({ root }) => chmod(root, 0o700)],
  ["the time of a file", ({ root }) => utimes(`${root}/dir/file`, 1e9, 1e9)],
  ["a removed file", ({ root }) => unlink(`${root}/dir/file`)],
  ["a removed link", ({ root }) => unlink(`${root}/link`)],
  ["a removed tree", ({ root }) => rm(`${root}/dir`, { recursive: true })],
  ["a new symbolic link", ({ root }) => symlink("dir", `${root}/another`)],
  ["a symbolic link with another target", ({ root }) => replaceLink(`${root}/link`)],
  ["a save by rename", ({ root }) => saveByRename(`${root}/dir/file`)],
  ["a save by rename that keeps size and time", ({ root }) => saveUnchanged(`${root}/dir/file`)],
  ["the removal of the watched directory", ({ root }) => rm(root, { recursive: true })],
];

export const noChanges: readonly Row[] = [
  ["reading files and directories", ({ root }) => [readFileSync(`${root}/dir/file`), readdirSync(`${root}/dir`)]],
  ["a cache of Python's", ({ root }) => writeCache(`${root}/dir/__pycache__`)],
  ["a cache of Python's written again", ({ root }) => writeCache(`${root}/dir/sub/__pycache__`, 2)],
  ["a removed cache", ({ root }) => removeCache(`${root}/__pycache__`)],
  ["a compiled module beside its source", ({ root }) => writeFile(`${root}/dir/module.pyc`, "compiled")],
  ["what Git writes", ({ root }) => mkdir(`${root}/.git/objects`, { recursive: true })],
  ["a change behind a symbolic link in the tree", ({ outside }) => writeFile(`${outside}/file`, "changed")],
];

async function makeTree(path: string) {
  await mkdir(path, { recursive: true });
  await writeFile(`${path}/file`, "");
}

async function replaceLink(path: string) {
  await symlink("dir/file", `${path}.new`);
  await rename(`${path}.new`, path);
}

async function saveByRename(path: string) {
  await writeFile(`${path}.tmp`, "saved");
  await rename(`${path}.tmp`, path);
}

/** Only the inode tells the new file from the old one. */
async function saveUnchanged(path: string) {
  await writeFile(`${path}.tmp`, "as it wa5");
  await utimes(`${path}.tmp`, fixtureTime, fixtureTime);
  await rename(`${path}.tmp`, path);
}

/** As Python does: a file under a passing name, which then gets its own. */
async function writeCache(directory: string, times = 1) {
  await mkdir(directory);
  for (let time = 0; time < times; time++) {
    await writeFile(`${directory}/module.cpython-312.pyc.1402`, `compiled ${time}`);
    await rename(`${directory}/module.cpython-312.pyc.1402`, `${directory}/module.cpython-312.pyc`);
  }
}

async function removeCache(directory: string) {
  await writeCache(directory);
  await unlink(`${directory}/module.cpython-312.pyc`);
  await rmdir(directory);
}
