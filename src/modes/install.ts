/** `--install-localstack`: lays init down where LocalStack finds it, and prints what is to be set there. */
import fs from "node:fs";
import nodePath from "node:path";
import { instructionsFor } from "../install/instructions.ts";
import { layDown } from "../install/lay-down.ts";
import { volumeAt } from "../install/volume.ts";
import { ConfigurationError } from "../settings/setting.ts";
import { type ExitStatus, exitStatus, type Program } from "./program.ts";

export interface InstallOptions {
  /** LocalStack's volume, as it was given. */
  readonly into: string;
  /** The words behind it. */
  readonly command: readonly string[];
  /** Of this release. */
  readonly version: string;
  /** The binary that runs. */
  readonly executable: string;
}

/** Runs to the end. @throws {ConfigurationError} for a directory that cannot be it, and Error for a file that cannot be written */
export function installForLocalStack({ stdout }: Program, options: InstallOptions): ExitStatus {
  const { into, command, version, executable } = options;
  if (command.length > 0) {
    throw new ConfigurationError(
      `--install-localstack takes one directory: ${JSON.stringify(command[0])} behind ${JSON.stringify(into)} is too much`,
    );
  }
  const architecture = process.arch === "arm64" ? "arm64" : "x86_64";
  const volume = volumeAt(nodePath.resolve(into), version, architecture);
  // Containers run it as whoever their image says.
  process.umask(0o022);
  const files = layDown(volume, architecture, executable);
  stdout.forward(Buffer.from(instructionsFor(volume, { files, isInContainer: fs.existsSync("/.dockerenv") })));
  return exitStatus.done;
}
