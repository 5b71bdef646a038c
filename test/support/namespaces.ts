/**
 * Whether a test can have a network and mounts of its own, by `unshare`. That takes root, and rights that root in a
 * container may lack.
 */
export const hasNamespaces = process.getuid?.() === 0 && canUnshare();

function canUnshare(): boolean {
  if (Bun.which("unshare") === null || Bun.which("ip") === null) return false;
  const command = ["unshare", "--net", "--mount", "sh", "-c", "ip link set lo up && mount --bind / /"];
  return Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
}
