/**
 * The tests in a real LocalStack: `npm run test:localstack`, with words for `bun test` behind `--`, such as a file.
 *
 * What they need is fetched once, into a directory of its own (setup/places.ts). dockerd, LocalStack and the tests run in
 * namespaces (network, mounts, processes) without a way to the outside, and end with these, however a run ends. Where
 * that cannot be set up, the tests are skipped, with the reason, and nothing fails.
 */
import { mkdirSync } from "node:fs";
import { whatIsLeft } from "./setup/aftermath.ts";
import { CannotSetUp, need } from "./setup/command.ts";
import { download } from "./setup/downloads.ts";
import { checkMachine, installPrograms } from "./setup/machine.ts";
import { binary, cannotSetUpStatus, directory, repository } from "./setup/places.ts";

/** Seconds all of it may take, once everything was fetched. */
const runLimit = 900;

/**
 * Its first process is a shell that waits for whatever comes to be its child. `/run` is where dockerd and containerd have
 * what lives no longer than they do.
 */
const namespaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
const firstProcess = ["sh", "-c", 'ip link set lo up && mount -t tmpfs tmpfs /run && "$@"; exit $?', "sh"];

async function setUp(): Promise<void> {
  checkMachine();
  await installPrograms();
  await download();
  if (process.env.LOCALSTACK_TEST_BINARY === undefined)
    await need("the binary", [process.execPath, "run", "build.ts", "--host"], { seconds: 120, cwd: repository });
  if (!(await Bun.file(binary).exists())) throw new CannotSetUp(`there is no ${binary}`);
}

/** One run after the other: they share what was fetched, and dockerd's files. */
async function testInside(args: readonly string[]): Promise<number> {
  mkdirSync(directory, { recursive: true });
  const lock = ["flock", "--timeout", String(runLimit), `${directory}/lock`];
  const limit = ["timeout", "--foreground", "--kill-after=20", String(runLimit)];
  const inside = [process.execPath, `${repository}/test/localstack/setup/inside.ts`, ...args];
  const child = Bun.spawn([...lock, ...namespaces, ...firstProcess, ...limit, ...inside], {
    cwd: repository,
    stdio: ["ignore", "inherit", "inherit"],
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill("SIGTERM"));
  return await child.exited;
}

async function main(args: readonly string[]): Promise<number> {
  try {
    await setUp();
  } catch (error) {
    if (!(error instanceof CannotSetUp)) throw error;
    console.log(`skipped: test/localstack: ${error.message}`);
    return 0;
  }
  const status = await testInside(args.length > 0 ? args : ["./test/localstack"]);
  const left = await whatIsLeft();
  for (const one of left) console.log(`left behind: ${one}`);
  if (left.length > 0) return 1;
  return status === cannotSetUpStatus ? 0 : status;
}

process.exit(await main(process.argv.slice(2)));
