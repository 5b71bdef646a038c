/** The answers of the Runtime API, byte for byte AWS's (`docs/contract/runtime-api.md 1` and its section 3). */
import type { ExtensionRefusalType } from "../environment/extensions/extension-states.ts";
import { PlainResponse } from "../net/listener/plain-response.ts";

const json = { "Content-Type": "application/json" };

/** Body and headers of what the runtime sent was taken. */
export function accepted(): Response {
  return new PlainResponse('{"status":"OK"}\n', { status: 202, headers: json });
}

/** Error types of the API itself. */
export type ApiErrorType =
  | ExtensionRefusalType
  | "InvalidRequestFormat"
  | "InternalServerError"
  | "InvalidStateTransition"
  | "InvalidRequestID"
  | "InvokeTimeout"
  | "RequestEntityTooLarge"
  | "TruncatedHTTPRequest"
  | "InvalidFunctionResponseMode";

export function apiError(status: number, errorType: ApiErrorType, errorMessage: string): Response {
  return new PlainResponse(toApiJson({ errorMessage, errorType }), { status, headers: json });
}

export function notFound(): Response {
  return new PlainResponse("404 page not found\n", {
    status: 404,
    headers: { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" },
  });
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
