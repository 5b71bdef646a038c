/** A connection whose socket the test is. */
import { Connection, type FetchHandler } from "../../../src/net/listener/connection.ts";
import { PlainResponse } from "../../../src/net/listener/plain-response.ts";
import { FakeClock } from "../../support/fake-clock.ts";

export class FakeSocket {
  sent = "";
  isPaused = false;
  isShutDown = false;
  isTerminated = false;
  /** Bytes the client still takes. */
  room = Number.POSITIVE_INFINITY;
  isBroken = false;

  write(data: string | Uint8Array): number {
    if (this.isBroken) return -1;
    const bytes = Buffer.from(data as string);
    const taken = Math.min(this.room, bytes.length);
    this.room -= taken;
    this.sent += bytes.toString("latin1", 0, taken);
    return taken;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  shutdown(): void {
    this.isShutDown = true;
  }

  terminate(): void {
    this.isTerminated = true;
  }
}

export class Fixture {
  readonly socket = new FakeSocket();
  readonly clock = new FakeClock();
  readonly connection: Connection;

  constructor(handler: FetchHandler) {
    this.connection = new Connection(this.socket, handler, this.clock);
  }

  receive(text: string): void {
    this.connection.receive(Buffer.from(text, "latin1"));
  }

  /** Lets everything happen that can; then what was sent since the last time, without dates. */
  async sent(): Promise<string> {
    await turns();
    const { sent } = this.socket;
    this.socket.sent = "";
    return sent.replaceAll(/Date: [^\r]+\r\n/g, "");
  }
}

export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export const host = "Host: init\r\n";

export function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\n${host}\r\n`;
}

export function post(path: string, body: string, headers = ""): string {
  return `POST ${path} HTTP/1.1\r\n${host}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export function ok(body: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Answers with the method, the path and the body. */
export async function echo(request: Request): Promise<Response> {
  const path = request.url.slice("http://init".length);
  return new PlainResponse(`${request.method} ${path} ${await request.text()}`);
}
