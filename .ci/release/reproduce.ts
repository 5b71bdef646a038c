/** Whether a release that is built again, elsewhere and later, has the same bytes. */
import { spawnSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { checksumsFile } from "./release.ts";

/** All that a build reads. */
const sources = ["src", ".ci", "build.ts", "bunfig.toml", "package.json", "package-lock.json", "tsconfig.json"];

/** Minutes that a build of all targets may take. */
const buildMinutes = 15;

/**
 * Builds the release once more in a directory of another name and length, with another time zone, language and mask of file
 * modes, and compares the checksums.
 * @param repository with its release in `dist`
 * @throws {Error} the second build fails, or these files differ
 */
export async function checkReproducible(repository: string): Promise<void> {
  const copy = await mkdtemp(`${tmpdir()}/release built again, with a longer path `);
  try {
    for (const name of sources) await cp(`${repository}/${name}`, `${copy}/${name}`, { recursive: true });
    copyPackages(repository, copy);
    const env = { ...process.env, TZ: "Pacific/Chatham", LANG: "C", LC_ALL: "C" };
    const script = 'umask 077; exec "$0" run build.ts --release';
    run("sh", ["-c", script, process.execPath], { cwd: copy, env });
    const differing = compare(await sumsIn(repository), await sumsIn(copy));
    if (differing.length > 0) throw new Error(`built again, these have other bytes: ${differing.join(", ")}`);
    console.log("built again elsewhere: the same bytes");
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Which files do not have the same checksum in both, or are only in one. */
export function compare(first: string, second: string): string[] {
  const [before, after] = [parse(first), parse(second)];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.filter((name) => before.get(name) !== after.get(name));
}

function parse(text: string): Map<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}

/** As links to the same files where that can be done, which takes no time. */
function copyPackages(from: string, to: string): void {
  const [packages, copies] = [`${from}/node_modules/`, `${to}/node_modules`];
  if (spawnSync("cp", ["-aLl", packages, copies], { stdio: "ignore" }).status === 0) return;
  run("sh", ["-c", 'rm -rf "$2"; exec cp -aL "$1" "$2"', "sh", packages, copies], {});
}

function run(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv }): void {
  const { status, error } = spawnSync(command, args, { ...options, stdio: "inherit", timeout: buildMinutes * 60_000 });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? `exit status ${status}`}`);
}

async function sumsIn(repository: string): Promise<string> {
  return await readFile(`${repository}/dist/${checksumsFile}`, "utf8");
}
