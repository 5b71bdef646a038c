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
  const { variable: endpoint } = settings.runtimeEndpoint;
  const { variable: id } = settings.runtimeId;
  if (env[endpoint] && env[id]) return "localstack";
  if (!env[endpoint] && !env[id]) return "emulator";
  const [given, missing] = env[endpoint] ? [endpoint, id] : [id, endpoint];
  throw new ConfigurationError(
    `${missing} is missing, while ${given} is set: LocalStack sets both. ` +
      "Set it too, or take the other away to run as an emulator",
  );
}
