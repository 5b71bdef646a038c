/** Lets ofetch send over an `HttpLine`, by a function that can be called like `fetch`. */
import type { HttpLine } from "./http-line.ts";

/** A body in pieces, which are sent as they are: joining megabytes would cost as much memory again. */
export class BodyPieces {
  readonly byteLength: number;

  constructor(readonly pieces: readonly Uint8Array[]) {
    this.byteLength = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}

/**
 * As much of `fetch` as POSTs to the line's server need: bodies are texts, bytes or `BodyPieces`; the answer has its
 * status and the beginning of its body, and no headers.
 */
export function lineFetch(line: HttpLine, url: URL): typeof fetch {
  const post = async (target: string, { headers, body }: { headers: Headers; body: unknown }): Promise<Response> => {
    if (!target.startsWith(`${url.origin}/`))
      throw new TypeError(`${target} is not on the line's server ${url.origin}`);
    const pieces = toPieces(body);
    let head = `POST ${target.slice(url.origin.length)} HTTP/1.1\r\nHost: ${url.host}\r\n`;
    headers.forEach((value, name) => {
      head += `${name}: ${value}\r\n`;
    });
    head += `Content-Length: ${pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)}\r\n\r\n`;
    const answer = await line.post({ head, body: pieces });
    return answer.body.byteLength > 0
      ? new Response(Buffer.from(answer.body), { status: answer.status })
      : emptyResponse(answer.status);
  };
  return post as unknown as typeof fetch;
}

/** Answers without a body, by status. Nobody can use up what they have, so the same ones are given out again. */
const emptyResponses = new Map<number, Response>();

function emptyResponse(status: number): Response {
  let response = emptyResponses.get(status);
  if (!response) {
    response = new Response(null, { status });
    emptyResponses.set(status, response);
  }
  return response;
}

function toPieces(body: unknown): readonly Uint8Array[] {
  if (body instanceof BodyPieces) return body.pieces;
  if (body instanceof Uint8Array) return [body];
  if (body === undefined || body === null || body === "") return [];
  if (typeof body === "string") return [Buffer.from(body)];
  throw new TypeError("the line sends texts, bytes and pieces only");
}
