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

  /** Ends the connection; requests without an answer fail. The next request opens a new one. */
  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #current(): LineConnection {
    const present = this.#connection;
    if (present && !present.isClosed && present.idleMs <= maxIdleMs) return present;
    present?.close();
    const fresh = new LineConnection(this.options);
    this.#connection = fresh;
    return fresh;
  }
}
