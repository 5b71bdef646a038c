/** Seconds one program may take. */
const limit = 180;

/** What a program writes to stdout. @throws an error with what it wrote, where it fails or there is no such program */
export async function output(command: readonly string[], cwd = "/"): Promise<string> {
  const child = Bun.spawn([...command], {
    cwd,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: limit * 1000,
  });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${command[0]} ended with ${status}: ${(err + out).trim().slice(-500)}`);
  return out;
}
