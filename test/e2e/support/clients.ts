/** The real runtime clients, installed once into a cache outside of the repository. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";

const cache = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/lambda-runtime-init-tests`;

/** Seconds an installation may take: the Node.js client compiles its native part. */
const installLimit = 400;

export interface Client {
  /** The package with its version. */
  readonly name: string;
  /** Where it is installed. */
  readonly directory: string;
  readonly install: (directory: string) => string[];
  /** Starts the client with a handler. */
  readonly command: (directory: string, handler: string) => string[];
  readonly env: (directory: string) => Record<string, string>;
}

export const nodeClient: Client = {
  name: "aws-lambda-ric 3.3.0 (npm)",
  directory: `${cache}/aws-lambda-ric-3.3.0`,
  install: (directory) => ["npm", "install", "--prefix", directory, "--no-audit", "--no-fund", "aws-lambda-ric@3.3.0"],
  command: (directory, handler) => ["node", `${directory}/node_modules/aws-lambda-ric/bin/index.mjs`, handler],
  env: () => ({}),
};

export const pythonClient: Client = {
  name: "awslambdaric 3.1.1 (PyPI)",
  directory: `${cache}/awslambdaric-3.1.1`,
  install: (directory) => ["python3", "-m", "pip", "install", "--quiet", "--target", directory, "awslambdaric==3.1.1"],
  command: (_, handler) => ["python3", "-m", "awslambdaric", handler],
  env: (directory) => ({ PYTHONPATH: directory }),
};

/** Why a client is not there; `undefined`: it is. */
export function whyMissing({ directory }: Client): string | undefined {
  return existsSync(`${directory}/installed`) ? undefined : "it could not be installed on this machine";
}

/** Installs both where that is possible. What went wrong is printed; the tests are then skipped by name. */
export async function installClients(): Promise<void> {
  await Promise.all([nodeClient, pythonClient].map(install));
}

async function install(client: Client): Promise<void> {
  if (whyMissing(client) === undefined) return;
  rmSync(client.directory, { recursive: true, force: true });
  mkdirSync(client.directory, { recursive: true });
  try {
    const child = Bun.spawn(client.install(client.directory), {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: installLimit * 1000,
    });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (code === 0) writeFileSync(`${client.directory}/installed`, "");
    else console.log(`${client.name} could not be installed:\n${(out + err).slice(-2000)}`);
  } catch (error) {
    console.log(`${client.name} could not be installed: ${error}`);
  }
}

if (import.meta.main) await installClients();
