/** What a runtime posts to `/invocation/{id}/error`, and what is stored of it (`docs/contract/runtime-api.md 3.5`). */
import { escapeHtml } from "./replies.ts";

/** Exactly this text selects the structured form; with a parameter behind it, it is not recognised. */
export const errorCauseContentType = "application/vnd.aws.lambda.error.cause+json";

/** An error payload as it goes to the invoker. */
export interface StoredError {
  readonly body: Uint8Array | string;
  readonly contentType: string;
}

/**
 * Any other content type stands verbatim; the structured form loses its cause and all keys the invoker does not get.
 */
export function toStoredError(bytes: Uint8Array, contentType: string): StoredError {
  if (contentType !== errorCauseContentType) return { body: bytes, contentType };
  const error = readStructuredError(bytes);
  if (!error) return { body: '"Invalid error body"', contentType: "application/octet-stream" };
  const { errorMessage, errorType, stackTrace } = error;
  const kept = stackTrace.length > 0 ? { errorMessage, errorType, stackTrace } : { errorMessage, errorType };
  return { body: escapeHtml(JSON.stringify(kept)), contentType: "application/json" };
}

interface StructuredError {
  readonly errorMessage: string;
  readonly errorType: string;
  readonly stackTrace: readonly string[];
}

function readStructuredError(bytes: Uint8Array): StructuredError | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { errorMessage = "", errorType = "", stackTrace = [] } = value as Record<string, unknown>;
  const isRight =
    typeof errorMessage === "string" &&
    typeof errorType === "string" &&
    Array.isArray(stackTrace) &&
    stackTrace.every((line) => typeof line === "string");
  return isRight ? { errorMessage, errorType, stackTrace } : undefined;
}
