/**
 * Where dockerd, LocalStack and the tests run: a network without a way out, mounts and processes of their own. All of it
 * ends with the first process, whatever becomes of the others.
 */

const unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/**
 * The first process is a shell, which takes in the processes whose parents have ended. `/run` is new: there dockerd and
 * containerd keep what lives no longer than they do, and the machine's own ones cannot be seen.
 */
const firstProcess = ["sh", "-c", 'ip link set lo up && mount -t tmpfs tmpfs /run && "$@"; exit $?', "sh"];

export function inNamespaces(command: readonly string[]): string[] {
  return [...unshare, ...firstProcess, ...command];
}
