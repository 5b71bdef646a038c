/** Where everything is. */
import { cache } from "../../e2e/support/clients.ts";

export const repository = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");

/** All that is made for these tests, and kept for the next run. `LOCALSTACK_TEST_DIR` moves it. */
export const directory = process.env.LOCALSTACK_TEST_DIR ?? `${cache}/localstack`;

/** Debian's files: the runtime images are made from them, and LocalStack runs with their Python. */
export const rootfs = `${directory}/rootfs`;

/** Starts that Python. */
export const python = `${directory}/python`;

/** LocalStack, boto3 and all they need. */
export const localstackPackages = `${directory}/localstack`;

/** Python finds them so. */
export const pythonEnvironment = { PYTHONPATH: localstackPackages };

/** The runtime client for the image of Python functions. */
export const runtimePackages = `${directory}/awslambdaric`;

/** Binaries that were made to be wrong. */
export const wrongBinaries = `${directory}/wrong`;

/** Logs of dockerd and LocalStack, and LocalStack's files; made anew for each run. */
export const runDirectory = `${directory}/run`;

/** In the tests' own `/run`, which is gone with them. */
export const dockerSocket = "/run/docker.sock";

/** How the variable is called that has a run's id, in the environment of all its programs. */
export const runIdVariable = "LOCALSTACK_TEST_RUN_ID";

/** What the control group of a run is called, before the run's id. The groups of its containers are in it. */
export const controlGroups = "lambda-init-tests-";

/** The binary under test: the one that was built for this machine, or any other. */
export const binary =
  process.env.LOCALSTACK_TEST_BINARY ??
  `${repository}/dist/aws-lambda-rie-${process.arch === "arm64" ? "arm64" : "x86_64"}`;

/** With which status the part inside of the namespaces ends where it cannot be set up. */
export const cannotSetUpStatus = 75;
