/**
 * The part of a run that happens in namespaces of its own: dockerd, the images, LocalStack, then the tests.
 *
 *     bun test/localstack/setup/inside.ts <what bun test is to get>…
 */
import { mkdirSync, rmSync } from "node:fs";
import { dockerEnvironment } from "../support/docker.ts";
import { hashOf, type StartedLocalStack, sharedPort, startLocalStack } from "../support/localstack.ts";
import { CannotSetUp, need } from "./command.ts";
import { startEngine, stopEngine } from "./engine.ts";
import { imageOf, makeImages } from "./images.ts";
import { binary, cannotSetUpStatus, repository, runDirectory } from "./places.ts";

let engine: Bun.Subprocess | undefined;
let localstack: StartedLocalStack | undefined;

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
  const command = [process.execPath, "test", "--timeout", "120000", ...files];
  const child = Bun.spawn(command, {
    cwd: repository,
    env: { ...process.env, LOCALSTACK_TEST_INSIDE: "1" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return await child.exited;
}

async function main(): Promise<number> {
  try {
    await setUp();
    console.log(`the init in LocalStack: sha256 ${await hashOf(binary)} (${binary})`);
    return await test(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CannotSetUp)) throw error;
    console.log(`skipped: test/localstack: ${error.message}`);
    return cannotSetUpStatus;
  } finally {
    await localstack?.stop();
    if (engine?.exitCode === null) await stopEngine(engine);
  }
}

process.exit(await main());
