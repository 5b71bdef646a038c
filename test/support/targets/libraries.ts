/**
 * What a binary for another libc or processor needs beside the kernel: a loader and libraries, laid out as below `/usr/lib`.
 *
 *     bun test/support/targets/libraries.ts TARGET DIRECTORY    fetches them
 */
import { cp, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { cache, type Installed } from "../../e2e/support/clients.ts";
import { unpackDebian } from "./debian.ts";
import { output } from "./output.ts";

/** Built for Alpine, it brings Alpine's `libstdc++` and `libgcc_s` along. */
const wheel = "contourpy==1.4.0";

/** The processor, as Debian calls it and as everybody else does. */
const processors = {
  x86_64: { debian: "amd64", machine: "x86_64" },
  arm64: { debian: "arm64", machine: "aarch64" },
} as const;

/** @throws an error for a target that is not one */
export function librariesFor(target: string): Installed {
  if (!/^(x86_64|arm64)(-musl)?$/.test(target)) throw new Error(`no such target: ${target}`);
  return {
    name: `the libraries of ${target} (Debian 13${target.endsWith("-musl") ? `, ${wheel} of PyPI` : ""})`,
    directory: `${cache}/libraries-of-${target}-1`,
    install: (directory) => [process.execPath, import.meta.path, target, directory],
  };
}

async function fetchLibraries(target: string, directory: string): Promise<void> {
  const [name, libc] = target.split("-") as [keyof typeof processors, string?];
  const { debian, machine } = processors[name];
  const scratch = await mkdtemp(`${tmpdir()}/init-libraries-`);
  try {
    await unpackDebian(libc ?? "libc6", debian, `${scratch}/debian`);
    await cp(`${scratch}/debian/usr/lib`, directory, { recursive: true, verbatimSymlinks: true });
    if (libc === "musl") await addCppLibrary(machine, directory, scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Alpine's `libstdc++`, and what that needs. */
async function addCppLibrary(machine: string, directory: string, scratch: string): Promise<void> {
  const platform = ["--platform", `musllinux_1_2_${machine}`, "--python-version", "3.12", "--implementation", "cp"];
  const pip = ["python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", ...platform];
  await output([...pip, "--dest", scratch, wheel]);
  await output(["sh", "-c", "python3 -m zipfile -e *.whl wheel"], scratch);
  const from = `${scratch}/wheel/contourpy.libs`;
  for (const file of await readdir(from)) {
    const name = file.startsWith("libstdc++") ? "libstdc++.so.6" : file;
    await cp(`${from}/${file}`, `${directory}/${name}`);
    // Where Debian's musl is installed, its setting says to look here alone.
    await symlink(`../${name}`, `${directory}/${machine}-linux-musl/${name}`);
  }
}

if (import.meta.main) await fetchLibraries(...(process.argv.slice(2) as [string, string]));
