/** LocalStack itself, as it comes from PyPI. */
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import { CannotSetUp, lastWords } from "../setup/command.ts";
import { bridgeAddress } from "../setup/engine.ts";
import { imagePattern } from "../setup/images.ts";
import { binary, python, pythonEnvironment, repository, runDirectory, runIdVariable } from "../setup/places.ts";
import { Aws } from "./aws.ts";
import { dockerEnvironment } from "./docker.ts";

/** Milliseconds LocalStack may take to serve. */
const startLimitMs = 90_000;

/** The label our binary is installed under, in the place of a release of the Go init. */
const initVersion = "tested";

export interface LocalStackOptions {
  /** Each one that runs at the same time needs its own. */
  readonly port: number;
  /** What LocalStack takes for its init. Without it: the binary under test. */
  readonly init?: string;
  /** LocalStack's own variables, added to those of the tests. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Where LocalStack with this port has its files. */
const filesOf = (port: number) => `${runDirectory}/localstack-${port}`;

/** The file LocalStack copies into each container (`docs/contract/localstack.md 2`). */
const initPathOf = (port: number) =>
  `${filesOf(port)}/var/lib/localstack/lib/lambda-runtime/${initVersion}` +
  `/${process.arch === "arm64" ? "arm64" : "x86_64"}/var/rapid/init`;

/** A LocalStack that is running. */
export class LocalStack {
  readonly endpoint: string;
  readonly aws: Aws;

  constructor(private readonly port: number) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.aws = new Aws(this.endpoint);
  }

  /** Everything LocalStack has written so far. */
  get log(): string {
    return readFileSync(`${filesOf(this.port)}.log`, "utf8");
  }

  /** Makes another binary the init of all containers that are created from now on. */
  useInit(path: string): void {
    installInit(this.port, path);
  }

  /** By its own endpoint: the sha256 of the init it copies into containers. */
  async initHash(): Promise<string> {
    const answer = await fetch(`${this.endpoint}/_aws/lambda/init`, { signal: AbortSignal.timeout(30_000) });
    if (!answer.ok) throw new Error(`LocalStack told no init: ${answer.status}`);
    return sha256(new Uint8Array(await answer.arrayBuffer()));
  }
}

/** A LocalStack that this process started. */
export class StartedLocalStack extends LocalStack {
  constructor(
    port: number,
    private readonly process: Bun.Subprocess,
  ) {
    super(port);
  }

  async stop(): Promise<void> {
    await this.aws.end();
    this.process.kill("SIGTERM");
    const patience = setTimeout(() => this.process.kill("SIGKILL"), 20_000);
    await this.process.exited;
    clearTimeout(patience);
  }
}

/** The port of the one that all tests can use. */
export const sharedPort = 4566;

/**
 * Starts a LocalStack of its own for tests that need other settings.
 * @throws CannotSetUp where it does not come up
 */
export async function startLocalStack(options: LocalStackOptions): Promise<StartedLocalStack> {
  const { port, init = binary, settings } = options;
  rmSync(filesOf(port), { recursive: true, force: true });
  installInit(port, init);
  const logFile = `${filesOf(port)}.log`;
  const log = openSync(logFile, "w");
  const server = Bun.spawn([python, "-m", "localstack.runtime.main"], {
    stdin: "ignore",
    stdout: log,
    stderr: log,
    cwd: filesOf(port),
    env: { ...environmentOf(port), ...settings },
  });
  closeSync(log);
  const deadline = performance.now() + startLimitMs;
  while (!(await isServing(port))) {
    if (server.exitCode !== null || performance.now() > deadline) {
      server.kill("SIGKILL");
      throw new CannotSetUp(`LocalStack did not start: ${lastWords(readFileSync(logFile, "utf8"))}`);
    }
    await Bun.sleep(200);
  }
  return new StartedLocalStack(port, server);
}

function environmentOf(port: number): Record<string, string | undefined> {
  return {
    ...dockerEnvironment,
    ...pythonEnvironment,
    [runIdVariable]: process.env[runIdVariable],
    PATH: process.env.PATH,
    HOME: filesOf(port),
    TMPDIR: filesOf(port),
    FILESYSTEM_ROOT: filesOf(port),
    GATEWAY_LISTEN: `0.0.0.0:${port}`,
    LAMBDA_INIT_RELEASE_VERSION: initVersion,
    LAMBDA_RUNTIME_IMAGE_MAPPING: imagePattern,
    // Debian's images are of this machine's architecture, whatever the function says.
    LAMBDA_IGNORE_ARCHITECTURE: "1",
    // Seconds before the first retry of an asynchronous invocation; a minute otherwise.
    LAMBDA_RETRY_BASE_DELAY: "1",
    DOCKER_CMD: `${repository}/test/localstack/support/docker-without-a-registry`,
    HOSTNAME_FROM_LAMBDA: bridgeAddress,
    DEBUG: "1",
    // There is no outside here.
    OVERRIDE_IN_DOCKER: "0",
    DNS_ADDRESS: "0",
    SKIP_SSL_CERT_DOWNLOAD: "1",
    DISABLE_EVENTS: "1",
  };
}

async function isServing(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/_localstack/health`, { signal: AbortSignal.timeout(5000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** By a rename: a container that is being made gets the one or the other, whole. */
function installInit(port: number, from: string): void {
  const path = initPathOf(port);
  mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  copyFileSync(from, `${filesOf(port)}/next-init`);
  Bun.spawnSync(["chmod", "755", `${filesOf(port)}/next-init`]);
  renameSync(`${filesOf(port)}/next-init`, path);
}

export function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

export async function hashOf(path: string): Promise<string> {
  return sha256(await Bun.file(path).bytes());
}
