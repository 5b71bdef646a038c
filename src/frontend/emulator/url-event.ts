/** A request to a Function URL as the event the function gets: payload format 2.0 (docs/contract/emulator.md 3.1). */
import type { RawRequest } from "../../net/node-listener.ts";

export interface UrlEventFacts {
  readonly requestId: string;
  /** The X-Ray header; the event has it as a header, too. */
  readonly traceId: string;
  readonly method: string;
  readonly body: Uint8Array;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The port the URL is served on. */
  readonly port: number;
}

/** What AWS's front end of Function URLs negotiates. Nothing here is encrypted; functions may look at it all the same. */
const tlsHeaders = {
  "x-amzn-tls-version": "TLSv1.3",
  "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
} as const;

export function toUrlEvent(raw: RawRequest, facts: UrlEventFacts): Record<string, unknown> {
  const [path, query] = splitTarget(raw.target);
  const headers = toHeaders(raw, facts);
  const cookies = raw.fields
    .filter(([name]) => name.toLowerCase() === "cookie")
    .flatMap(([, value]) => splitCookies(value));
  const domainName = (headers.host ?? "localhost").replace(/:\d+$/, "");
  const isText = isTextType(headers["content-type"]) && isUtf8(facts.body);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: query,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers,
    ...(query === "" ? {} : { queryStringParameters: toParameters(query) }),
    requestContext: {
      accountId: "anonymous",
      apiId: domainName.split(".")[0],
      domainName,
      domainPrefix: domainName.split(".")[0],
      http: {
        method: facts.method,
        path,
        protocol: "HTTP/1.1",
        sourceIp: raw.peerAddress,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: facts.requestId,
      routeKey: "$default",
      stage: "$default",
      time: toClfTime(facts.at),
      timeEpoch: facts.at,
    },
    ...(facts.body.length > 0 ? { body: Buffer.from(facts.body).toString(isText ? "utf8" : "base64") } : {}),
    isBase64Encoded: facts.body.length > 0 && !isText,
  };
}

function splitTarget(target: string): [path: string, query: string] {
  // A request by way of a proxy has a whole URL there.
  const local = target.replace(/^https?:\/\/[^/?]*/i, "");
  const mark = local.indexOf("?");
  const path = mark < 0 ? local : local.slice(0, mark);
  return [path === "" ? "/" : path, mark < 0 ? "" : local.slice(mark + 1)];
}

/** Lower-case names; repeated ones joined; cookies are both here and in `cookies`. */
function toHeaders(raw: RawRequest, { traceId, port }: UrlEventFacts): Record<string, string> {
  // Names of the caller's choice: `__proto__` must be one like any other.
  const headers: Record<string, string> = Object.create(null);
  for (const [fieldName, value] of raw.fields) {
    const name = fieldName.toLowerCase();
    if (name === "connection") continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}${name === "cookie" ? "; " : ","}${value}`;
  }
  const forwarded = headers["x-forwarded-for"];
  return Object.assign(headers, {
    "x-forwarded-for": forwarded === undefined ? raw.peerAddress : `${forwarded}, ${raw.peerAddress}`,
    "x-forwarded-port": String(port),
    "x-forwarded-proto": "http",
    "x-amzn-trace-id": traceId,
    ...tlsHeaders,
  });
}

function splitCookies(value: string): string[] {
  return value
    .split(";")
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== "");
}

function toParameters(query: string): Record<string, string> {
  const parameters: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(query)) {
    const before = parameters[name];
    parameters[name] = before === undefined ? value : `${before},${value}`;
  }
  return parameters;
}

/** Everything else reaches the function in base64, also a body without a type. */
function isTextType(contentType = ""): boolean {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  return (
    type.startsWith("text/") ||
    type === "application/json" ||
    type === "application/xml" ||
    type === "application/javascript"
  );
}

/** Bytes that are no text would not survive as one, whatever their type says. */
function isUtf8(body: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(body);
    return true;
  } catch {
    return false;
  }
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `12/Mar/2020:19:03:58 +0000` */
function toClfTime(at: number): string {
  const date = new Date(at);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
