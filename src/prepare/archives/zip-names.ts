/** Which names and link targets of an archive may become files: only those that stay below the target directory. */

/**
 * The path of an entry below the target directory, without `.` and empty parts; empty for the target itself.
 * @throws {Error} the name could lead elsewhere
 */
export function toRelativePath(name: string): string {
  const parts = name.split("/");
  if (name === "") throw new Error("it has no name");
  if (name.includes("\0")) throw new Error("its name holds a NUL character");
  // Some tools for Windows mean a directory by it, Linux means a character: either way somebody would be surprised.
  if (name.includes("\\")) throw new Error("its name holds a backslash, write directories with /");
  if (name.startsWith("/")) throw new Error("its name is an absolute path");
  if (parts.includes("..")) throw new Error('its name leads out of the target directory with ".."');
  return parts.filter((part) => part !== "" && part !== ".").join("/");
}

/**
 * Checks where a symbolic link leads. Only leading `..` may stand in it: behind a name that is itself a link, `..` means
 * another directory than the text says, and no reading of the text alone could tell where it ends.
 * @param path of the link, as {@link toRelativePath} gives it
 * @throws {Error} the link could lead out of the target directory
 */
export function checkLinkTarget(path: string, target: string): void {
  const shown = JSON.stringify(target);
  if (target === "") throw new Error("it is a symbolic link to nowhere");
  if (target.includes("\0")) throw new Error("it is a symbolic link whose target holds a NUL character");
  if (target.startsWith("/")) throw new Error(`it is a symbolic link to the absolute path ${shown}`);
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const climbs = parts.findIndex((part) => part !== "..");
  const up = climbs < 0 ? parts.length : climbs;
  const depth = path.split("/").length - 1;
  if (up > depth || parts.includes("..", up)) {
    throw new Error(`it is a symbolic link that can lead out of the target directory: ${shown}`);
  }
}

/** Every directory above a relative path, the nearest first. */
export function* parentsOf(path: string): Generator<string> {
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    yield path.slice(0, slash);
  }
}
