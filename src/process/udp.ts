/** What Bun's UDP sockets have no function for. */
import fs from "node:fs";
import { setReceiveBuffer } from "./libc.ts";

/** A row of `/proc/net/udp` for an address of 127.0.0.1. */
function rowOf(port: number): string[] | undefined {
  try {
    const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} `;
    const lines = fs.readFileSync("/proc/net/udp", "latin1").split("\n");
    return lines
      .find((line) => line.includes(local))
      ?.trim()
      .split(/\s+/);
  } catch {
    return undefined;
  }
}

/**
 * How many datagrams for this port of 127.0.0.1 the kernel has dropped because they came faster than they were read.
 */
export function datagramsDropped(port: number): number {
  return Number(rowOf(port)?.at(-1) ?? 0);
}

/**
 * Lets the kernel keep more datagrams for the socket of this process that listens on this port of 127.0.0.1. It keeps
 * what `net.core.rmem_max` allows, twice.
 * @returns whether the socket was found
 */
export function widenReceiveBuffer(port: number, bytes: number): boolean {
  const socket = `socket:[${rowOf(port)?.[9]}]`;
  for (const fd of fs.readdirSync("/proc/self/fd")) {
    try {
      if (fs.readlinkSync(`/proc/self/fd/${fd}`) === socket) return setReceiveBuffer(Number(fd), bytes);
    } catch {
      // The directory's own descriptor.
    }
  }
  return false;
}
