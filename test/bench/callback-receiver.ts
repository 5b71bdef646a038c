/**
 * LocalStack's side of the callbacks, as light as it can be: takes everything, keeps sizes and times. Like LocalStack's usual
 * server it names itself, and answers what comes early in its turn, which `Bun.serve` does not.
 */
import { PlainResponse } from "../../src/net/listener/plain-response.ts";
import { serve } from "../../src/net/listener/server.ts";
import type { Network } from "./network.ts";

/** One callback of an init. */
export interface Callback {
  /** Path below the callback base: `status/<id>/ready`, `invocations/<id>/logs`, … */
  readonly path: string;
  /** When its body was complete, on the clock of `performance.now()`. */
  readonly at: number;
  /** Size of the body, bytes. */
  readonly bytes: number;
}

type Listener = (callback: Callback) => void;

export class CallbackReceiver {
  readonly #server: ReturnType<typeof serve>;
  /** By environment id: a callback that comes late belongs to a process that nobody looks at any more. */
  readonly #listeners = new Map<string, Listener>();

  constructor(network: Network) {
    const address = { hostname: "127.0.0.1", port: 0 };
    this.#server = network.make(() => serve(address, (request) => this.#receive(request)));
  }

  /** The callback base of an environment, whose callbacks go to `listener`. */
  endpointFor(environmentId: string, listener: Listener): string {
    this.#listeners.set(environmentId, listener);
    return `http://127.0.0.1:${this.#server.port}/_localstack_lambda/${environmentId}`;
  }

  forget(environmentId: string): void {
    this.#listeners.delete(environmentId);
  }

  stop(): void {
    this.#server.stop();
  }

  async #receive(request: Request): Promise<Response> {
    let bytes = 0;
    if (request.headers.get("content-length") !== "0") {
      for await (const chunk of request.body ?? []) bytes += chunk.length;
    }
    const at = performance.now();
    const [, , , , environmentId = "", ...path] = request.url.split("/");
    this.#listeners.get(environmentId)?.({ path: path.join("/"), at, bytes });
    return new PlainResponse(null, { status: 202, headers: { Server: "TwistedWeb/25.5.0" } });
  }
}
