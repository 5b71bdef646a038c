/** Ports for tests that must know a number before anything listens. */

/** Below 32768, where the kernel takes its own free ports from: nobody else gets one between the look and its use. */
const [lowest, highest] = [20_000, 32_000];

/** Test files run beside each other, each in a process of its own: each looks in another place. */
let next = process.pid * 37;

/** A port of 127.0.0.1 on which nobody listens. */
export function freePort(): number {
  for (;;) {
    const port = lowest + (next++ % (highest - lowest));
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
}
