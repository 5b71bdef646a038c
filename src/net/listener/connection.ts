/** One connection: its requests are answered one after the other, in the order they came. */
import type { Clock } from "../../clock.ts";
import { log } from "../../log.ts";
import { type BodySource, IncomingBody, TruncatedBodyError } from "./incoming-body.ts";
import { IncomingRequest } from "./incoming-request.ts";
import { Output, type Sink } from "./output.ts";
import { PlainResponse } from "./plain-response.ts";
import { ProtocolError, type RequestHead } from "./request-head.ts";
import { RequestParser } from "./request-parser.ts";
import { hasLength, refusalOf, writeResponse } from "./response-writer.ts";

export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** The part of a socket that is needed here. */
export interface ConnectionSocket extends Sink {
  pause(): void;
  resume(): void;
  /** Closes our half: what was written still arrives. */
  shutdown(): void;
}

/** Milliseconds a client has to take our last words and close its side too. */
const lingerMs = 500;

/** Bytes of further requests that may wait while one is answered: above this the client has to. */
const maxBacklogBytes = 64 * 1024;

/** A request that was begun, until it has come whole and is answered. */
interface Exchange {
  readonly head: RequestHead;
  readonly request: IncomingRequest;
  readonly body: IncomingBody;
  isAnswered: boolean;
  /** The client waits for `100 Continue`. */
  mustInvite: boolean;
}

export class Connection implements BodySource {
  readonly #output: Output;
  readonly #parser: RequestParser;
  #exchange: Exchange | undefined;
  /** What came behind a request that is not answered yet. */
  #backlog: Buffer[] = [];
  #backlogBytes = 0;
  #isPaused = false;
  /** The client sends no more, or nothing that could be understood. */
  #isHalfClosed = false;
  /** Our last words were written. */
  #isEnding = false;
  #stopLingering: () => void = () => {};

