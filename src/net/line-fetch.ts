/** Lets ofetch send over an `HttpLine`, by a function that can be called like `fetch`. */
import type { HttpLine } from "./http-line.ts";
import type { LineAnswer } from "./line-connection.ts";

/** A body in pieces, which are sent as they are: joining megabytes would cost as much memory again. */
export class BodyPieces {
  readonly byteLength: number;

  constructor(readonly pieces: readonly Uint8Array[]) {
    this.byteLength = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}

/** As much of `Headers` as ofetch asks for: the engine's own cost more to make and to read than all they hold. */
export class LineHeaders {
  readonly #fields = new Map<string, string>();

  constructor(fields: Readonly<Record<string, string>> = {}) {
    for (const name of Object.keys(fields)) this.set(name, fields[name] as string);
  }

  get(name: string): string | null {
    return this.#fields.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#fields.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#fields.set(name.toLowerCase(), value);
  }

  forEach(action: (value: string, name: string) => void): void {
    this.#fields.forEach(action);
  }
}

/**
 * As much of `fetch` as POSTs to the line's server need: bodies are texts, bytes or `BodyPieces`; the answer has its
 * status and, as `text()`, the beginning of its body.
 */
export function lineFetch(line: HttpLine, url: URL): typeof fetch {
  const { origin, host } = url;
  const base = `${origin}/`;
  const post = async (
    target: string,
    { headers, body }: { headers: Headers; body: unknown },
  ): Promise<LineResponse> => {
    if (!target.startsWith(base)) throw new TypeError(`${target} is not on the line's server ${origin}`);
    const pieces = toPieces(body);
    let head = `POST ${target.slice(origin.length)} HTTP/1.1\r\nHost: ${host}\r\n`;
    headers.forEach((value, name) => {
      head += `${name}: ${value}\r\n`;
    });
    let size = 0;
    for (const { byteLength } of pieces) size += byteLength;
    head += `Content-Length: ${size}\r\n\r\n`;
    return new LineResponse(await line.post({ head, body: pieces }));
  };
  return post as unknown as typeof fetch;
}

/** As much of a `Response` as is asked for. Without a `body`, so that ofetch leaves it unread. */
class LineResponse {
  readonly body = null;

  constructor(private readonly answer: LineAnswer) {}

  get status(): number {
    return this.answer.status;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(this.answer.body);
  }
}

const encoder = new TextEncoder();

function toPieces(body: unknown): readonly Uint8Array[] {
  if (body instanceof BodyPieces) return body.pieces;
  if (body instanceof Uint8Array) return [body];
  if (body === undefined || body === null || body === "") return [];
  // Not by `Buffer.from`, whose first call takes 0.1 ms of the start.
  if (typeof body === "string") return [encoder.encode(body)];
  throw new TypeError("the line sends texts, bytes and pieces only");
}
