/**
 * One kept connection that carries POSTs to one server, in the order they are given. It is a raw connection because a
 * general HTTP client costs more per request than everything else init does for an invocation.
 */
import { type LineAnswer, LineConnection, type LineOptions, type LineRequest } from "./line-connection.ts";

/**
 * Milliseconds after which an unused connection is not trusted: firewalls and address translation forget a connection
 * without telling either end.
 */
const maxIdleMs = 30_000;

export class HttpLine {
  #connection: LineConnection | undefined;

  constructor(private readonly options: LineOptions) {}

  /** Opens the connection ahead of the first request. What goes wrong is left for that request to find out. */
  connect(): void {
    this.#current();
  }

  /**
   * Sends a request behind those that still wait for their answers. A server that gets several at once on one
   * connection answers them in turn; whoever does not want to rely on it waits for each answer.
   * @throws {LineBrokenError} @throws {LineSilentError} and so do all requests sent behind this one
   */
  post(request: LineRequest): Promise<LineAnswer> {
    return this.#current().post(request);
  }

  /** Whether the server is one to which requests can be sent ahead: as it has shown on the connection that is open now. */
  get takesRequestsAhead(): boolean {
    return this.#usable?.takesRequestsAhead ?? false;
  }

  /** Sends what `action` posts in one write, as far as it is small. */
  together<T>(action: () => T): T {
    return this.#current().together(action);
  }

  /** Ends the connection; requests without an answer fail. The next request opens a new one. */
  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  get #usable(): LineConnection | undefined {
    const present = this.#connection;
    return present && !present.isClosed && present.idleMs <= maxIdleMs ? present : undefined;
  }

  #current(): LineConnection {
    const present = this.#usable;
    if (present) return present;
    this.#connection?.close();
    const fresh = new LineConnection(this.options);
    this.#connection = fresh;
    return fresh;
  }
}
