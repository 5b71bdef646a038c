/** Waiting in tests: for real processes and sockets, always with a deadline. */
import { slowness } from "./target.ts";

/**
 * How much longer than on an idle machine a test waits before it gives up. Patience costs nothing where all is well, and
 * a busy machine can take its time. It never applies to what a test measures.
 */
const patience = 10 * slowness;

/**
 * The promise's value; rejects, naming what did not come.
 *
 * @param ms milliseconds that are ample on an idle machine
 */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const limit = ms * patience;
  const timer = setTimeout(() => reject(new Error(`waited ${limit} ms in vain for: ${what}`)), limit);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Looks again and again until the condition holds; rejects, naming it.
 *
 * @param ms milliseconds that are ample on an idle machine
 */
export async function waitUntil(what: string, condition: () => boolean, ms = 5000): Promise<void> {
  const limit = ms * patience;
  const deadline = performance.now() + limit;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${limit} ms in vain until: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
