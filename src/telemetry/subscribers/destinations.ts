/** Taking a batch of records to a subscriber, once. Whether and when again is `delivery.ts`'s business. */
import type { Socket } from "node:net";
import type { Destination } from "./subscription.ts";

/** Sends batches. A batch is acknowledged when `send` resolves; when it throws, the batch has to be sent again. */
export interface Carrier {
  /** @param records serialized, one JSON object each */
  send(records: readonly string[], signal: AbortSignal): Promise<void>;
  close(): void;
}

export function carrierFor(destination: Destination): Carrier {
  return destination.protocol === "HTTP" ? new HttpCarrier(destination) : new TcpCarrier(destination.port);
}

/** One request for each batch, a JSON array. Any status below 400 acknowledges it. */
class HttpCarrier implements Carrier {
  constructor(private readonly destination: Extract<Destination, { protocol: "HTTP" }>) {}

  async send(records: readonly string[], signal: AbortSignal): Promise<void> {
    const { url, method } = this.destination;
    const { ofetch } = await import("ofetch");
    const answer = await ofetch.raw(url, {
      method,
      body: `[${records.join(",")}]`,
      headers: { "Content-Type": "application/json" },
      // Records go nowhere but where the subscriber asked for.
      redirect: "manual",
      retry: 0,
      responseType: "arrayBuffer",
      ignoreResponseError: true,
      signal,
    });
    if (answer.status >= 400) throw new Error(`the subscriber answered ${answer.status}`);
  }

  close(): void {}
}

/** One connection, one JSON object a line. The kernel's acknowledgement is all there is to get. */
class TcpCarrier implements Carrier {
  #connection: Promise<Socket> | undefined;

  constructor(private readonly port: number) {}

  async send(records: readonly string[], signal: AbortSignal): Promise<void> {
    this.#connection ??= connect(this.port, signal);
    try {
      const socket = await this.#connection;
      signal.throwIfAborted();
      await write(socket, `${records.join("\n")}\n`, signal);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#connection?.then(
      (socket) => socket.destroy(),
      () => {},
    );
    this.#connection = undefined;
  }
}

async function connect(port: number, signal: AbortSignal): Promise<Socket> {
  const net = await import("node:net");
  signal.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const socket = net.connect({ host: "127.0.0.1", port });
    const abort = () => {
      socket.destroy();
      reject(new Error("no connection in time"));
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("connect", () => {
      signal.removeEventListener("abort", abort);
      resolve(socket);
    });
    // Stays, for a socket whose error nobody hears takes the process down.
    socket.on("error", reject);
    // A subscriber has nothing to say to us.
    socket.resume();
  });
}

function write(socket: Socket, text: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error | null) => {
      signal.removeEventListener("abort", abort);
      socket.off("close", closed);
      if (error) reject(error);
      else resolve();
    };
    const abort = () => settle(new Error("the subscriber does not read"));
    const closed = () => settle(new Error("the subscriber closed the connection"));
    if (socket.destroyed) return settle(new Error("the subscriber closed the connection"));
    signal.addEventListener("abort", abort, { once: true });
    socket.once("close", closed);
    socket.write(text, settle);
  });
}
