/** One connection: its requests are answered one after the other, in the order they came. */
import type { Clock } from "../../clock.ts";
import { log } from "../../log.ts";
import { IncomingBody } from "./incoming-body.ts";
import { IncomingRequest } from "./incoming-request.ts";
import { Output, type Sink } from "./output.ts";
import { PlainResponse } from "./plain-response.ts";
import { ProtocolError, type RequestHead } from "./request-head.ts";
import { RequestParser } from "./request-parser.ts";
import { refusalOf, writeResponse } from "./response-writer.ts";

export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** The part of a socket that is needed here. */
export interface ConnectionSocket extends Sink {
  pause(): void;
  resume(): void;
  /** Closes our half: what was written still arrives. */
  shutdown(): void;
  /** Closes it at once, whatever is under way. */
  terminate(): void;
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
}

export class Connection {
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
    const { bodyLength } = head;
    let mustInvite = head.expectsContinue;
    const source = {
      onWanted: () => {
        if (mustInvite && !body.isOver) this.#output.write("HTTP/1.1 100 Continue\r\n\r\n");
        mustInvite = false;
      },
      onRoom: () => this.#resume(),
    };
    const body = new IncomingBody(source, bodyLength === "chunked" ? undefined : bodyLength);
    const exchange: Exchange = { head, body, request: new IncomingRequest(head, body), isAnswered: false };
    this.#exchange = exchange;
    // A client that was not told to send its body may send it or another request: nobody could tell which.
    const answer = (response: Response) => this.#answer(exchange, response, head.keepsAlive && !mustInvite);
    const fail = (error: unknown) => {
      log.error("a request failed, please report this:", error);
      answer(new PlainResponse("500 Internal Server Error", { status: 500, headers: plainText }));
    };
    try {
      const response = this.handler(exchange.request.asRequest());
      if (response instanceof Promise) response.then(answer, fail);
      else answer(response);
    } catch (error) {
      fail(error);
    }
  }

  #answer(exchange: Exchange, response: Response, keepsAlive: boolean): void {
    const { method, isHttp10 } = exchange.head;
    const willClose = !keepsAlive || this.#isHalfClosed;
    const answered = () => {
      exchange.isAnswered = true;
      if (willClose) this.#end();
      else {
        if (!exchange.body.isOver) exchange.body.discard();
        this.#finish();
      }
    };
    const written = writeResponse(
      this.#output,
      { method, isHttp10, keepsAlive: !willClose, cutOff: () => this.socket.terminate() },
      response,
    );
    if (written) void written.then(answered);
    else answered();
  }

  /** Goes on to the next request, if the present one has come whole and is answered. */
  #finish(): void {
    const exchange = this.#exchange;
    if (exchange && !(exchange.isAnswered && exchange.body.isOver)) return;
    this.#exchange = undefined;
    if (this.#isEnding) return;
    if (this.#backlogBytes > 0) {
      const bytes = Buffer.concat(this.#backlog);
      this.#backlog = [];
      this.#backlogBytes = 0;
      this.#read(bytes);
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
