import fs from "node:fs";

/**
 * Writes all bytes: one write may take less than it was given.
 * @param position in the file; without it, where the last write ended
 */
export function writeAll(fd: number, bytes: Uint8Array, position?: number): void {
  for (let at = 0; at < bytes.length; ) {
    at += fs.writeSync(fd, bytes, at, bytes.length - at, position === undefined ? null : position + at);
  }
}
