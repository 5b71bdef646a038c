/** Which test files there are, and which run they belong to: found, not listed, so that none can be forgotten. */
import { type Dirent, readdirSync } from "node:fs";

/** Folders of `test/` that are no rooms. `e2e` and `localstack` have runs of their own; the others hold no test files. */
const notRooms = ["e2e", "localstack", "bench", "fixtures", "support"];

/** Where the test files of those runs lie. */
const e2eFile = /^test\/e2e\/[^/]*$/;
const localStackFile = /^test\/localstack\/[^/]*$/;

/** Every name that `bun test` would take for a test file. */
const testFile = /[._](test|spec)\.[cm]?[jt]sx?$/;

/** All paths are relative to the repository. */
export interface TestFiles {
  /** The files of each room: a folder of `test/` with all that is below it, or `test` for the files that lie in it. */
  readonly rooms: ReadonlyMap<string, readonly string[]>;
  readonly e2e: readonly string[];
  /** Test files that no run takes: they lie where no run looks. */
  readonly stray: readonly string[];
  /** Rooms without a test file. */
  readonly empty: readonly string[];
}

export function findTestFiles(repository: string): TestFiles {
  const rooms = new Map<string, string[]>([["test", []]]);
  for (const { name } of directoriesOf(`${repository}/test`)) {
    if (!notRooms.includes(name)) rooms.set(`test/${name}`, []);
  }
  const e2e: string[] = [];
  const stray: string[] = [];
  for (const file of filesBelow(repository, "").filter((path) => testFile.test(path))) {
    const parts = file.split("/");
    const room = rooms.get(parts.slice(0, parts.length === 2 ? 1 : 2).join("/"));
    if (room) room.push(file);
    else if (e2eFile.test(file)) e2e.push(file);
    else if (!localStackFile.test(file)) stray.push(file);
  }
  const empty = [...rooms].filter(([, files]) => files.length === 0).map(([room]) => room);
  return { rooms, e2e, stray, empty };
}

/** Every file that is the project's own: without packages, what was built, and names that begin with a dot. */
function filesBelow(root: string, directory: string): string[] {
  const files: string[] = [];
  for (const entry of entriesOf(`${root}/${directory}`)) {
    const path = directory ? `${directory}/${entry.name}` : entry.name;
    if (entry.isFile()) files.push(path);
    else if (entry.isDirectory() && path !== "node_modules" && path !== "dist") files.push(...filesBelow(root, path));
  }
  return files;
}

function directoriesOf(path: string): Dirent[] {
  return entriesOf(path).filter((entry) => entry.isDirectory());
}

function entriesOf(path: string): Dirent[] {
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith("."))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