  constructor(
    private readonly socket: ConnectionSocket,
    private readonly handler: FetchHandler,
    private readonly clock: Clock,
  ) {
    this.#output = new Output(socket);
    this.#parser = new RequestParser({
      onHead: (head) => this.#begin(head),
      onBody: (bytes, from, to) => {
        if (this.#exchange?.body.push(bytes, from, to) === false) this.#pause();
      },
      onEnd: (trailers) => {
        this.#exchange?.body.end(trailers);
        this.#finish();
      },
    });
  }

  /** Whether nobody waits for an answer over it. */
  get isIdle(): boolean {
    return !this.#exchange && this.#parser.isBetweenRequests;
  }

  /** Bytes came. */
  receive(bytes: Buffer): void {
    if (this.#isEnding || this.#isHalfClosed) return;
    if (this.#backlogBytes > 0 || this.#isWaiting) this.#keep(bytes);
    else this.#read(bytes);
  }

  /** The kernel takes more. */
  drain(): void {
    this.#output.drain();
  }

  /** The client closed its half. It may still read what it asked for; a poll it will never follow up is given up. */
  halfClose(): void {
    this.#isHalfClosed = true;
    this.#abandon();
    if (!this.#exchange && this.#backlogBytes === 0) this.#end();
  }

  /** The connection is gone. */
  close(): void {
    this.#stopLingering();
    this.#isEnding = true;
    this.#backlog = [];
    this.#backlogBytes = 0;
    this.#output.close();
    this.#abandon();
  }

  #abandon(): void {
    this.#exchange?.body.break();
    this.#exchange?.request.abort();
  }

  /** Whether a request that came whole waits for its answer: what comes behind it has to wait too. */
  get #isWaiting(): boolean {
    return this.#exchange?.body.isOver === true;
  }

  #keep(bytes: Buffer): void {
    this.#backlog.push(bytes);
    this.#backlogBytes += bytes.length;
    if (this.#backlogBytes > maxBacklogBytes) this.#pause();
  }

  #read(bytes: Buffer): void {
    let at = 0;
    try {
      while (at < bytes.length && !this.#isWaiting && !this.#isEnding) at = this.#parser.parse(bytes, at);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // An error in the body of a request is told by the answer to that.
      if (this.#exchange) this.halfClose();
      else this.#refuse(error);
      return;
    }
    if (at < bytes.length) this.#keep(bytes.subarray(at));
  }

  #begin(head: RequestHead): void {
    const body = new IncomingBody(this, head.bodyLength === "chunked" ? undefined : head.bodyLength);
    const request = new IncomingRequest(head, body);
    const exchange: Exchange = { head, body, request, isAnswered: false, mustInvite: head.expectsContinue };
    this.#exchange = exchange;
    try {
      const response = this.handler(request.asRequest());
      if (response instanceof Response) this.#answer(exchange, response);
      else void this.#answerLater(exchange, response);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  async #answerLater(exchange: Exchange, response: Promise<Response>): Promise<void> {
    try {
      this.#answer(exchange, await response);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  #fail(exchange: Exchange, error: unknown): void {
    const isClients = error instanceof TruncatedBodyError;
    if (!isClients) log.error("a request failed, please report this:", error);
    const [status, text] = isClients ? [400, "400 Bad Request"] : [500, "500 Internal Server Error"];
    this.#answer(exchange, new PlainResponse(text, { status, headers: plainText }));
  }

  #answer(exchange: Exchange, response: Response): void {
    const { method, isHttp10 } = exchange.head;
    const isLast = this.#isHalfClosed && this.#backlogBytes === 0;
    // A client that was not told to send its body may send it or another request: nobody could tell which.
    const keepsAlive =
      exchange.head.keepsAlive && !exchange.mustInvite && !isLast && (!isHttp10 || hasLength(response));
    const cutOff = () => this.socket.terminate();
    const written = writeResponse(this.#output, { method, isHttp10, keepsAlive, cutOff }, response);
    if (written) void written.then(() => this.#onAnswered(exchange, keepsAlive));
    else this.#onAnswered(exchange, keepsAlive);
  }

  #onAnswered(exchange: Exchange, keepsAlive: boolean): void {
    exchange.isAnswered = true;
    if (!keepsAlive) {
      this.#end();
    } else {
      if (!exchange.body.isOver) exchange.body.discard();
      this.#finish();
    }
  }

  /** The handler begins to read the body. */
  onWanted(): void {
    const exchange = this.#exchange;
    if (!exchange?.mustInvite) return;
    exchange.mustInvite = false;
    if (!exchange.body.isOver) this.#output.write("HTTP/1.1 100 Continue\r\n\r\n");
  }

  /** The handler has taken of the body what had come. */
  onRoom(): void {
    this.#resume();
  }

  /** Goes on to the next request, if the present one has come whole and is answered. */
  #finish(): void {
    const exchange = this.#exchange;
    if (exchange && !(exchange.isAnswered && exchange.body.isOver)) return;
    this.#exchange = undefined;
    if (this.#isEnding) return;
    if (this.#backlogBytes > 0) {
      const [first, ...others] = this.#backlog;
      this.#backlog = [];
      this.#backlogBytes = 0;
      if (first) this.#read(others.length === 0 ? first : Buffer.concat([first, ...others]));
      // What has not come by now never will.
      if (this.#isHalfClosed) this.#abandon();
    }
    if (this.#backlogBytes <= maxBacklogBytes) this.#resume();
    if (this.#isHalfClosed && !this.#exchange) this.#end();
  }

  #refuse(error: ProtocolError): void {
    this.#output.write(refusalOf(error));
    this.#end();
  }

  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#exchange = undefined;
    const close = () => {
      if (this.#output.isClosed) return;
      this.socket.shutdown();
      this.#resume();
      // A connection closed with bytes unread is reset, and our last words with it.
      this.#stopLingering = this.clock.after(lingerMs, () => this.socket.terminate());
    };
    const { drained } = this.#output;
    if (drained) void drained.then(close);
    else close();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.socket.pause();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.socket.resume();
  }
}

const plainText = { "Content-Type": "text/plain; charset=utf-8" };
