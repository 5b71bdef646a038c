/** A request that came over a connection of ours, as what a Hono app takes. */

import type { Fields } from "./fields.ts";
import type { IncomingBody } from "./incoming-body.ts";
import type { RequestHead } from "./request-head.ts";

/** The members of a `Request` that are of use here. Any other throws. */
type UsedOfRequest = Pick<
  Request,
  "method" | "url" | "headers" | "signal" | "body" | "bodyUsed" | "bytes" | "arrayBuffer" | "text" | "json"
>;

/**
 * It makes its parts when they are asked for. A `Request` made by its constructor would change the method and the path
 * (`FOO` becomes GET, `/a/../b` becomes `/b`), copy the body, and have an abort controller whether anybody listens or
 * not.
 */
export class IncomingRequest implements UsedOfRequest {
  #abort: AbortController | undefined;
  #isClientGone = false;
  /** Who wants to know that the client is gone; most requests have nobody. */
  #whenGone: (() => void)[] | undefined;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | null | undefined;

  constructor(
    private readonly head: RequestHead,
    private readonly incoming: IncomingBody,
  ) {}

  get method(): string {
    return this.head.method;
  }

  get url(): string {
    const { target, fields } = this.head;
    return target.startsWith("/") ? `http://${fields.get("host") || "localhost"}${target}` : target;
  }

  get headers(): Headers {
    return this.head.fields.asHeaders();
  }

  /** Aborted when the client is gone. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#isClientGone) this.#abort.abort();
    return this.#abort.signal;
  }

  /**
   * As much of `signal` as a poll needs, without its abort controller and its event target: too much for what is made for
   * every poll. Each listener is called once.
   */
  get gone() {
    const request = this;
    return {
      get aborted(): boolean {
        return request.#isClientGone;
      },
      addEventListener(_type: "abort", listener: () => void): void {
        request.#whenGone ??= [];
        request.#whenGone.push(listener);
      },
    };
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#stream === undefined) this.#stream = this.head.bodyLength === 0 ? null : this.incoming.stream();
    return this.#stream;
  }

  get bodyUsed(): boolean {
    return this.incoming.isRead;
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.incoming.bytes();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  /** See {@link trailersOf}. */
  get trailers(): Fields | undefined {
    return this.incoming.trailers;
  }

  /** The client closed the connection, or its half of it. */
  abort(): void {
    if (this.#isClientGone) return;
    this.#isClientGone = true;
    for (const listener of this.#whenGone ?? []) listener();
    this.#abort?.abort();
  }

  /** Returns itself, which Hono and its handlers can take for a `Request`. */
  asRequest(): Request {
    return this as unknown as Request;
  }
}

// So that `instanceof Request` holds.
Object.setPrototypeOf(IncomingRequest.prototype, Request.prototype);

/**
 * What stood behind the chunked body of a request, once that was read to its end.
 * @returns `undefined` where there was nothing, the body broke off, or the listener shows no trailers
 */
export function trailersOf(request: Request): Headers | undefined {
  return request instanceof IncomingRequest ? request.trailers?.asHeaders() : undefined;
}
