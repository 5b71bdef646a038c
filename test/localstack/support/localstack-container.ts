/** LocalStack in a container, as most have it: with a volume, and the socket of the dockerd that has the functions' containers. */
import { lastWords, run } from "../setup/command.ts";
import { imageOf, imagePattern } from "../setup/images.ts";
import { dockerSocket, localstackPackages, repository } from "../setup/places.ts";
import { Aws } from "./aws.ts";
import { docker, dockerEnvironment } from "./docker.ts";
import { until } from "./functions.ts";

const starter = `${repository}/test/localstack/support/localstack-in-a-container.py`;

const settings = {
  PYTHONPATH: "/packages",
  GATEWAY_LISTEN: "0.0.0.0:4566",
  LAMBDA_RUNTIME_IMAGE_MAPPING: imagePattern,
  // Debian's images are of this machine's architecture, whatever the function says.
  LAMBDA_IGNORE_ARCHITECTURE: "1",
  DEBUG: "1",
  // There is no outside here.
  DNS_ADDRESS: "0",
  SKIP_SSL_CERT_DOWNLOAD: "1",
  DISABLE_EVENTS: "1",
};

export interface LocalStackContainer {
  readonly aws: Aws;
  stop(): Promise<void>;
}

/** Starts it, and waits until it serves. @param flags of `docker run` */
export async function runLocalStack(flags: readonly string[]): Promise<LocalStackContainer> {
  const id = await docker(
    "run",
    "--detach",
    ...["--volume", `${dockerSocket}:/var/run/docker.sock`],
    ...["--volume", `${localstackPackages}:/packages:ro`, "--volume", `${starter}:/start.py:ro`],
    ...Object.entries(settings).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    ...flags,
    imageOf("base"),
    ...["/usr/bin/python3.13", "/start.py"],
  );
  const address = await docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", id);
  const endpoint = `http://${address}:4566`;
  const isServing = () =>
    fetch(`${endpoint}/_localstack/health`, { signal: AbortSignal.timeout(5000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  await until("LocalStack in a container serves", isServing).catch(async (error) => {
    const { output } = await run(["docker", "logs", id], { seconds: 20, env: dockerEnvironment });
    await docker("rm", "--force", id);
    throw new Error(`${error.message}: ${lastWords(output)}`);
  });
  const aws = new Aws(endpoint);
  return {
    aws,
    async stop() {
      await aws.end();
      // It removes the functions' containers before it ends.
      await docker("stop", "--time", "20", id);
      await docker("rm", "--force", id);
    },
  };
}
