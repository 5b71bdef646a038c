/** Serving a Hono app. The one place that knows which listener it is. */

export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** Thrown when an address cannot be listened on; the message says which, why and what to do. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Bodies are limited where they are read, with a proper answer; this only bounds what a broken client can send. */
const maxBodyBytes = 1024 * 1024 * 1024;

/**
 * Listens until the process ends.
 * @param what the name of the server, for the error text
 * @throws {ListenError}
 */
export function listen(
  what: string,
  address: Address,
  fetch: (request: Request) => Response | Promise<Response>,
): void {
  try {
    Bun.serve({
      ...address,
      fetch,
      // `/next` may wait for hours.
      idleTimeout: 0,
      maxRequestBodySize: maxBodyBytes,
      // Whatever the function's NODE_ENV says: no error pages.
      development: false,
    });
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? "it is in use" : String(error);
    throw new ListenError(
      `${what} cannot listen on ${address.hostname}:${address.port}: ${reason}. Free it, or choose another address (--help).`,
    );
  }
}
