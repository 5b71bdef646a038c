/** The real runtime clients, installed once into a cache outside of the repository. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";

/** Where what the tests need from registries is kept. */
export const cache = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/lambda-runtime-init-tests`;

/** Seconds an installation may take: some are compiled. */
const installLimit = 400;

/** Something from a registry, installed by a command. */
export interface Installed {
  /** The package with its version. */
  readonly name: string;
  /** Where it is installed. */
  readonly directory: string;
  readonly install: (directory: string) => string[];
}

export interface Client extends Installed {
  /** Starts the client with a handler. */
  readonly command: (directory: string, handler: string) => string[];
  readonly env: (directory: string) => Record<string, string>;
}

export function npmInstall(directory: string, ...packages: string[]): string[] {
  return ["npm", "install", "--prefix", directory, "--no-audit", "--no-fund", ...packages];
}

export function pipInstall(directory: string, ...packages: string[]): string[] {
  return ["python3", "-m", "pip", "install", "--quiet", "--target", directory, ...packages];
}

export const nodeClient: Client = {
  name: "aws-lambda-ric 3.3.0 (npm)",
  directory: `${cache}/aws-lambda-ric-3.3.0`,
  install: (directory) => npmInstall(directory, "aws-lambda-ric@3.3.0"),
  command: (directory, handler) => ["node", `${directory}/node_modules/aws-lambda-ric/bin/index.mjs`, handler],
  env: () => ({}),
};

export const pythonClient: Client = {
  name: "awslambdaric 3.1.1 (PyPI)",
  directory: `${cache}/awslambdaric-3.1.1`,
  install: (directory) => pipInstall(directory, "awslambdaric==3.1.1"),
  command: (_, handler) => ["python3", "-m", "awslambdaric", handler],
  env: (directory) => ({ PYTHONPATH: directory }),
};

/** The newest: it knows snapshots and managed instances. */
export const newPythonClient: Client = {
  ...pythonClient,
  name: "awslambdaric 4.2.2 with snapshot-restore-py 1.0.0 (PyPI)",
  directory: `${cache}/awslambdaric-4.2.2`,
  install: (directory) => pipInstall(directory, "awslambdaric==4.2.2", "snapshot-restore-py==1.0.0"),
};

/** Reads the metadata endpoint. */
export const powertools: Installed = {
  name: "aws-lambda-powertools 3.37.0 (PyPI)",
  directory: `${cache}/aws-lambda-powertools-3.37.0`,
  install: (directory) => pipInstall(directory, "aws-lambda-powertools==3.37.0"),
};

/** AWS's X-Ray SDK, which sends segments to init's daemon. */
export const xraySdk: Installed = {
  name: "aws-xray-sdk-core 3.12.0 (npm)",
  directory: `${cache}/aws-xray-sdk-core-3.12.0`,
  install: (directory) => npmInstall(directory, "aws-xray-sdk-core@3.12.0"),
};

/** Drives a browser that is there already; it brings none. */
export const playwright: Installed = {
  name: "playwright-core 1.64.1 (npm)",
  directory: `${cache}/playwright-core-1.64.1`,
  install: (directory) => [
    "npm",
    "install",
    "--prefix",
    directory,
    "--no-audit",
    "--no-fund",
    "playwright-core@1.64.1",
  ],
};

/** Why something is not there; `undefined`: it is. */
export function whyMissing({ directory }: Installed): string | undefined {
  return existsSync(`${directory}/installed`) ? undefined : "it could not be installed on this machine";
}

/** Installs all where that is possible. What went wrong is printed; the tests are then skipped by name. */
export async function installClients(): Promise<void> {
  const wanted = [nodeClient, pythonClient, newPythonClient, powertools, xraySdk, playwright];
  await Promise.all(wanted.map(install));
}

/** Installs what is not there yet, and prints why where it fails. */
export async function install(wanted: Installed): Promise<void> {
  if (whyMissing(wanted) === undefined) return;
  rmSync(wanted.directory, { recursive: true, force: true });
  mkdirSync(wanted.directory, { recursive: true });
  try {
    const child = Bun.spawn(wanted.install(wanted.directory), {
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
    if (code === 0) writeFileSync(`${wanted.directory}/installed`, "");
    else console.log(`${wanted.name} could not be installed:\n${(out + err).slice(-2000)}`);
  } catch (error) {
    console.log(`${wanted.name} could not be installed: ${error}`);
  }
}

if (import.meta.main) await installClients();
