/** Networks of the benchmark's own: an init listens on fixed ports, and two of them are to run side by side. */
import { openSync } from "node:fs";
import { libc } from "./libc.ts";

const newNetwork = 0x4000_0000; // CLONE_NEWNET
const currentNetwork = "/proc/thread-self/ns/net";

/** Sockets and processes belong to the network of the thread that makes them, wherever they are used later. */
export interface Network {
  /** @param make what opens sockets or starts processes, before it returns or waits for anything */
  make<T>(make: () => T): T;
}

/** The one everybody uses. */
export const sharedNetwork: Network = { make: (make) => make() };

/** Making one needs root, and so does coming back from it. */
export function canHaveNetworks(): boolean {
  if (libc.setns(openSync(currentNetwork, "r"), newNetwork) !== 0) return false;
  if (!Bun.which("unshare") || !Bun.which("ip")) return false;
  return Bun.spawnSync(["unshare", "--net", "ip", "link", "set", "lo", "up"]).success;
}

export class OwnNetwork implements Network {
  readonly #descriptor: number;
  readonly #home = openSync(currentNetwork, "r");

  /** @throws where it cannot be made; see {@link canHaveNetworks} */
  constructor() {
    if (libc.unshare(newNetwork) !== 0) throw new Error("a network namespace cannot be made");
    try {
      this.#descriptor = openSync(currentNetwork, "r");
      if (!Bun.spawnSync(["ip", "link", "set", "lo", "up"]).success) throw new Error("its loopback cannot be set up");
    } finally {
      enter(this.#home);
    }
  }

  make<T>(make: () => T): T {
    enter(this.#descriptor);
    try {
      return make();
    } finally {
      enter(this.#home);
    }
  }
}

function enter(descriptor: number): void {
  if (libc.setns(descriptor, newNetwork) !== 0) throw new Error("a network namespace cannot be entered");
}
