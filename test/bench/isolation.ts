/** A network of the benchmark's own: an init listens on fixed ports, and somebody else may be using them. */

const marker = "BENCH_OWN_NETWORK";
const enterAndRun = 'ip link set lo up && exec "$@"';

/**
 * As root on a machine that can do it, runs this very command again in a network namespace of its own and ends this
 * process with its status. Otherwise returns, and the ports of the machine are used.
 */
export function enterOwnNetwork(): void {
  if (process.env[marker] !== undefined || process.getuid?.() !== 0 || !canIsolate()) return;
  const [bun, ...args] = [process.execPath, ...process.argv.slice(1)];
  process.execve?.(Bun.which("unshare") as string, ["unshare", "-n", "sh", "-c", enterAndRun, "sh", bun, ...args], {
    ...process.env,
    [marker]: "1",
  } as Record<string, string>);
}

function canIsolate(): boolean {
  if (Bun.which("unshare") === null || Bun.which("ip") === null) return false;
  return Bun.spawnSync(["unshare", "-n", "sh", "-c", enterAndRun, "sh", "true"]).success;
}
