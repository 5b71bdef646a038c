/**
 * The tests in a real LocalStack: `npm run test:localstack`, with words for `bun test` behind `--`, such as a file.
 *
 * What they need is fetched once, into a directory of its own (setup/places.ts). Where that or anything else of the set-up
 * is not possible, the tests are skipped, with the reason, and nothing fails.
 */
import { mkdirSync } from "node:fs";
import { messageOf } from "../../src/errors.ts";
import { removeControlGroups, whatIsLeft } from "./setup/aftermath.ts";
import { run } from "./setup/command.ts";
import { download } from "./setup/downloads.ts";
import { prepareMachine } from "./setup/machine.ts";
import { inNamespaces } from "./setup/namespaces.ts";
import { cannotSetUpStatus, directory, repository, runIdVariable } from "./setup/places.ts";
import { tellSkipped } from "./setup/report.ts";

/** Seconds all of it may take, once everything was fetched; as long another run is waited for. */
const runLimit = 900;

/** One run after the other: they share what was fetched, and dockerd's files. */
async function testInside(id: string, args: readonly string[]): Promise<number> {
  const patience = ["--no-fork", "--timeout", String(runLimit), "--conflict-exit-code", String(cannotSetUpStatus)];
  const limit = ["timeout", "--foreground", "--kill-after=20", String(runLimit)];
  const inside = [process.execPath, `${repository}/test/localstack/setup/inside.ts`, ...args];
  const child = Bun.spawn(["flock", ...patience, `${directory}/lock`, ...inNamespaces([...limit, ...inside])], {
    cwd: repository,
    env: { ...process.env, [runIdVariable]: id },
    // Never written to: its end tells those inside that this process has ended.
    stdio: ["pipe", "inherit", "inherit"],
  });
  // `unshare` takes no other signal, and all that is in its namespaces ends with it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill("SIGKILL"));
  return await child.exited;
}

/** A build that fails is a failure: it has nothing to do with the machine. */
async function build(): Promise<boolean> {
  if (process.env.LOCALSTACK_TEST_BINARY !== undefined) return true;
  const command = [process.execPath, "run", "build.ts", "--host"];
  const { code, output } = await run(command, { seconds: 120, cwd: repository });
  if (code !== 0) console.log(output);
  return code === 0;
}

async function main(args: readonly string[]): Promise<number> {
  try {
    await prepareMachine();
    if (!(await build())) return 1;
    mkdirSync(directory, { recursive: true });
    await download();
    removeControlGroups("*");
  } catch (error) {
    tellSkipped(messageOf(error));
    return 0;
  }
  const id = crypto.randomUUID();
  const status = await testInside(id, args.length > 0 ? args : ["./test/localstack"]);
  const left = await whatIsLeft(id);
  for (const one of left) console.log(`left behind: ${one}`);
  if (left.length > 0) return 1;
  return status === cannotSetUpStatus ? 0 : status;
}

process.exit(await main(process.argv.slice(2)));
