/** Serving a Hono app. The one place that knows which listener it is. */
import { serve } from "./listener/server.ts";

export interface Address {
  readonly hostname: string;
  /** 0 to 65535; 0 asks for any free one. */
  readonly port: number;
}

/** A server that listens. */
export interface Listener extends AsyncDisposable {
  /** With the port that was taken, where any was asked for. */
  readonly address: Address;
  /**
   * Frees the port and closes every connection, whatever it waits for. Resolves when that is done; may be called again.
   */
  stop(): Promise<void>;
}

/** Thrown when an address cannot be listened on; the message says which, why and what to do. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Bodies are limited where they are read, with a proper answer; this only bounds what a broken client can send. */
const maxBodyBytes = 1024 * 1024 * 1024;

export type FetchHandler = (request: Request) => Response | Promise<Response>;

/**
 * Listens with `Bun.serve` until it is stopped.
 * @param what the name of the server, for the error text
 * @throws {ListenError}
 */
export function listen(what: string, address: Address, fetch: FetchHandler): Listener {
  const server = orListenError(what, address, () =>
    Bun.serve({
      ...address,
      fetch,
      // Without this Bun shares the port outside of development: the function could take a part of the connections by
      // listening on it too, and a second init would start as if it were alone.
      reusePort: false,
      // `/next` may wait for hours.
      idleTimeout: 0,
      maxRequestBodySize: maxBodyBytes,
      // Whatever the function's NODE_ENV says: no error pages.
      development: false,
    }),
  );
  return toListener({ ...address, port: server.port ?? address.port }, () => server.stop(true));
}

/**
 * The same for those who talk to Go's server elsewhere: requests that `Bun.serve` refuses are read as that reads them, and
 * trailers are shown (`trailersOf`). What it costs stands in `docs/architecture.md`.
 * @throws {ListenError}
 */
export function listenAsGo(what: string, address: Address, fetch: FetchHandler): Listener {
  const server = orListenError(what, address, () => serve(address, fetch));
  return toListener({ ...address, port: server.port }, async () => server.stop());
}

function toListener(address: Address, stop: () => Promise<void>): Listener {
  return { address, stop, [Symbol.asyncDispose]: stop };
}

function orListenError<T>(what: string, { hostname, port }: Address, start: () => T): T {
  try {
    return start();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "it is in use" : String(error);
    throw new ListenError(
      `${what} cannot listen on ${hostname}:${port}: ${reason}. Free it, or choose another address (--help).`,
    );
  }
}
