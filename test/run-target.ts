/**
 * Runs end-to-end tests against a binary for another libc or processor than this machine's own:
 *
 *     bun test/run-target.ts arm64                        all of them
 *     bun test/run-target.ts x86_64-musl signals process  these files
 *
 * The binary finds its loader and libraries in `/usr/lib`, by a mount that only the tests see; an arm64 one is run by QEMU.
 * The functions are this machine's programs. Where that cannot be set up, it says why and nothing fails.
 */
import { realpathSync } from "node:fs";
import { availableParallelism } from "node:os";
import { install, installClients, whyMissing } from "./e2e/support/clients.ts";
import { installRealExtensions } from "./e2e/support/real-extensions.ts";
import { installSdkClients } from "./e2e/support/sdk-clients.ts";
import { hasNamespaces } from "./support/namespaces.ts";
import { largestFirst, Runner, repository } from "./support/runner.ts";
import { Slots } from "./support/slots.ts";
import { slownessOf } from "./support/target.ts";
import { emulateArm64 } from "./support/targets/emulator.ts";
import { librariesFor } from "./support/targets/libraries.ts";
import { findTestFiles } from "./support/test-files.ts";

type Wrap = (command: string[]) => string[];

const [target = "", ...names] = process.argv.slice(2);
const runner = await Runner.start();

/** Most tests wait for processes and timers most of the time. */
const slots = new Slots(availableParallelism());

/** A network of its own, with the libraries in front of the machine's. */
function withLibraries(directory: string): Wrap {
  const place = realpathSync("/lib");
  const overlay = `mount -t overlay overlay -o 'lowerdir=${directory}:${place}' '${place}'`;
  return (command) => [
    "unshare",
    "--net",
    "--mount",
    "sh",
    "-c",
    `ip link set lo up && ${overlay} && exec "$@"`,
    "sh",
    ...command,
  ];
}

/** @throws an error that says why the binary cannot be run here */
async function setUp(emulation: DisposableStack): Promise<Wrap> {
  if (!hasNamespaces) throw new Error("it takes root, and the right to have networks and mounts of one's own");
  const libraries = librariesFor(target);
  await install(libraries);
  const why = whyMissing(libraries);
  if (why !== undefined) throw new Error(`${libraries.name}: ${why}`);
  if (slownessOf(target) > 1) emulation.use(emulateArm64());
  const wrap = withLibraries(libraries.directory);
  const { ok, output } = await runner.run(wrap([`dist/aws-lambda-rie-${target}`, "--help"]));
  if (!ok) throw new Error(`it does not start: ${output.slice(0, 500)}`);
  return wrap;
}

async function testTarget(emulation: DisposableStack): Promise<void> {
  if (!(await runner.step(`build for ${target}`, [process.execPath, "run", "build.ts", target]))) return;
  let wrap: Wrap;
  try {
    wrap = await setUp(emulation);
  } catch (error) {
    runner.count(`end-to-end tests of ${target}`, { skipped: 1 });
    console.log(`  skipped: ${(error as Error).message}`);
    return;
  }
  const files = names.length > 0 ? names.map((name) => `test/e2e/${name}.test.ts`) : findTestFiles(repository).e2e;
  if (names.length === 0) await Promise.all([installClients(), installRealExtensions(), installSdkClients()]);
  const options = { wrap, env: { E2E_TARGET: target }, testLimit: 60_000 * slownessOf(target) };
  const run = (file: string) => slots.use(() => runner.bunTest(file.replace("test/", ""), [file], options));
  await Promise.all(largestFirst(files).map(run));
}

{
  using emulation = new DisposableStack();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      emulation.dispose();
      process.exit(1);
    });
  }
  await testTarget(emulation);
}
process.exit(await runner.end());
