/** The errors of the Lambda API, as AWS words them (docs/contract/emulator.md 2.2 and 2.3). */

import { PlainResponse } from "../../net/listener/plain-response.ts";

/**
 * Each exception's HTTP status and the key its text stands under. `RequestEntityTooLargeException` is not the name in AWS's
 * model, but the one real answers carry.
 */
const exceptions = {
  InvalidParameterValueException: { status: 400, textKey: "message" },
  InvalidRequestContentException: { status: 400, textKey: "message" },
  ValidationException: { status: 400, textKey: "message" },
  AccessDeniedException: { status: 403, textKey: "Message" },
  ResourceNotFoundException: { status: 404, textKey: "Message" },
  MethodNotAllowedException: { status: 405, textKey: "message" },
  RequestEntityTooLargeException: { status: 413, textKey: "message" },
  TooManyRequestsException: { status: 429, textKey: "message" },
  ServiceException: { status: 500, textKey: "Message" },
} as const;

export type ExceptionName = keyof typeof exceptions;

/** Thrown where a call is refused; answered with AWS's error body. The message is for the caller. */
export class AwsError extends Error {
  override name = "AwsError";

  /** @param extra more keys of the body, such as `Reason` */
  constructor(
    readonly exception: ExceptionName,
    message: string,
    readonly extra: Readonly<Record<string, string>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  /** @param requestId the call's own, which both SDKs read from the header */
  toResponse(requestId: string): Response {
    const { status, textKey } = exceptions[this.exception];
    const Type = status >= 500 ? "Service" : "User";
    return new PlainResponse(JSON.stringify({ ...this.extra, Type, [textKey]: this.message }), {
      status,
      headers: {
        ...this.headers,
        "Content-Type": "application/json",
        "x-amzn-ErrorType": this.exception,
        "x-amzn-RequestId": requestId,
      },
    });
  }
}

/** Bytes of the event of a call that is waited for, and of one that is not: each limit passes. */
export const maxEventBytes = { RequestResponse: 6_291_456, Event: 1_048_576 } as const;

/** @param size bytes of the event that was sent */
export function eventTooLarge(type: keyof typeof maxEventBytes, size: number): AwsError {
  const limit = maxEventBytes[type];
  return new AwsError(
    "RequestEntityTooLargeException",
    type === "Event"
      ? `${size} byte payload is too large for the Event invocation type (limit ${limit} bytes)`
      : `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
  );
}

/** All environments are busy and the queue is full. */
export function tooManyRequests(): AwsError {
  const reason = { Reason: "ConcurrentInvocationLimitExceeded" };
  return new AwsError("TooManyRequestsException", "Rate Exceeded.", reason, { "Retry-After": "1" });
}

/** @param functionArn with the qualifier, `$LATEST` where none was given */
export function functionNotFound(functionArn: string): AwsError {
  return new AwsError("ResourceNotFoundException", `Function not found: ${functionArn}`);
}
