/** Waiting in tests: for real processes and sockets, always with a deadline. */

/** The promise's value; rejects after `ms` milliseconds, naming what did not come. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for: ${what}`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again and again until the condition holds; rejects after `ms` milliseconds. */
export async function waitUntil(what: string, condition: () => boolean, ms = 5000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain until: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
