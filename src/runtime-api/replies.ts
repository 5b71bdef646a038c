/** The answers of the Runtime API, byte for byte AWS's (`docs/contract/runtime-api.md 1` and its section 3). */
import { ApiRefusal } from "../environment/api-refusal.ts";
import { toStoredErrorType } from "../errors.ts";
import { PlainResponse } from "../net/listener/plain-response.ts";

const json = { "Content-Type": "application/json" };

/** Body and headers of what the runtime sent was taken. */
export function accepted(): Response {
  return new PlainResponse('{"status":"OK"}\n', { status: 202, headers: json });
}

export function apiError({ status, type, message }: Pick<ApiRefusal, "status" | "type" | "message">): Response {
  return new PlainResponse(toApiJson({ errorMessage: message, errorType: type }), { status, headers: json });
}

/** An error as Go's `http.Error` writes it. */
export function plainText(status: number, text: string): Response {
  return new PlainResponse(`${text}\n`, {
    status,
    headers: { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" },
  });
}

export function notFound(): Response {
  return plainText(404, "404 page not found");
}

export function emptyNotFound(): Response {
  return new PlainResponse(null, { status: 404 });
}

/** A known path and another method. Without `Allow`, as LocalStack's init has it. */
export function methodNotAllowed(): Response {
  return new PlainResponse(null, { status: 405 });
}

/** JSON with the characters escaped that AWS's escapes, and a newline behind it. */
export function toApiJson(value: unknown): string {
  return `${escapeHtml(JSON.stringify(value))}\n`;
}

/** `<`, `>`, `&` and the two line separators of Unicode as `\u` sequences, everywhere in a JSON text. */
export function escapeHtml(jsonText: string): string {
  return jsonText.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const controlCharacters = /[\x00-\x08\x0a-\x1f\x7f]/g;

/**
 * A text as a header value: line breaks, and the other characters no header may have, become blanks; outer blanks go;
 * other than ASCII goes out as UTF-8.
 */
export function toHeaderValue(text: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return text;
  return Buffer.from(text.replace(controlCharacters, " ").trim(), "utf8").toString("latin1");
}

/** The id in a path is nobody's, or the answer to it was given already. */
export function invalidRequestId(): ApiRefusal {
  return new ApiRefusal(400, "InvalidRequestID", "Invalid request ID");
}

/** The one refusal that runtimes take for harmless: the invocation is over, the runtime is to go on. */
export function tooLate(): ApiRefusal {
  return new ApiRefusal(410, "InvokeTimeout", "Invoke timeout");
}

/** @param limit bytes */
export function payloadTooLarge(limit: number): ApiRefusal {
  return new ApiRefusal(413, "RequestEntityTooLarge", `Exceeded maximum allowed payload size (${limit} bytes).`);
}

export function truncated(): ApiRefusal {
  return new ApiRefusal(400, "TruncatedHTTPRequest", "HTTP request detected as truncated");
}

/** To a poll that ends without an event. Nobody reads it: the process was killed, or the client is gone. */
export function givenUp(): ApiRefusal {
  return new ApiRefusal(500, "InternalServerError", "Internal Server Error");
}

/** The type of the error a runtime reports, as it is stored. */
export function errorTypeOf(request: Request): string {
  return toStoredErrorType(request.headers.get("lambda-runtime-function-error-type") ?? undefined);
}
