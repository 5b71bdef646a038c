/** Giving back the memory of large bodies. */

/** Below this many bytes the next garbage collection is soon enough. */
const worthwhile = 16 * 1024;

/**
 * Frees the bytes at once instead of at the next garbage collection, which sees a body of megabytes as one small object
 * and lets several pile up. They must not be used afterwards: they are empty.
 */
export function release(bytes: Uint8Array): void {
  if (bytes.byteLength >= worthwhile && bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0);
}
