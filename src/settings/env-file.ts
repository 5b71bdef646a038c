/** Files of variables: `NAME=value` lines, as `dotenv` and Node's `--env-file` read them. */
import fs from "node:fs";
import { parseEnv } from "node:util";
import { messageOf } from "../errors.ts";
import { ConfigurationError, type Variables } from "./setting.ts";

/**
 * The environment with the files' variables added: what it has already stays, and a later file wins over an earlier
 * one.
 * @throws {ConfigurationError} naming the file that cannot be read
 */
export function readEnvFiles(files: readonly string[], env: Variables): Record<string, string> {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries([...files.flatMap(variablesIn), ...given]);
}

function variablesIn(file: string): [string, string][] {
  try {
    return Object.entries(parseEnv(fs.readFileSync(file, "utf8"))) as [string, string][];
  } catch (error) {
    throw new ConfigurationError(`--env-file ${file} cannot be read: ${messageOf(error)}`);
  }
}
