/**
 * Loaded before all tests (`bunfig.toml`): whatever they put into the system's directory for temporary files goes into
 * one of their own, which is removed at the end of the run, however the tests went.
 */
import { afterAll } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

const directory = mkdtempSync(`${tmpdir()}/init-tests-`);
// Some tests become another user.
chmodSync(directory, 0o1777);
process.env.TMPDIR = directory;

function remove(): void {
  if (!existsSync(directory)) return;
  // To others than root, directories that a test closed stay closed.
  spawnSync("chmod", ["-R", "u+rwX", directory], { stdio: "ignore" });
  rmSync(directory, { recursive: true, force: true });
}

afterAll(remove);
// A run that is broken off has no end of its own.
process.on("exit", remove);
