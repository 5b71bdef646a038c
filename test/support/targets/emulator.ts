/** Lets the kernel start programs for another processor, by QEMU. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const kernel = "/proc/sys/fs/binfmt_misc";
const ownEntry = "lambda-runtime-init-tests";

/** How an arm64 program begins. */
const magic = "7f454c460201010000000000000000000200b700";
const mask = "ffffffffffffff00fffffffffffffffffeffffff";

/**
 * The kernel keeps the emulator's file open, so that it is found in every root. The entry is the whole machine's.
 * @returns takes away again what was added
 * @throws where there is no QEMU, or the kernel or the rights do not allow it
 */
export function emulateArm64(): Disposable {
  if (!existsSync(`${kernel}/register`)) Bun.spawnSync(["mount", "-t", "binfmt_misc", "binfmt_misc", kernel]);
  if (!existsSync(`${kernel}/register`)) throw new Error("the kernel has no binfmt_misc here");
  // One of ours is left where a run was killed.
  if (!existsSync(`${kernel}/${ownEntry}`)) {
    if (isEmulated()) return { [Symbol.dispose]: () => {} };
    register();
  }
  return {
    [Symbol.dispose]() {
      if (existsSync(`${kernel}/${ownEntry}`)) writeFileSync(`${kernel}/${ownEntry}`, "-1");
    },
  };
}

function register(): void {
  const emulator = Bun.which("qemu-aarch64-static");
  if (emulator === null) throw new Error("there is no qemu-aarch64-static: install qemu-user-static");
  const escaped = (bytes: string) => bytes.replace(/../g, "\\x$&");
  writeFileSync(`${kernel}/register`, `:${ownEntry}:M::${escaped(magic)}:${escaped(mask)}:${emulator}:F`);
}

function isEmulated(): boolean {
  return readdirSync(kernel)
    .filter((name) => name !== "register" && name !== "status")
    .map((name) => readFileSync(`${kernel}/${name}`, "utf8"))
    .some((entry) => /^enabled$/m.test(entry) && /^flags: .*F/m.test(entry) && entry.includes(`magic ${magic}`));
}
