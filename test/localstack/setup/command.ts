/** Runs the programs the set-up needs, each with a deadline. */

/** Why LocalStack cannot be set up on this machine. The tests are skipped then, with this reason; they never fail for it. */
export class CannotSetUp extends Error {}

/** Seconds the set-up may take in all. Where a registry answers too slowly, the tests are skipped. */
const setUpLimit = 360;

const setUpEnds = performance.now() + setUpLimit * 1000;

export interface RunOptions {
  /** Seconds it may take, after which all of its process group is killed. */
  readonly seconds: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Exit status, and all that was written. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly output: string;
}

/** `timeout` and not the one of `Bun.spawn`: it ends what the command started, too, which would hold its output open. */
export async function run(command: readonly string[], { seconds, env, cwd }: RunOptions): Promise<Ended> {
  const child = Bun.spawn(["timeout", "--kill-after=5", String(seconds), ...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, output: stdout + stderr };
}

/**
 * Runs a step of the set-up and returns its stdout.
 * @param what the step, for the reason
 * @throws CannotSetUp when it fails or takes too long
 */
export async function need(what: string, command: readonly string[], options: RunOptions): Promise<string> {
  const left = Math.floor((setUpEnds - performance.now()) / 1000);
  if (left < 1) throw new CannotSetUp(`${what}: there is no time left for it, of ${setUpLimit} s`);
  const seconds = Math.min(options.seconds, left);
  const { code, stdout, output } = await run(command, { ...options, seconds });
  if (code === 0) return stdout;
  const why = code === 124 || code === 137 ? `took more than ${seconds} s` : `ended with ${code}`;
  throw new CannotSetUp(`${what}: ${command[0]} ${why}: ${lastWords(output)}`);
}

/** The end of what a program wrote, in one line. */
export function lastWords(output: string): string {
  return output.trim().split("\n").slice(-4).join(" / ").slice(-600);
}
