/** Where LocalStack looks for its init, below its volume, and where we put ours. */
import { ConfigurationError } from "../settings/setting.ts";
import type { Architecture } from "./launcher.ts";

/** Where containers find what the launcher starts. Nothing LocalStack copies, unpacks or sets modes of lies there. */
export const mountPoint = "/var/lambda-runtime-init";

/**
 * What LocalStack's own reading of `LAMBDA_DOCKER_FLAGS` leaves whole (`docs/contract/localstack.md 2`), but for spaces,
 * colons and backslashes, which docker's `-v` and the shell take apart.
 */
const allowed = /^[\p{L}\p{N}_./-]+$/u;

/** One release below LocalStack's volume. All paths are absolute and of the host. */
export interface Volume {
  readonly directory: string;
  /** LocalStack's `LAMBDA_INIT_RELEASE_VERSION`: one that no release of its own init has. */
  readonly label: string;
  /** All of this release. */
  readonly release: string;
  /** What LocalStack copies into each container. */
  readonly launcher: string;
  /** What is mounted. */
  readonly binaries: string;
}

/**
 * @param directory LocalStack's volume, absolute
 * @param architecture of LocalStack's own machine: under which it looks
 * @throws {ConfigurationError} for a directory that cannot be mounted
 */
export function volumeAt(directory: string, version: string, architecture: Architecture): Volume {
  if (!allowed.test(directory)) {
    const [wrong] = [...directory].filter((character) => !allowed.test(character));
    throw new ConfigurationError(
      `${JSON.stringify(directory)} cannot be LocalStack's volume: ${JSON.stringify(wrong)} in its path does not get ` +
        "through LAMBDA_DOCKER_FLAGS. Use a directory whose path has only letters, digits, and . _ - /",
    );
  }
  const label = `lambda-runtime-init-${version}`;
  const release = `${directory === "/" ? "" : directory}/lib/lambda-runtime/${label}`;
  return {
    directory,
    label,
    release,
    launcher: `${release}/${architecture}/var/rapid/init`,
    binaries: `${release}/bin`,
  };
}
