/**
 * What a caller asks for, as its request says it: headers and body of the Invoke API (docs/contract/emulator.md 2.1).
 */
import { readBody } from "../../net/body.ts";
import { release } from "../../net/buffers.ts";
import { AwsError, eventTooLarge, type maxEventBytes } from "./aws-errors.ts";

export type InvocationType = "RequestResponse" | "Event" | "DryRun";

/** The headers of a call. */
export interface CallHeaders {
  readonly requestId: string;
  readonly invocationType: InvocationType;
  readonly wantsLogTail: boolean;
  /** JSON text; empty: none. */
  readonly clientContext: string;
  /** JSON text; empty: none. */
  readonly cognitoIdentity: string;
  readonly tenantId: string;
  /** The X-Ray header; empty: none. */
  readonly traceId: string;
}

const invocationTypes: readonly string[] = ["RequestResponse", "Event", "DryRun"] satisfies InvocationType[];
const logTypes: readonly string[] = ["None", "Tail"];

const maxClientContextLength = 3583;
const maxTenantIdLength = 256;

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The caller's own id where it is one that fits into our paths, else a new one (`docs/contract/emulator.md E12`). */
export function toRequestId(headers: Headers): string {
  const given = headers.get("x-amzn-requestid") ?? "";
  return uuidPattern.test(given) ? given : crypto.randomUUID();
}

/** @throws {AwsError} */
export function readCallHeaders(headers: Headers, requestId: string): CallHeaders {
  const invocationType = headers.get("x-amz-invocation-type") || "RequestResponse";
  if (!invocationTypes.includes(invocationType)) throw invalid("InvocationType", invocationType, invocationTypes);
  const logType = headers.get("x-amz-log-type") || "None";
  if (!logTypes.includes(logType)) throw invalid("LogType", logType, logTypes);
  const tenantId = headers.get("x-amz-tenant-id") ?? "";
  if (tenantId.length > maxTenantIdLength) {
    throw new AwsError("InvalidParameterValueException", `TenantId is longer than ${maxTenantIdLength} characters`);
  }
  return {
    requestId,
    invocationType: invocationType as InvocationType,
    wantsLogTail: logType === "Tail" && invocationType === "RequestResponse",
    clientContext: toClientContext(headers.get("x-amz-client-context") ?? ""),
    cognitoIdentity: toCognitoIdentity(headers.get("x-amz-cognito-identity") ?? ""),
    tenantId,
    traceId: headers.get("x-amzn-trace-id") ?? "",
  };
}

/**
 * The event of a call. A body that is no JSON text is refused as on AWS; none at all is the event `{}`
 * (`docs/contract/emulator.md E10`).
 * @throws {AwsError}
 */
export async function readEvent(request: Request, type: keyof typeof maxEventBytes, limit: number): Promise<string> {
  const bytes = await readWithin(request, limit, (size) => eventTooLarge(type, size));
  if (bytes.length === 0) return "{}";
  try {
    const text = utf8.decode(bytes);
    release(bytes);
    JSON.parse(text);
    return text;
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message.replace(/^JSON Parse error: /, "") : "not UTF-8";
    throw new AwsError(
      "InvalidRequestContentException",
      `Could not parse request body into json: Could not parse payload into json: ${reason}`,
    );
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * @param limit bytes
 * @param tooLarge makes the error for a body of more
 * @throws {AwsError}
 */
export async function readWithin(
  request: Request,
  limit: number,
  tooLarge: (size: number) => AwsError,
): Promise<Uint8Array> {
  const body = await readBody(request, limit);
  if (body.kind === "whole") return body.bytes;
  if (body.kind === "too large") throw tooLarge(body.size);
  throw new AwsError("InvalidRequestContentException", "The connection ended before the request body did");
}

function toClientContext(base64: string): string {
  if (base64 === "") return "";
  const isBase64 = base64.length <= maxClientContextLength && /^[A-Za-z0-9+/_-]*={0,2}$/.test(base64);
  const text = isBase64 ? Buffer.from(base64, "base64").toString("utf8") : "";
  if (text === "") {
    throw new AwsError(
      "InvalidRequestContentException",
      `Client context must be a valid Base64-encoded JSON object of at most ${maxClientContextLength} bytes`,
    );
  }
  return text;
}

/** The runtime's header has the two keys AWS's emulator takes, whatever the case of the caller's letters. */
function toCognitoIdentity(text: string): string {
  if (text === "") return "";
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new AwsError("InvalidRequestContentException", "X-Amz-Cognito-Identity must be a JSON object");
  }
  const keys = ["cognitoIdentityId", "cognitoIdentityPoolId"];
  const entries = Object.entries(given).flatMap(([name, value]) => {
    const key = keys.find((known) => known.toLowerCase() === name.toLowerCase());
    return key && typeof value === "string" ? [[key, value]] : [];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

function invalid(member: string, value: string, allowed: readonly string[]): AwsError {
  return new AwsError(
    "InvalidParameterValueException",
    `${member} must be one of ${allowed.join(", ")}, not ${JSON.stringify(value)}`,
  );
}
