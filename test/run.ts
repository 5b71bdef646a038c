/**
 * Everything there is to pass, in one command: types, lint and format, unit tests, the builds, end-to-end tests.
 * Its last line counts all of it: `N passed, N failed, N skipped`.
 */
import { availableParallelism } from "node:os";
import { install, installClients } from "./e2e/support/clients.ts";
import { installRealExtensions } from "./e2e/support/real-extensions.ts";
import { installSdkClients } from "./e2e/support/sdk-clients.ts";
import { hasNamespaces } from "./support/namespaces.ts";
import { inOwnNetwork, largestFirst, Runner, repository } from "./support/runner.ts";
import { Slots } from "./support/slots.ts";
import { target } from "./support/target.ts";
import { librariesFor } from "./support/targets/libraries.ts";
import { findTestFiles } from "./support/test-files.ts";

const runner = await Runner.start();

/** Most tests wait for processes and timers most of the time, so more run at once than there are processors. */
const slots = new Slots(2 * Math.max(2, availableParallelism()));

/**
 * With a network of its own each end-to-end file can use the ports of a container. Without, all share one network, and
 * with it the X-Ray daemon's port: then they run one after another.
 */
const e2eSlots = hasNamespaces ? slots : new Slots(1);

/** Runs one end-to-end file. Those that drive programs of others wait until these are installed. */
async function endToEnd(file: string): Promise<void> {
  const text = await Bun.file(`${repository}/${file}`).text();
  if (/support\/(browser|clients|real-extensions|sdk-clients)\.ts"/.test(text)) await installations;
  await e2eSlots.use(() => runner.bunTest(file.replace("test/", ""), [file], { wrap: inOwnNetwork }));
}

if (!hasNamespaces) console.log("no namespaces here (they need root): end-to-end tests that need one are skipped");
const bin = `${repository}/node_modules/.bin`;
const found = findTestFiles(repository);
for (const file of found.stray) runner.count(`${file} lies where no tests are run`, { failed: 1 });
for (const room of found.empty) runner.count(`${room} has no test`, { failed: 1 });

const installations = Promise.all([
  installClients(),
  installRealExtensions(),
  installSdkClients(),
  install(librariesFor(`${target}-musl`)),
]);
const [isBuilt] = await Promise.all([
  runner.step("build for every target", [process.execPath, "run", "build.ts"]),
  runner.step("types", [`${bin}/tsc`, "--noEmit"]),
  runner.step("lint and format", [`${bin}/biome`, "check"]),
]);

await Promise.all([
  ...(isBuilt ? largestFirst(found.e2e) : []).map(endToEnd),
  ...[...found.rooms].map(([room, files]) => slots.use(() => runner.bunTest(room, files))),
]);
process.exit(await runner.end());
