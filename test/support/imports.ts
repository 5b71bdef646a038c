/** Who imports what in `src/`, and what docs/architecture.md says about it. Paths are relative to `src/`. */
import { dirname, join } from "node:path";

/** What a room may import: rooms, folders or files of rooms. */
export type ImportTable = ReadonlyMap<string, readonly string[] | "everything">;

/** Every room may import these. */
const common = ["clock.ts", "errors.ts", "log.ts", "standard-streams.ts"];

/** The files below `src/` that a file imports, its types included. What lies outside of `src/` does not count. */
export function importsOf(file: string, text: string): string[] {
  const found = [
    ...text.matchAll(/^(?:import|export)\b[^;"]*?\bfrom\s*"([^"]+)"|^import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm),
  ].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? "");
  const targets = found.filter((path) => path.startsWith(".")).map((path) => join(dirname(file), path));
  return [...new Set(targets)].filter((target) => !target.startsWith(".."));
}

/** Bun's own modules from which a text imports values by their names: the engine then makes all that the module has. */
export function namedFromBun(text: string): string[] {
  const found = text.matchAll(/^import\s+(?:\w+\s*,\s*)?\{([^}]*)\}\s*from\s*"((?:node|bun):[^"]+)"/gm);
  return [...found]
    .filter(([, names = ""]) => names.split(",").some((name) => name.trim() !== "" && !/^\s*type\s/.test(name)))
    .map(([, , from = ""]) => from);
}

/** A file that lies in `src/` itself is its own room, each front end is one, and so is any other folder of `src/`. */
export function roomOf(file: string): string {
  const parts = file.split("/");
  return parts.slice(0, parts[0] === "frontend" ? 2 : 1).join("/");
}

/**
 * Reads the table whose head is `room | what lives there | may import`: names in backquotes, or the word "everything".
 * @throws when there is no such table
 */
export function readImportTable(page: string): ImportTable {
  const lines = page.split("\n");
  const head = lines.findIndex((line) => cells(line).join("|") === "room|what lives there|may import");
  if (head < 0) throw new Error("docs/architecture.md: no table with the head `room | what lives there | may import`");
  const table = new Map<string, readonly string[] | "everything">();
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith("|")) break;
    const [rooms = "", , allowed = ""] = cells(line);
    for (const room of quoted(rooms)) table.set(room, allowed === "everything" ? "everything" : quoted(allowed));
  }
  return table;
}

export function isAllowed(table: ImportTable, file: string, target: string): boolean {
  const room = roomOf(file);
  if (roomOf(target) === room || common.includes(target)) return true;
  const allowed = table.get(room) ?? [];
  return allowed === "everything" || allowed.some((place) => target === place || target.startsWith(`${place}/`));
}

/** Each set of files that can all be reached from one another, as one line in alphabetical order. */
export function findCircles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const reached = new Map([...imports.keys()].map((file) => [file, reachableFrom(file, imports)]));
  const circles = new Set<string>();
  for (const [file, others] of reached) {
    if (others.has(file))
      circles.add(
        [...others]
          .filter((other) => reached.get(other)?.has(file))
          .sort()
          .join(" "),
      );
  }
  return [...circles].sort();
}

function reachableFrom(start: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const open = [...(imports.get(start) ?? [])];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    open.push(...(imports.get(file) ?? []));
  }
  return reached;
}

const cells = (line: string) =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name.replace(/\/$/, ""));
