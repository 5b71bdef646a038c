/** An answer whose body is at hand. */

export interface PlainInit {
  readonly status?: number;
  /** Names as they are to be sent. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Characters or bytes of a body above which it is not copied into the `Response`. */
const maxCopied = 64 * 1024;

/**
 * A `Response` that shows what it was made of: our own listener sends it in one piece, with its length and with the
 * names of its headers as they were written. Of any other it can only see a stream. What is set on `headers` later is
 * not sent.
 *
 * A large body is only in `plainBody`, for the copy would be made for nothing. Large bytes are given away: their memory
 * is freed once they were sent.
 */
export class PlainResponse extends Response {
  readonly plainBody: string | Uint8Array;
  readonly plainHeaders: Readonly<Record<string, string>>;

  constructor(body: string | Uint8Array<ArrayBuffer> | null, init: PlainInit = {}) {
    super(body !== null && body.length > maxCopied ? null : body, init);
    this.plainBody = body ?? "";
    this.plainHeaders = init.headers ?? {};
  }
}
