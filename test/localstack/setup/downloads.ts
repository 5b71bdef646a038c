/** What is fetched once and kept: Debian, LocalStack, the runtime clients. */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { newNodeClient, whyMissing } from "../../e2e/support/clients.ts";
import { CannotSetUp, need, run } from "./command.ts";
import { directory, localstackPackages, python, rootfs, runtimePackages } from "./places.ts";

/** The one with Python 3.13, which LocalStack 4.14 asks for. */
const debian = "trixie";

const requirements = new URL("requirements.txt", import.meta.url).pathname;

/** @throws CannotSetUp where something cannot be had. What only some tests need is not missed. */
export async function download(): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await Promise.all([downloadPython(), downloadNode()]);
}

/** In a process of its own, which can be called off. Where it fails, the tests that need Node.js are skipped. */
async function downloadNode(): Promise<void> {
  if (whyMissing(newNodeClient) === undefined) return;
  const { output } = await run([process.execPath, `${import.meta.dir}/node-client.ts`], { seconds: 240 });
  if (output !== "") console.log(output);
}

async function downloadPython(): Promise<void> {
  await once(rootfs, debian, async () => {
    const packages = "--include=python3,python3-pip,procps";
    const command = ["debootstrap", "--variant=minbase", packages, debian, rootfs];
    await need("Debian's files", command, { seconds: 300 });
    rmSync(`${rootfs}/var/cache/apt/archives`, { recursive: true });
  });
  writePythonStarter();
  await once(localstackPackages, readFileSync(requirements, "utf8"), () =>
    pip("LocalStack", localstackPackages, ["--no-deps", "--requirement", requirements]),
  );
  await once(runtimePackages, "awslambdaric==4.2.2", (what) => pip("the runtime client", runtimePackages, [what]));
}

function pip(what: string, target: string, packages: readonly string[]): Promise<string> {
  const command = ["-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--no-compile", "--target", target];
  return need(what, [python, ...command, ...packages], { seconds: 300, env: { PYTHONPATH: undefined } });
}

/**
 * Debian's Python runs where it lies, by the loader and the libraries that lie with it: the machine may have another libc
 * and no Python at all. `--argv0` is what Python starts again when it needs one more. `PYTHONPATH` stays as it is given: pip
 * sets it for the packages it has to build.
 */
function writePythonStarter(): void {
  const [loader] = globSync(`${rootfs}/usr/lib/*-linux-gnu/ld-linux-*.so.*`);
  if (loader === undefined) throw new CannotSetUp(`${rootfs} has no loader: remove it, to have it made anew`);
  const libraries = loader.slice(0, loader.lastIndexOf("/"));
  const lines = [
    "#!/bin/sh",
    `export PYTHONHOME='${rootfs}/usr'`,
    `exec '${loader}' --argv0 "$0" --library-path '${libraries}' '${rootfs}/usr/bin/python3.13' "$@"`,
  ];
  writeFileSync(python, `${lines.join("\n")}\n`, { mode: 0o755 });
}

/**
 * Makes a directory, unless it was made to the end before.
 * @param key what it is made of: another one has it made anew
 */
async function once(path: string, key: string, make: (key: string) => Promise<unknown>): Promise<void> {
  const mark = `${path}.done`;
  if (existsSync(mark) && readFileSync(mark, "utf8") === key) return;
  console.log(`fetching ${path}`);
  rmSync(mark, { force: true });
  rmSync(path, { recursive: true, force: true });
  await make(key);
  writeFileSync(mark, key);
}
