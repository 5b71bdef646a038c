/**
 * The head of an HTTP answer in front of a streamed response: JSON, eight NUL, then the body
 * (docs/contract/emulator.md 3.3).
 */

/** The type of a response that begins with a prelude. */
export const httpIntegrationType = "application/vnd.awslambda.http-integration-response";

/** What a function says of its HTTP answer. Other keys are ignored. */
export interface HttpHead {
  readonly statusCode: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly cookies: readonly string[];
}

/** Thrown where what the function says is no HTTP answer. */
export class MalformedHeadError extends Error {
  override name = "MalformedHeadError";
}

/** Bytes a prelude may have. */
const maxPreludeBytes = 1024 * 1024;

const delimiter = new Uint8Array(8);

/**
 * Reads up to and with the delimiter, which may come in pieces.
 * @returns the text before it, and the stream behind it; no text where the stream is empty
 * @throws {MalformedHeadError} if there is no delimiter within the bound
 */
export async function splitPrelude(
  body: ReadableStream<Uint8Array>,
): Promise<{ prelude: string; rest: ReadableStream<Uint8Array> }> {
  const reader = body.getReader();
  let held = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      if (held.length > 0) throw new MalformedHeadError("the response ended before its prelude did");
      return { prelude: "", rest: emptyStream() };
    }
    // Its beginning may be the end of what came before.
    const from = Math.max(0, held.length - delimiter.length + 1);
    held = Buffer.concat([held, value]);
    const at = held.indexOf(delimiter, from);
    if (at >= 0) {
      return { prelude: held.toString("utf8", 0, at), rest: behind(held.subarray(at + delimiter.length), reader) };
    }
    if (held.length > maxPreludeBytes) {
      await reader.cancel();
      throw new MalformedHeadError(`the prelude is longer than ${maxPreludeBytes} bytes`);
    }
  }
}

/** The reader of a stream, as far as it is used. */
interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
}

function behind(first: Uint8Array, reader: Reader): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (first.length > 0) controller.enqueue(first);
    },
    async pull(controller) {
      const { value, done } = await reader.read();
      if (value) controller.enqueue(value);
      if (done) controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

/** @throws {MalformedHeadError} */
export function parsePrelude(text: string): HttpHead {
  if (text === "") return { statusCode: 200, headers: [], cookies: [] };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null) throw new MalformedHeadError("the prelude is no JSON object");
  return readHead(value as Record<string, unknown>);
}

/** @throws {MalformedHeadError} */
export function readHead({ statusCode = 200, headers, cookies }: Record<string, unknown>): HttpHead {
  if (typeof statusCode !== "number" || !Number.isInteger(statusCode) || statusCode < 200 || statusCode > 599) {
    throw new MalformedHeadError(`statusCode is ${JSON.stringify(statusCode)}: it must be a number from 200 to 599`);
  }
  return { statusCode, headers: readHeaders(headers), cookies: readCookies(cookies) };
}

function readHeaders(headers: unknown): [name: string, value: string][] {
  if (headers === undefined || headers === null) return [];
  if (typeof headers !== "object" || Array.isArray(headers)) throw new MalformedHeadError("headers is no object");
  return Object.entries(headers).map(([name, value]) => {
    const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (!isPlain || !isHeader(name, String(value))) throw new MalformedHeadError(`the header ${name} cannot be sent`);
    return [name, String(value)];
  });
}

function readCookies(cookies: unknown): string[] {
  if (cookies === undefined || cookies === null) return [];
  const isFit = (cookie: unknown) => typeof cookie === "string" && isHeader("set-cookie", cookie);
  if (!Array.isArray(cookies) || !cookies.every(isFit)) throw new MalformedHeadError("cookies is no list of texts");
  return cookies;
}

function isHeader(name: string, value: string): boolean {
  try {
    new Headers([[name, value]]);
    return true;
  } catch {
    return false;
  }
}
