/** Serving by `node:http`, which shows what a `Request` does not: the target as sent, repeated headers, the peer. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../errors.ts";
import { log } from "../log.ts";
import { release } from "./buffers.ts";
import { type Address, ListenError, type Listener } from "./listener.ts";

/** What a `Request` does not show of a request. */
export interface RawRequest {
  /** Path and query, percent-encoding as sent. */
  readonly target: string;
  /** In the order they came. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly peerAddress: string;
}

export type NodeHandler = (request: Request, raw: RawRequest) => Response | Promise<Response>;

/** @throws {ListenError} */
export async function listenNode(what: string, address: Address, handler: NodeHandler): Promise<Listener> {
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing, handler).catch((error) => {
      log.error("a request failed, please report this:", error);
      outgoing.destroy();
    });
  });
  // A connection is never closed for being idle: a client that writes at that moment would see it break.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("listening", resolve);
  server.once("error", reject);
  server.listen(address.port, address.hostname);
  try {
    await promise;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? "it is in use" : messageOf(error);
    throw new ListenError(
      `${what} cannot listen on ${address.hostname}:${address.port}: ${reason}. Free it, or choose another address (--help).`,
    );
  }
  const stop = async () => {
    server.close();
    server.closeAllConnections();
  };
  const { port } = server.address() as AddressInfo;
  return { address: { ...address, port }, stop, [Symbol.asyncDispose]: stop };
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse, handler: NodeHandler): Promise<void> {
  const request = toRequest(incoming);
  const response = await handler(request, toRaw(incoming));
  await send(response, outgoing, incoming.method === "HEAD");
  // What was not read of the request would stand in the way of the next one.
  incoming.resume();
}

function toRequest(incoming: IncomingMessage): Request {
  const { method = "GET", url = "/" } = incoming;
  const hasBody = method !== "GET" && method !== "HEAD";
  const headers = new Headers();
  for (const [name, value] of toFields(incoming.rawHeaders)) headers.append(name, value);
  const base = `http://${incoming.headers.host ?? "localhost"}`;
  const address = URL.canParse(url, base) ? new URL(url, base).href : new URL(url, "http://localhost").href;
  return new Request(address, { method, headers, ...(hasBody ? { body: toStream(incoming) } : {}) });
}

function toRaw(incoming: IncomingMessage): RawRequest {
  return {
    target: incoming.url ?? "/",
    fields: toFields(incoming.rawHeaders),
    peerAddress: (incoming.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
  };
}

function toFields(raw: readonly string[]): [name: string, value: string][] {
  const fields: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) fields.push([raw[at] as string, raw[at + 1] as string]);
  return fields;
}

function toStream(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = incoming[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

async function send(response: Response, outgoing: ServerResponse, isHead: boolean): Promise<void> {
  const { body } = response;
  const hasBody = body !== null && !isHead;
  // Each cookie is an entry of its own.
  const headers = [...response.headers].flat();
  outgoing.writeHead(response.status, headers);
  if (!hasBody) {
    outgoing.end();
    await body?.cancel();
    return;
  }
  // A stream shows that it has begun; a body that is there goes out in one piece with its head.
  if (!response.headers.has("content-length")) outgoing.flushHeaders();
  const reader = body.getReader();
  const room = new Room(outgoing, () => void reader.cancel().catch(() => {}));
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (outgoing.destroyed) return;
      const { value } = piece;
      const isWhole = value.byteLength === value.buffer.byteLength;
      if (!outgoing.write(value, () => isWhole && release(value))) await room.more();
    }
    outgoing.end();
  } catch {
    // The client must not take what it has got for the whole.
    outgoing.destroy();
  }
}

/** Waits for a client that reads slowly. */
class Room {
  #wake: () => void = () => {};

  constructor(outgoing: ServerResponse, onClosed: () => void) {
    outgoing.on("drain", () => this.#wake());
    outgoing.once("close", () => {
      this.#wake();
      onClosed();
    });
  }

  /** Resolves when the client has read enough, or is gone. */
  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
