/** Callers of the Lambda API and AWS's own emulator, installed once into a cache outside of the repository. */
import { chmodSync, existsSync } from "node:fs";
import { cache, type Installed, install, npmInstall, pipInstall } from "./clients.ts";

export const javaScriptSdk: Installed = {
  name: "@aws-sdk/client-lambda 3.1164.0 (npm)",
  directory: `${cache}/aws-sdk-client-lambda-3.1164.0`,
  install: (directory) => npmInstall(directory, "@aws-sdk/client-lambda@3.1164.0"),
};

/** The AWS CLI brings the botocore of boto3 along. */
export const pythonSdk: Installed = {
  name: "boto3 1.44.8 and awscli 1.46.3 (PyPI)",
  directory: `${cache}/boto3-1.44.8-awscli-1.46.3`,
  install: (directory) => pipInstall(directory, "boto3==1.44.8", "awscli==1.46.3"),
};

/** SAM CLI's package has AWS's emulator in it, and the code that reads its answers and its log. */
export const samCli: Installed = {
  name: "aws-sam-cli 1.170.0 (PyPI), without what it depends on",
  directory: `${cache}/aws-sam-cli-1.170.0`,
  install: (directory) => pipInstall(directory, "--no-deps", "aws-sam-cli==1.170.0"),
};

const rie = `${samCli.directory}/samcli/local/rapid/aws-lambda-rie-${process.arch === "arm64" ? "arm64" : "x86_64"}`;

/** AWS's emulator, made executable; `undefined`: it is not there. */
export function referenceEmulator(): string | undefined {
  if (!existsSync(rie)) return undefined;
  chmodSync(rie, 0o755);
  return rie;
}

/** Installs all where that is possible. What went wrong is printed; the tests are then skipped by name. */
export async function installSdkClients(): Promise<void> {
  await Promise.all([javaScriptSdk, pythonSdk, samCli].map(install));
}

if (import.meta.main) await installSdkClients();
