/** Every wait of the benchmark has an end. */

/** @throws an error that says what was waited for, after `ms` milliseconds */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => deadline.reject(new Error(`${what}: not within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}
