/** What is inside Bun: named by Bun's licence page, which its package of types brings, with what the tables here know. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { crates } from "./bun-crates.ts";
import { libraries, unlisted, versionNames } from "./bun-libraries.ts";
import { polyfills } from "./bun-polyfills.ts";
import type { Part, Row } from "./part.ts";

export interface BunParts {
  readonly version: string;
  /** Where the sources of this very Bun and of its engine are. */
  readonly commit: string;
  readonly libraries: readonly Part[];
  readonly polyfills: readonly Part[];
  readonly crates: readonly Part[];
}

/**
 * @param repository with its packages installed
 * @throws {Error} the page is of another Bun, or names something of which the tables know no licence
 */
export async function partsOfBun(repository: string): Promise<BunParts> {
  const types = `${repository}/node_modules/bun-types`;
  const { version } = JSON.parse(await readFile(`${types}/package.json`, "utf8"));
  if (version !== Bun.version) {
    throw new Error(
      `Bun is ${Bun.version}, its licence page is that of bun-types ${version}: set both to one version in package.json`,
    );
  }
  const page = await readFile(join(types, "docs", "project", "license.mdx"), "utf8");
  const linked = rowsBelow(page, "Linked libraries").filter(({ note }) => note !== "(on Windows)");
  return {
    version,
    commit: Bun.revision,
    libraries: [...withRows(linked, libraries, "bun-libraries.ts"), ...Object.entries(unlisted).map(toPart)],
    polyfills: withRows(rowsBelow(page, "Polyfills"), polyfills, "bun-polyfills.ts"),
    crates: Object.entries(crates).map(toPart).sort(byName),
  };
}

interface Named {
  readonly name: string;
  readonly url: string;
  /** What stands behind the name, such as the systems it is used on. */
  readonly note: string;
}

/** The rows of the page's table below a heading, such as ``| [`sqlite`](https://sqlite.org) (on Linux) | … |``. */
export function rowsBelow(page: string, heading: string): Named[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const lines = section.split("\n").filter((line) => /^\|.*\]\(/.test(line));
  return lines.map((line) => {
    const [, name = "", url = "", note = ""] = /\[`?([^\]`]+)`?\]\(([^)]*)\)\s*([^|]*?)\s*\|/.exec(line) ?? [];
    return { name, url, note };
  });
}

/** @throws {Error} a name without a row, a row without a name, or no name at all */
export function withRows(named: readonly Named[], rows: Readonly<Record<string, Row>>, file: string): Part[] {
  const bun = `Bun ${Bun.version}'s licence page`;
  const unknown = named.filter(({ name }) => !(name in rows)).map(({ name }) => name);
  if (unknown.length > 0)
    throw new Error(`${bun} names ${unknown.join(", ")}: add their licences to .ci/release/${file}`);
  const stale = Object.keys(rows).filter((row) => !named.some(({ name }) => name === row));
  if (stale.length > 0) throw new Error(`${bun} does not name ${stale.join(", ")}: see .ci/release/${file}`);
  return named.map(({ name, url }) => ({ ...toPart([name, rows[name] as Row]), url }));
}

function toPart([name, [licence, ...copyright]]: [string, Row]): Part {
  const version = (process.versions as Readonly<Record<string, string | undefined>>)[versionNames[name] ?? name];
  return { name, licence, copyright, ...(version === undefined ? {} : { version }) };
}

function byName(a: Part, b: Part): number {
  return a.name < b.name ? -1 : 1;
}
