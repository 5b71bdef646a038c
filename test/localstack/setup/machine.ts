/** What the machine has to have, and Debian's packages for what it lacks. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { CannotSetUp, need } from "./command.ts";
import { inNamespaces } from "./namespaces.ts";

/** Programs, and Debian's packages that have them. */
const programs: Readonly<Record<string, readonly string[]>> = {
  unshare: ["util-linux"],
  ip: ["iproute2"],
  iptables: ["iptables"],
  dockerd: ["docker.io"],
  docker: ["docker.io"],
  debootstrap: ["debootstrap"],
};

/** @throws CannotSetUp where the tests cannot be run on this machine */
export async function prepareMachine(): Promise<void> {
  if (process.platform !== "linux") throw new CannotSetUp("it takes Linux");
  if (process.getuid?.() !== 0) throw new CannotSetUp("it takes root, for namespaces and dockerd");
  if (!existsSync("/sys/fs/cgroup")) throw new CannotSetUp("there are no control groups, which dockerd needs");
  // Debian has them where not every root looks.
  process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
  await installPrograms();
  await need("namespaces of its own", inNamespaces(["true"]), { seconds: 30 });
}

async function installPrograms(): Promise<void> {
  const missing = Object.keys(programs).filter((program) => Bun.which(program) === null);
  if (missing.length === 0) return;
  if (Bun.which("apt-get") === null) throw new CannotSetUp(`${missing.join(", ")} missing, and no apt-get`);
  const packages = [...new Set(missing.flatMap((program) => programs[program] ?? []))];
  console.log(`installing ${packages.join(", ")}`);
  await need("the package lists", ["apt-get", "update", "-qq"], { seconds: 90 });
  const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...packages];
  await withoutStartingServices(() =>
    need("packages", install, { seconds: 180, env: { DEBIAN_FRONTEND: "noninteractive" } }),
  );
}

/** Debian starts a service when it is installed, unless this file says no: the dockerd of the tests is one of their own. */
async function withoutStartingServices<T>(action: () => Promise<T>): Promise<T> {
  const policy = "/usr/sbin/policy-rc.d";
  if (existsSync(policy)) return await action();
  writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    return await action();
  } finally {
    rmSync(policy);
  }
}
