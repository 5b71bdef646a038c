/**
 * A stand-in for LocalStack: takes init's callbacks, keeps them in order, and invokes.
 * Used by the demo and the end-to-end tests.
 */

import http from "node:http";
import type { AddressInfo } from "node:net";

/** One callback of init, as it came. */
export interface Callback {
  /** `ready`, `status error`, `logs`, `response` or `error`. */
  readonly kind: "ready" | "status error" | "logs" | "response" | "error";
  /** The invocation's id; empty for status callbacks. */
  readonly requestId: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** What became of one invocation. */
export interface InvokeResult {
  readonly kind: "response" | "error";
  readonly body: string;
  readonly logs: string;
}

/**
 * What the double is to do with a callback instead of answering it properly: break the connection, take it and be silent, not
 * even take it (as if the connection were dead), or answer otherwise: late, or with a body that goes on and on.
 */
export type Misbehaviour =
  | "reset"
  | "silence"
  | "dead"
  | { readonly status: number; readonly isEndless?: boolean; readonly afterMs?: number };

export interface DoubleOptions {
  /** Where it listens, and how init gets there; 127.0.0.1 without it. */
  readonly host?: string;
  readonly port?: number;
  /** Asked for each callback; `undefined`: answer as LocalStack does. */
  readonly misbehave?: (callback: Callback) => Misbehaviour | undefined;
}

/** Milliseconds any wait may take before it fails. */
const patienceMs = 50_000;

export class LocalStackDouble {
  readonly environmentId = crypto.randomUUID().replaceAll("-", "");
  /** All callbacks so far, in the order they came. */
  readonly callbacks: Callback[] = [];
  /** Clients' ports: one per connection that carried a callback. */
  readonly clientPorts = new Set<number>();
  readonly #server: http.Server;
  readonly #host: string;
  #watchers: (() => void)[] = [];
  #port = 0;

  constructor(private readonly options: DoubleOptions = {}) {
    this.#host = options.host ?? "127.0.0.1";
    this.#server = http.createServer((request, reply) => void this.#take(request, reply));
    this.#server.keepAliveTimeout = 0;
    this.#server.listen(options.port ?? 0, this.#host);
  }

  /** The value of `LOCALSTACK_RUNTIME_ENDPOINT`. */
  get endpoint(): string {
    this.#port = (this.#server.address() as AddressInfo).port;
    return `http://${this.#host}:${this.#port}/_localstack_lambda/${this.environmentId}`;
  }

  /** The first callback that fits, now or later. @throws when none came in time, with a list of those that did */
  async waitFor(what: string, fits: (callback: Callback) => boolean): Promise<Callback> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const found = this.callbacks.find(fits);
      if (found) return found;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.push(resolve);
      const timer = setTimeout(resolve, deadline - performance.now());
      await promise;
      clearTimeout(timer);
      if (performance.now() >= deadline) {
        const seen = this.callbacks.map(({ kind, text }) => `${kind} ${text.slice(0, 200)}`).join("\n  ");
        throw new Error(`no ${what} within ${patienceMs} ms; came so far:\n  ${seen}`);
      }
    }
  }

  waitForReady(): Promise<Callback> {
    return this.waitFor("ready", ({ kind }) => kind === "ready");
  }

  waitForStatusError(): Promise<Callback> {
    return this.waitFor("status error", ({ kind }) => kind === "status error");
  }

  /** The result of an invocation, with the last logs that came before it. */
  async waitForResult(requestId: string): Promise<InvokeResult> {
    const isResult = ({ kind }: Callback) => kind === "response" || kind === "error";
    const result = await this.waitFor(`result of ${requestId}`, (callback) => {
      return callback.requestId === requestId && isResult(callback);
    });
    const before = this.callbacks.slice(0, this.callbacks.indexOf(result));
    const logs = before.findLast(({ kind, requestId: id }) => kind === "logs" && id === requestId);
    return {
      kind: result.kind as InvokeResult["kind"],
      body: result.text,
      logs: logs ? (JSON.parse(logs.text) as { logs: string }).logs : "",
    };
  }

  /** Ends the double; init's callbacks are refused from now on. */
  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Listens again where it did before. */
  resume(): void {
    this.#server.listen(this.#port, this.#host);
  }

  /** Connections that are open now. */
  openConnections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  async #take(request: http.IncomingMessage, reply: http.ServerResponse): Promise<void> {
    if (request.socket.remotePort !== undefined) this.clientPorts.add(request.socket.remotePort);
    const callback = toCallback(request.url ?? "", this.environmentId, request.headers, await bodyOf(request));
    if (!callback) return answer(reply, 404, "no such route");
    const wasStarted = this.callbacks.some(({ kind }) => kind === "ready" || kind === "status error");
    const misbehaviour = this.options.misbehave?.(callback);
    if (misbehaviour === "reset") return void request.socket.destroy();
    if (misbehaviour === "dead") return;
    this.callbacks.push(callback);
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const wake of watchers) wake();
    if (misbehaviour === "silence") return;
    if (misbehaviour?.afterMs) await new Promise((resolve) => setTimeout(resolve, misbehaviour.afterMs));
    if (misbehaviour?.isEndless) return goOnAndOn(reply, misbehaviour.status);
    if (misbehaviour) return answer(reply, misbehaviour.status, "misbehaving");
    // LocalStack's start-up future can be completed once.
    if (callback.kind === "status error" && wasStarted) return answer(reply, 400, "already started");
    answer(reply, 202, "");
  }
}

async function bodyOf(request: http.IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function answer(reply: http.ServerResponse, status: number, body: string): void {
  reply.writeHead(status, { "Content-Length": body.length });
  reply.end(body);
}

function goOnAndOn(reply: http.ServerResponse, status: number): void {
  reply.writeHead(status);
  const chunk = Buffer.alloc(16_384, "x");
  const more = () => {
    while (!reply.destroyed && reply.write(chunk));
  };
  reply.on("drain", more);
  more();
}

function toCallback(
  path: string,
  id: string,
  headers: http.IncomingHttpHeaders,
  bytes: Uint8Array,
): Callback | undefined {
  const base = `/_localstack_lambda/${id}/`;
  const [room, key, what, ...rest] = path.startsWith(base) ? path.slice(base.length).split("/") : [];
  if (rest.length > 0 || key === undefined) return undefined;
  const given = { headers, bytes, text: new TextDecoder().decode(bytes) };
  if (room === "status" && key === id) {
    if (what === "ready") return { kind: "ready", requestId: "", ...given };
    if (what === "error") return { kind: "status error", requestId: "", ...given };
  }
  if (room === "invocations" && (what === "logs" || what === "response" || what === "error")) {
    return { kind: what, requestId: key, ...given };
  }
  return undefined;
}
