/** The body of `POST /invoke`: `docs/contract/localstack.md` 7. */
import type { InvokeRequest } from "../../environment/invocation.ts";

/** Thrown with one sentence on what is wrong with the body. */
export class InvalidInvokeError extends Error {
  override name = "InvalidInvokeError";
}

/**
 * Checks what LocalStack sent. Unknown keys are ignored; `null` counts as absent.
 * @throws {InvalidInvokeError}
 */
export function toInvokeRequest(body: unknown): InvokeRequest {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new InvalidInvokeError("the body must be a JSON object with invoke-id and payload");
  }
  const fields = body as Record<string, unknown>;
  const requestId = textOf(fields, "invoke-id");
  const payload = textOf(fields, "payload");
  if (!requestId) throw new InvalidInvokeError("invoke-id is missing: it must be the request id");
  if (!isPathSegment(requestId)) {
    const shown = JSON.stringify(requestId.slice(0, maxIdLength));
    throw new InvalidInvokeError(
      `invoke-id is ${shown}: it must be fit for a path, such as a UUID: at most ${maxIdLength} letters, digits and -._~:@+=`,
    );
  }
  if (payload === undefined) throw new InvalidInvokeError("payload is missing: it must be the event as a text");
  const isInitRetry = fields["is-init-retry"] ?? false;
  if (typeof isInitRetry !== "boolean") throw new InvalidInvokeError("is-init-retry must be true or false");
  return {
    requestId,
    payload,
    invokedFunctionArn: textOf(fields, "invoked-function-arn") ?? "",
    traceId: textOf(fields, "trace-id") ?? "",
    clientContext: fromBase64(textOf(fields, "client-context") ?? ""),
    cognitoIdentity: "",
    tenantId: "",
    isInitRetry,
    takesStream: false,
  };
}

/** Characters an id may have. AWS's have 36. */
const maxIdLength = 128;

/**
 * The id becomes a header for the runtime and a part of two paths, the runtime's and the callback's: both sides must
 * read it as it was given, whatever they do to a URL.
 */
function isPathSegment(id: string): boolean {
  return id.length <= maxIdLength && /^[\w.~:@+=-]+$/.test(id) && id !== "." && id !== "..";
}

function textOf(fields: Record<string, unknown>, key: string): string | undefined {
  const value = fields[key] ?? undefined;
  if (value !== undefined && typeof value !== "string") throw new InvalidInvokeError(`${key} must be a text`);
  return value;
}

function fromBase64(text: string): string {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw new InvalidInvokeError("client-context must be base64");
  return Buffer.from(text, "base64").toString("utf8");
}
