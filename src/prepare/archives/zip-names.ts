/** Which names of an archive may become files: only those that stay below the target directory. */

/**
 * The path of an entry below the target directory, without `.`, `..` and empty parts; empty for the target itself. A
 * backslash is a character like any other, as in Linux's own tools.
 * @throws {Error} the name leads elsewhere, or is one no file can have
 */
export function toRelativePath(name: string): string {
  if (name === "") throw new Error("it has no name");
  if (name.includes("\0")) throw new Error("its name holds a NUL character");
  if (name.startsWith("/")) throw new Error("its name is an absolute path");
  const path: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") path.push(part);
    else if (path.pop() === undefined) throw new Error('its name leads out of the target directory with ".."');
  }
  return path.join("/");
}

/** Every directory above a relative path, the nearest first. */
export function* parentsOf(path: string): Generator<string> {
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    yield path.slice(0, slash);
  }
}
