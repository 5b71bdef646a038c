/** Which of the two programs in this binary runs. */
import { ConfigurationError, type Variables } from "./setting.ts";
import { settings } from "./settings.ts";

export type Mode = "localstack" | "emulator";

/**
 * LocalStack tells a container where it is and as whom it runs there; without both nobody is to be told anything, and
 * init is the emulator.
 * @throws {ConfigurationError} only one of the two is there
 */
export function chooseMode(env: Variables): Mode {
  const rows = [settings.runtimeEndpoint, settings.runtimeId];
  const given = rows.filter(({ variable }) => env[variable]);
  if (given.length === rows.length) return "localstack";
  if (given.length === 0) return "emulator";
  const missing = rows.find((row) => !given.includes(row)) as (typeof rows)[number];
  throw new ConfigurationError(
    `${missing.variable} is missing, while ${given[0]?.variable} is set: LocalStack sets both. ` +
      "Set it too, or take the other away to run as an emulator",
  );
}
