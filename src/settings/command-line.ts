/** What the command line asks for where init serves LocalStack. */
import { type FlagValues, readFlags, switchFlag, valueFlag } from "./flags.ts";
import { type Address, address, port } from "./kinds.ts";

export interface CommandLine {
  readonly action: Action;
  /** Where the Runtime API listens. */
  readonly runtimeApi: Address;
  /** The runtime's command; empty: look for a bootstrap. */
  readonly command: readonly string[];
}

export type Action = "run" | "version" | "licenses" | "help";

export const defaultRuntimeApi: Address = { hostname: "127.0.0.1", port: 9001 };

/** Of both modes. */
export const commonFlags = {
  help: switchFlag("--help", "print this help", "-h"),
  version: switchFlag("--version", "print the version"),
  licenses: switchFlag("--licenses", "print the licences of what this program contains"),
} as const;

export const flags = {
  ...commonFlags,
  runtimeApi: valueFlag(
    "--runtime-api-address",
    "HOST:PORT",
    "where the Runtime API listens (default 127.0.0.1:9001)",
    address("127.0.0.1:9001", port),
  ),
} as const;

/**
 * Reads the flags before the runtime's command; from the first other word on, all belongs to the command.
 * @throws {ConfigurationError} on a flag that does not exist or an address that is none
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, command } = readFlags(flags, args);
  return { action: actionOf(values), runtimeApi: values.runtimeApi ?? defaultRuntimeApi, command };
}

export function actionOf({ help, version, licenses }: FlagValues<typeof commonFlags>): Action {
  if (help) return "help";
  if (version) return "version";
  return licenses ? "licenses" : "run";
}
