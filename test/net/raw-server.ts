/** A server that says exactly what a test tells it to say, byte by byte. */
import type { Socket } from "bun";
import { systemClock } from "../../src/clock.ts";
import { HttpLine } from "../../src/net/http-line.ts";
import { within } from "../support/within.ts";

/** One connection of a client. */
export class RawConnection {
  #chunks: Buffer[] = [];
  #wake: () => void = () => {};
  isClosed = false;
  /** Bytes so far. */
  size = 0;
  /** Reads no more once so many bytes have come. */
  pauseAt = Number.POSITIVE_INFINITY;

  constructor(private readonly socket: Socket<RawConnection>) {}

  /** The next request, head and body; its body's length must be stated. */
  async request(): Promise<{ head: string; body: Buffer }> {
    for (let needed = 0; ; ) {
      const received = this.#chunks.reduce((sum, { length }) => sum + length, 0);
      if (received >= needed) {
        const bytes = Buffer.concat(this.#chunks);
        const end = bytes.indexOf("\r\n\r\n") + 4;
        const head = bytes.toString("latin1", 0, end);
        needed = end < 4 ? 0 : end + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (end >= 4 && received >= needed) {
          this.#chunks = received > needed ? [bytes.subarray(needed)] : [];
          return { head, body: bytes.subarray(end, needed) };
        }
      }
      if (this.isClosed) throw new Error("the client closed the connection");
      await within(5000, "a request", new Promise<void>((resolve) => (this.#wake = resolve)));
    }
  }

  /** Whether more than the requests taken so far has come. */
  get hasMore(): boolean {
    return this.#chunks.length > 0;
  }

  send(text: string): void {
    this.socket.write(text);
    this.socket.flush();
  }

  /** Answers the next request. */
  async answer(text = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n") {
    const request = await this.request();
    this.send(text);
    return request;
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.terminate();
  }

  pause(): void {
    this.pauseAt = 0;
    this.socket.pause();
  }

  resume(pauseAt = Number.POSITIVE_INFINITY): void {
    this.pauseAt = pauseAt;
    this.socket.resume();
  }

  take(bytes: Buffer): void {
    this.#chunks.push(Buffer.from(bytes));
    this.size += bytes.length;
    if (this.size >= this.pauseAt) this.socket.pause();
    this.#wake();
  }

  closed(): void {
    this.isClosed = true;
    this.#wake();
  }
}

export class RawServer {
  readonly #listener;
  readonly #connections: RawConnection[] = [];
  #wake: () => void = () => {};
  /** Connections so far. */
  count = 0;

  constructor({ port = 0, tls }: { port?: number; tls?: { key: string; cert: string } } = {}) {
    this.#listener = Bun.listen<RawConnection>({
      hostname: "127.0.0.1",
      port,
      ...(tls ? { tls } : {}),
      socket: {
        open: (socket) => {
          this.count++;
          socket.data = new RawConnection(socket);
          this.#connections.push(socket.data);
          this.#wake();
        },
        data: (socket, bytes) => socket.data.take(bytes),
        close: (socket) => socket.data.closed(),
      },
    });
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#listener.port}/base`);
  }

  /** The next client that connects, or has connected and was not asked for yet. */
  async connection(): Promise<RawConnection> {
    for (;;) {
      const next = this.#connections.shift();
      if (next) return next;
      await within(5000, "a connection", new Promise<void>((resolve) => (this.#wake = resolve)));
    }
  }

  /** Over a connection of its own: what clients in this process sent before has arrived when this has. */
  async roundTrip(): Promise<void> {
    const line = new HttpLine({ url: this.url, clock: systemClock });
    const answer = line.post({ head: "POST / HTTP/1.1\r\n\r\n", body: [] });
    await (await this.connection()).answer();
    await answer;
    line.close();
  }

  stop(): void {
    this.#listener.stop(true);
  }
}
