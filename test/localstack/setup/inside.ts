/**
 * The part of a run that happens in namespaces of its own: dockerd, the images, LocalStack, then the tests.
 *
 *     bun test/localstack/setup/inside.ts <what bun test is to get>…
 */
import { mkdirSync, rmSync } from "node:fs";
import { messageOf } from "../../../src/errors.ts";
import { dockerEnvironment } from "../support/docker.ts";
import { hashOf, type StartedLocalStack, sharedPort, startLocalStack } from "../support/localstack.ts";
import { need } from "./command.ts";
import { startEngine, stopEngine } from "./engine.ts";
import { imageOf, makeImages } from "./images.ts";
import { binary, cannotSetUpStatus, repository, runDirectory } from "./places.ts";
import { tellCounts, tellSkipped } from "./report.ts";

let engine: Bun.Subprocess | undefined;
let localstack: StartedLocalStack | undefined;

/** Standard input ends with the process that waits for this one, even if that is killed: then all of this ends, too. */
async function endWithTheRunner(): Promise<never> {
  for await (const _ of Bun.stdin.stream());
  process.exit(1);
}

async function setUp(): Promise<void> {
  rmSync(runDirectory, { recursive: true, force: true });
  mkdirSync(runDirectory, { recursive: true });
  engine = await startEngine();
  await makeImages();
  const hello = ["docker", "run", "--rm", imageOf("provided.al2023"), "true"];
  await need("a first container", hello, { seconds: 60, env: dockerEnvironment });
  localstack = await startLocalStack({ port: sharedPort });
}

async function test(files: readonly string[]): Promise<number> {
  const report = `${runDirectory}/report.xml`;
  const options = ["--timeout", "120000", "--reporter=junit", `--reporter-outfile=${report}`];
  const child = Bun.spawn([process.execPath, "test", ...options, ...files], {
    cwd: repository,
    env: { ...process.env, LOCALSTACK_TEST_INSIDE: "1" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const status = await child.exited;
  await tellCounts(report, status);
  return status;
}

async function main(): Promise<number> {
  try {
    try {
      await setUp();
    } catch (error) {
      tellSkipped(messageOf(error));
      return cannotSetUpStatus;
    }
    console.log(`init in LocalStack ${await localstackVersion()}: sha256 ${await hashOf(binary)} (${binary})`);
    return await test(process.argv.slice(2));
  } finally {
    await localstack?.stop();
    if (engine) await stopEngine(engine);
  }
}

async function localstackVersion(): Promise<string> {
  const answer = await fetch(`${localstack?.endpoint}/_localstack/health`, { signal: AbortSignal.timeout(30_000) });
  return ((await answer.json()) as { version: string }).version;
}

void endWithTheRunner();
process.exit(await main());
