/** One connection of an `HttpLine`, from its opening to its end. */
import type { Socket } from "bun";
import type { Clock } from "../clock.ts";
import { Deadline } from "./deadline.ts";
import { type HttpAnswer, NotHttpError, readHttpAnswer } from "./http-answer.ts";
import { Outbox } from "./outbox.ts";

export interface LineOptions {
  /** Scheme, host and port are used: `http` or `https`. */
  readonly url: URL;
  readonly clock: Clock;
  /**
   * Whether a server whose answer has this head may be sent requests before it has answered those ahead of them. Without
   * it none is.
   */
  readonly takesRequestsAhead?: (head: string) => boolean;
}

/** A request, with the length of its body stated in its head. */
export interface LineRequest {
  /** From the method to the empty line, ASCII. */
  readonly head: string;
  /** Sent one after another; they must not change until the answer has come. */
  readonly body: readonly Uint8Array[];
}

export interface LineAnswer {
  readonly status: number;
  /** Its beginning: an answer longer than 64 KiB is not read to its end. */
  readonly body: Uint8Array;
}

/** The connection could not be made, or ended before the answer came: the request may be sent again. */
export class LineBrokenError extends Error {
  override name = "LineBrokenError";

  constructor(
    /** Such as `ECONNREFUSED`. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The server took the request, or at least nothing says that it did not, and has not answered in time. */
export class LineSilentError extends Error {
  override name = "LineSilentError";

  constructor(
    message: string,
    /** Whether this connection had brought answers before: then it may have been cut without either end noticing. */
    readonly wasReused: boolean,
  ) {
    super(message);
  }
}

/**
 * Milliseconds the server has to accept the connection, to take a request that does not fit at once, and to answer:
 * counted from when it last took something.
 */
const answerMs = 10_000;

/** Milliseconds the rest of an answer may take whose status is there: the status is what counts. */
const restMs = 1000;

/** Bytes an answer may have before its connection is given up. */
const maxAnswerBytes = 64 * 1024;

const nothing: Buffer = Buffer.alloc(0);

interface Exchange {
  readonly resolve: (answer: LineAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class LineConnection {
  /** Requests without an answer, in the order they were sent: the first one is answered next. */
  readonly #waiting: Exchange[] = [];
  readonly #outbox = new Outbox();
  #received = nothing;
  #socket: Socket<undefined> | undefined;
  /** Connected, and for https past the handshake. */
  #isOpen = false;
  #isClosed = false;
  /** The status of the next answer is there, its end is not. */
  #isAnswering = false;
  #answers = 0;
  #usedAt: number;
  /** Whether requests are kept back, to go out in one write. */
  #isGathering = false;
  #takesRequestsAhead = false;
  readonly #clock: Clock;
  readonly #deadline: Deadline;

  constructor(private readonly options: LineOptions) {
    const { url, clock } = options;
    this.#clock = clock;
    this.#usedAt = clock.now();
    this.#deadline = new Deadline(clock, () => this.#onDeadline());
    this.#connect(url);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Milliseconds since it was last used; 0 while it is in use. */
  get idleMs(): number {
    return this.#waiting.length > 0 ? 0 : this.#clock.now() - this.#usedAt;
  }

  /** Whether the server was seen to be one that takes requests before it has answered those ahead of them. */
  get takesRequestsAhead(): boolean {
    return this.#takesRequestsAhead;
  }

  /** Sends what `action` posts in one write, as far as it is small. */
  together<T>(action: () => T): T {
    this.#isGathering = true;
    try {
      return action();
    } finally {
      this.#isGathering = false;
      this.#flush();
    }
  }

  post({ head, body }: LineRequest): Promise<LineAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<LineAnswer>();
    this.#waiting.push({ resolve, reject });
    if (this.#waiting.length === 1) this.#deadline.set(answerMs);
    this.#outbox.add(head, body);
    this.#flush();
    return promise;
  }

  close(): void {
    this.#fail(new LineBrokenError("ECONNABORTED", "the connection was closed on our side"));
  }

  #connect(url: URL): void {
    const isTls = url.protocol === "https:";
    const onOpen = () => {
      this.#isOpen = true;
      this.#flush();
    };
    const connecting = Bun.connect<undefined>({
      hostname: url.hostname,
      port: Number(url.port || (isTls ? 443 : 80)),
      ...(isTls ? { tls: true } : {}),
      socket: {
        open: (socket) => {
          if (this.#isClosed) return void socket.close();
          this.#socket = socket;
          if (!isTls) onOpen();
        },
        // The certificate is checked by the engine, which closes the connection where it is not right.
        handshake: (_socket, isRight, error) => {
          if (isRight) onOpen();
          else this.#fail(new LineBrokenError(codeOf(error), `the TLS handshake failed: ${codeOf(error)}`));
        },
        drain: () => this.#flush(),
        data: (_socket, bytes) => this.#onData(bytes),
        end: () => this.#onClosed(),
        close: () => this.#onClosed(),
        error: (_socket, error) => this.#fail(new LineBrokenError(codeOf(error), error.message)),
        connectError: (_socket, error) => this.#fail(new LineBrokenError(codeOf(error), error.message)),
      },
    });
    // The same error as at `connectError`; but some, of the address itself, come only here.
    connecting.catch((error) => this.#fail(new LineBrokenError(codeOf(error), String(error))));
  }

  /** Writes until the kernel takes no more: `drain` tells when it does again. */
  #flush(): void {
    const socket = this.#socket;
    if (!this.#isOpen || this.#isClosed || this.#isGathering || !socket) return;
    // Where it has ended, `close` is on its way.
    const taken = this.#outbox.writeTo((bytes) => socket.write(bytes));
    if (taken > 0 && !this.#isAnswering) this.#deadline.set(answerMs);
  }

  #onData(bytes: Buffer): void {
    if (this.#isClosed) return;
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    try {
      while (this.#received.length > 0 && this.#takeAnswer()) {}
    } catch (error) {
      if (!(error instanceof NotHttpError)) throw error;
      this.#fail(new LineBrokenError("EPROTO", error.message));
    }
  }

  /** @returns whether there was an answer, and there may be a next one behind it */
  #takeAnswer(): boolean {
    // An answer to nothing: it could be taken for the answer to the next request.
    if (this.#waiting.length === 0) {
      this.#end();
      return false;
    }
    const answer = readHttpAnswer(this.#received);
    const isTooLong = this.#received.length > maxAnswerBytes;
    if (answer?.length === undefined) {
      if (isTooLong) this.#giveUp(answer);
      else if (answer && !this.#isAnswering) this.#deadline.set(restMs);
      this.#isAnswering = answer !== undefined;
      return false;
    }
    const { length } = this.#received;
    this.#received = answer.length === length ? nothing : this.#received.subarray(answer.length);
    this.#answered(answer);
    // An answer before the whole request was sent: the server does not want the rest.
    if (answer.isLast || !this.#outbox.isEmpty) this.#onClosed();
    return !this.#isClosed;
  }

  #answered({ status, head, body }: HttpAnswer): void {
    // The first answer tells who it is.
    if (this.#answers === 0) this.#takesRequestsAhead = this.options.takesRequestsAhead?.(head) ?? false;
    this.#answers++;
    this.#isAnswering = false;
    this.#usedAt = this.#clock.now();
    this.#waiting.shift()?.resolve({ status, body });
    if (this.#waiting.length > 0) this.#deadline.set(answerMs);
    else this.#deadline.clear();
  }

  /** The answer that is coming is not waited for any longer: if its status is there, that is enough. */
  #giveUp(answer: HttpAnswer | undefined): void {
    if (answer) this.#answered(answer);
    this.#fail(new LineBrokenError("EMSGSIZE", "the answer does not end"));
  }

  #onDeadline(): void {
    const answer = this.#answerSoFar();
    const what = this.#isOpen ? "no answer" : "no connection";
    if (answer) this.#giveUp(answer);
    else this.#fail(new LineSilentError(`${what} within ${answerMs / 1000} s`, this.#answers > 0));
  }

  #onClosed(): void {
    if (this.#isClosed) return;
    const answer = this.#answerSoFar();
    if (answer) this.#answered(answer);
    this.#fail(new LineBrokenError("ECONNRESET", "the connection ended before the answer came"));
  }

  #answerSoFar(): HttpAnswer | undefined {
    if (this.#waiting.length === 0) return undefined;
    try {
      return readHttpAnswer(this.#received);
    } catch {
      return undefined;
    }
  }

  #fail(error: Error): void {
    if (this.#isClosed) return;
    this.#end();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #end(): void {
    this.#isClosed = true;
    this.#deadline.end();
    this.#outbox.clear();
    this.#received = nothing;
    this.#socket?.close();
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? "ECONNRESET";
}
