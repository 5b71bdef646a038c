/** What is to be set in LocalStack, in the forms in which it is started. */
import { mountPoint, type Volume } from "./volume.ts";

/** Where LocalStack's container has its volume. */
const volumeInContainer = "/var/lib/localstack";

export interface Laid {
  /** What was written, paths of the host. */
  readonly files: readonly string[];
  /** This runs in a container itself: what it takes for the host's path may be another one there. */
  readonly isInContainer: boolean;
}

/** @returns a text of whole lines, to be read and to be copied from */
export function instructionsFor(volume: Volume, { files, isInContainer }: Laid): string {
  const { directory, label } = volume;
  const dockerFlags = `-v ${volume.binaries}:${mountPoint}:ro`;
  const version = `LAMBDA_INIT_RELEASE_VERSION=${label}`;
  const flags = `LAMBDA_DOCKER_FLAGS='${dockerFlags}'`;
  const root = directory.endsWith(volumeInContainer) ? directory.slice(0, -volumeInContainer.length) || "/" : undefined;
  return `Written:
${files.map((file) => `    ${file}`).join("\n")}

LocalStack needs ${directory} as its volume, and two settings. Where you have LAMBDA_DOCKER_FLAGS already, add this to it.
${isInContainer ? `\nThis runs in a container: put the host's path in the place of ${directory}, in all of the following.\n` : ""}
docker run:

    -v ${directory}:${volumeInContainer} \\
    -e ${version} \\
    -e ${flags} \\

docker compose:

    volumes:
      - "${directory}:${volumeInContainer}"
    environment:
      LAMBDA_INIT_RELEASE_VERSION: "${label}"
      LAMBDA_DOCKER_FLAGS: "${dockerFlags}"

localstack start:

    export LOCALSTACK_VOLUME_DIR=${directory}
    export ${version}
    export ${flags}

LocalStack without a container:

${
  root === undefined
    ? `    its volume is \${FILESYSTEM_ROOT}${volumeInContainer}: install into that, instead of ${directory}`
    : `    export FILESYSTEM_ROOT=${root}
    export ${version}
    export ${flags}`
}
`;
}
