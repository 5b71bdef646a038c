/** An answer whose body is at hand. */

export interface PlainInit {
  readonly status?: number;
  /** Names as they are to be sent. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The members of a `Response` that are of use here. Any other throws. */
type UsedOfResponse = Pick<
  Response,
  "status" | "statusText" | "ok" | "headers" | "body" | "bodyUsed" | "bytes" | "arrayBuffer" | "text" | "json"
>;

/** Characters or bytes of a body above which it is not copied into a `Response`. */
const maxCopied = 64 * 1024;

/**
 * A `Response` that shows what it was made of: our own listener sends it in one piece, with its length and with the
 * names of its headers as they were written. Of any other it can only see a stream. What is set on `headers` later is
 * not sent. One that the engine makes would cost more than the rest of most answers: here it is made for those who ask.
 *
 * A large body is only in `plainBody`, for the copy would be made for nothing. Large bytes are given away: their memory
 * is freed once they were sent.
 */
class PlainAnswer implements UsedOfResponse {
  readonly status: number;
  readonly statusText = "";
  readonly plainBody: string | Uint8Array<ArrayBuffer>;
  readonly plainHeaders: Readonly<Record<string, string>>;
  #response: Response | undefined;

  constructor(body: string | Uint8Array<ArrayBuffer> | null, { status = 200, headers = {} }: PlainInit = {}) {
    this.status = status;
    this.plainBody = body ?? "";
    this.plainHeaders = headers;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get headers(): Headers {
    return this.#asMade.headers;
  }

  get body(): Response["body"] {
    return this.#asMade.body;
  }

  get bodyUsed(): boolean {
    return this.#asMade.bodyUsed;
  }

  bytes() {
    return this.#asMade.bytes();
  }

  arrayBuffer() {
    return this.#asMade.arrayBuffer();
  }

  text() {
    return this.#asMade.text();
  }

  json() {
    return this.#asMade.json();
  }

  get #asMade(): Response {
    const { status, plainBody, plainHeaders: headers } = this;
    const isCopied = plainBody.length > 0 && plainBody.length <= maxCopied;
    this.#response ??= new Response(isCopied ? plainBody : null, { status, headers });
    return this.#response;
  }
}

// So that `instanceof Response` holds.
Object.setPrototypeOf(PlainAnswer.prototype, Response.prototype);

export type PlainResponse = PlainAnswer & Response;
export const PlainResponse = PlainAnswer as unknown as new (
  body: string | Uint8Array<ArrayBuffer> | null,
  init?: PlainInit,
) => PlainResponse;
