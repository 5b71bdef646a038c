/** The binary of the last release, for `--check`. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** A release moves this on when the next version is begun; the commit may be a tag. */
export const lastRelease = { version: "0.1.0", commit: "8a63343ed3f19f07fd62c6a51f72fa94fb3125e2" };

const repository = join(import.meta.dir, "../..");

/** Milliseconds a command may take. */
const patienceMs = 180_000;

/**
 * Compiles it from this clone's history, with the Bun and the packages that are installed here: so what it is compared
 * with differs in the project's own code alone. What a newer Bun or package costs shows only against the binary that was
 * released.
 * @param directory an empty one
 * @param arch as in the name of the binary
 * @returns the path of the binary
 * @throws where the commit is not in this clone, or does not compile
 */
export function buildLastRelease(directory: string, arch: string): string {
  const { version, commit } = lastRelease;
  const failed = `the last release, ${version} (${commit.slice(0, 7)}), cannot be compiled here`;
  const next = "Give its binary instead: `npm run bench -- --check PATH-OR-URL`.";
  const run = (command: string[], cwd: string): void => {
    const { success, stderr, stdout } = Bun.spawnSync(command, { cwd, timeout: patienceMs, stderr: "pipe" });
    if (!success) throw new Error(`${failed}: ${command[0]} failed. ${next}\n${stderr}${stdout}`.trimEnd());
  };
  mkdirSync(directory, { recursive: true });
  const archive = join(directory, "source.tar");
  run(["git", "archive", "--output", archive, commit], repository);
  run(["tar", "xf", archive], directory);
  symlinkSync(join(repository, "node_modules"), join(directory, "node_modules"));
  run([process.execPath, "run", "build.ts", "--host"], directory);
  return join(directory, `dist/aws-lambda-rie-${arch}`);
}
