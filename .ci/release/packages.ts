/** The npm packages that the bundler took in. */
import { readdir, readFile } from "node:fs/promises";
import type { Part } from "./part.ts";

/** What Bun's bundler tells of a build: its input files, by path from the repository. */
export type Inputs = Readonly<Record<string, unknown>>;

export interface BundledPackage extends Part {
  readonly version: string;
  /** As package-lock.json names it, such as `node_modules/hono`. */
  readonly directory: string;
  /** Its own licence files, one behind the other. */
  readonly text: string;
}

/** Names of files with what a licence wants told. */
const licenceFile = /^(licen[cs]e|copying|notice|third[-_ ]?party)/i;

/**
 * In the order of their names.
 * @throws {Error} one of them has no licence, or brings no text of it
 */
export async function bundledPackages(repository: string, inputs: Inputs): Promise<BundledPackage[]> {
  const directories = new Set(Object.keys(inputs).flatMap((path) => packageOf(path) ?? []));
  return await Promise.all([...directories].sort().map((directory) => read(repository, directory)));
}

/** The package an input belongs to; `undefined`: it is ours. A link in place of `node_modules` is as good. */
export function packageOf(path: string): string | undefined {
  return /^(?:\.\.\/.*?)?(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

async function read(repository: string, directory: string): Promise<BundledPackage> {
  const root = `${repository}/${directory}`;
  const { name, version, license, homepage } = JSON.parse(await readFile(`${root}/package.json`, "utf8"));
  const files = (await readdir(root)).filter((file) => licenceFile.test(file)).sort();
  if (typeof license !== "string" || files.length === 0) {
    throw new Error(
      `${name} is in the binary, but its package has no ${files.length === 0 ? "licence text" : "licence"}`,
    );
  }
  const texts = await Promise.all(files.map(async (file) => (await readFile(`${root}/${file}`, "utf8")).trim()));
  const url = typeof homepage === "string" ? { url: homepage } : {};
  return { name, version, licence: license, directory, text: texts.join("\n\n"), ...url };
}
