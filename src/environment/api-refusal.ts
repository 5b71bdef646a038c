/** Why a call to one of the APIs of the environment is refused. */

/** Error types of the APIs; AWS's words. */
export type ApiErrorType =
  | "InternalServerError"
  | "InvalidFunctionResponseMode"
  | "InvalidRequestFormat"
  | "InvalidRequestID"
  | "InvalidStateTransition"
  | "InvokeTimeout"
  | "RequestEntityTooLarge"
  | "TruncatedHTTPRequest"
  | "Extension.InvalidEventType"
  | "Extension.InvalidExtensionIdentifier"
  | "Extension.InvalidExtensionName"
  | "Extension.InvalidExtensionState"
  | "Extension.MissingExtensionIdentifier"
  | "Extension.MissingHeader"
  | "Extension.RegistrationClosed"
  | "Extension.TooManyExtensions"
  | "Extension.UnknownExtensionIdentifier";

/** Thrown where a call cannot be taken; the caller is answered with just these three. Type and text are AWS's. */
export class ApiRefusal extends Error {
  override name = "ApiRefusal";

  constructor(
    readonly status: 400 | 403 | 410 | 413 | 500,
    readonly type: ApiErrorType,
    message: string,
  ) {
    super(message);
  }
}
