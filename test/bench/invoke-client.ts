/** LocalStack's side of `POST /invoke`: one kept connection and hardly any work, so that the init is what is timed. */
import type { Socket } from "bun";
import type { Network } from "./network.ts";

const headEnd = "\r\n\r\n";

/** An event that is sent many times, each time with an id of its own written into the same bytes. */
export class PreparedEvent {
  /** Bytes of the event as the function gets it. */
  readonly size: number;
  readonly #request: Buffer;
  readonly #idAt: number;

  /** @param payload the event, JSON text */
  constructor(payload: string, port: number) {
    this.size = Buffer.byteLength(payload);
    const body = Buffer.from(
      JSON.stringify({
        "invoke-id": crypto.randomUUID(),
        "invoked-function-arn": "arn:aws:lambda:us-east-1:000000000000:function:bench",
        payload,
        "trace-id": "Root=1-6564a1f2-000000000000000000000000;Parent=0000000000000000;Sampled=1",
      }),
    );
    const head = `POST /invoke HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n`;
    this.#request = Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}${headEnd}`), body]);
    this.#idAt = this.#request.length - body.length + '{"invoke-id":"'.length;
  }

  withId(requestId: string): Buffer {
    this.#request.write(requestId, this.#idAt, "latin1");
    return this.#request;
  }
}

export class InvokeClient {
  #socket: Socket | undefined;
  #unsent: Buffer = Buffer.alloc(0);
  #answer = "";
  #answered: PromiseWithResolvers<void> | undefined;

  constructor(
    private readonly network: Network,
    private readonly port: number,
  ) {}

  /**
   * Sends an invocation; resolves when the init has taken it.
   * @throws when the init refuses it or the connection ends
   */
  async post(request: Buffer): Promise<void> {
    this.#socket ??= await this.#connect();
    this.#answer = "";
    this.#answered = Promise.withResolvers();
    this.#unsent = request;
    this.#send();
    await this.#answered.promise;
  }

  close(): void {
    this.#socket?.end();
  }

  #connect(): Promise<Socket> {
    return this.network.make(() =>
      Bun.connect({
        hostname: "127.0.0.1",
        port: this.port,
        socket: {
          data: (_socket, chunk) => this.#receive(chunk),
          drain: () => this.#send(),
          close: () => this.#fail("the init closed the connection"),
          error: (_socket, error) => this.#fail(error.message),
        },
      }),
    );
  }

  #send(): void {
    if (this.#unsent.length === 0) return;
    this.#unsent = this.#unsent.subarray(this.#socket?.write(this.#unsent) ?? 0);
  }

  #receive(chunk: Buffer): void {
    this.#answer += chunk.toString("latin1");
    const bodyAt = this.#answer.indexOf(headEnd) + headEnd.length;
    if (bodyAt < headEnd.length) return;
    const length = Number(/^content-length: *(\d+)/im.exec(this.#answer)?.[1] ?? 0);
    if (this.#answer.length < bodyAt + length) return;
    const status = Number(this.#answer.split(" ", 2)[1]);
    if (status < 400) this.#answered?.resolve();
    else this.#fail(`the init refused the invocation: ${this.#answer}`);
  }

  #fail(reason: string): void {
    this.#socket = undefined;
    this.#answered?.reject(new Error(reason));
  }
}
