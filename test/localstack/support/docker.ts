/** The tests' own Docker Engine, by its command line. */
import { run } from "../setup/command.ts";
import { dockerSocket } from "../setup/places.ts";

export const dockerEnvironment = { DOCKER_HOST: `unix://${dockerSocket}`, DOCKER_BUILDKIT: "0" };

/**
 * Runs a docker command and returns its stdout, without white space around it.
 * @throws Error with what it wrote, when it fails or takes more than a minute
 */
export async function docker(...args: readonly string[]): Promise<string> {
  const { code, stdout, output } = await run(["docker", ...args], { seconds: 60, env: dockerEnvironment });
  if (code !== 0) throw new Error(`docker ${args.join(" ")} ended with ${code}: ${output}`);
  return stdout.trim();
}
