/** What an extension asks of the Telemetry API or the Logs API, checked: `docs/contract/runtime-api.md 7.3`. */
import { type Dialect, parseObject, type RecordType, recordTypes } from "../records.ts";

/** The two APIs an extension can subscribe through. It has to stay with one. */
export type SubscriptionApi = "Telemetry" | "Logs";

/** Where records go. Always on this machine: the names AWS gives for it stand for loopback. */
export type Destination =
  | { readonly protocol: "HTTP"; readonly url: string; readonly method: "POST" | "PUT" }
  | { readonly protocol: "TCP"; readonly port: number };

/** A batch is sent when one of these is reached. */
export interface Buffering {
  /** 1,000 to 10,000 records. */
  readonly maxItems: number;
  /** 262,144 to 1,048,576 bytes. */
  readonly maxBytes: number;
  /** 25 to 30,000 milliseconds after the first record. */
  readonly timeoutMs: number;
}

export interface Subscription {
  readonly api: SubscriptionApi;
  readonly dialect: Dialect;
  readonly types: readonly RecordType[];
  readonly buffering: Buffering;
  readonly destination: Destination;
}

/** Thrown with everything that is wrong with a request, one sentence each. */
export class SubscriptionError extends Error {
  override name = "SubscriptionError";
}

const dialects: Readonly<Record<SubscriptionApi, Readonly<Record<string, Dialect>>>> = {
  Telemetry: {
    "2022-07-01": "telemetry 2022-07-01",
    "2022-12-13": "telemetry 2022-12-13",
    "2025-01-29": "telemetry 2025-01-29",
  },
  Logs: { "2020-08-15": "logs 2020-08-15", "2021-03-18": "logs 2021-03-18" },
};

/** https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html */
const managedDialects: typeof dialects = { Telemetry: { "2025-01-29": "telemetry 2025-01-29" }, Logs: {} };

/** AWS's ranges and defaults. Its two references differ in the default of maxItems; the guide's 10,000 stands. */
const bufferingRanges = {
  maxItems: { min: 1000, max: 10_000, whenAbsent: 10_000 },
  maxBytes: { min: 262_144, max: 1_048_576, whenAbsent: 262_144 },
  timeoutMs: { min: 25, max: 30_000, whenAbsent: 1000 },
} as const;

/** The names of the environment itself. AWS knows the first two; extensions written for local runs use the others. */
const ownHosts: ReadonlySet<string> = new Set(["sandbox.localdomain", "sandbox", "localhost", "127.0.0.1", "[::1]"]);

/**
 * @param runtimeApiPort reserved: records are not sent there
 * @param isManaged on a managed instance
 * @throws {SubscriptionError}
 */
export function parseSubscription(
  api: SubscriptionApi,
  text: string,
  runtimeApiPort: number,
  isManaged = false,
): Subscription {
  if (isManaged && api === "Logs") {
    throw new SubscriptionError("the Logs API is not available on managed instances: use the Telemetry API");
  }
  const body = parseObject(text);
  if (!body) throw new SubscriptionError("the body must be a JSON object with schemaVersion, types and destination");
  const problems: string[] = [];
  const dialect = dialectOf(api, (isManaged ? managedDialects : dialects)[api], body.schemaVersion, problems);
  const types = typesOf(body.types, problems);
  const buffering = bufferingOf(body.buffering, problems);
  const destination = destinationOf(api, body.destination, runtimeApiPort, problems);
  if (problems.length > 0 || !dialect || !destination) throw new SubscriptionError(problems.join("; "));
  return { api, dialect, types, buffering, destination };
}

function dialectOf(
  api: SubscriptionApi,
  known: Readonly<Record<string, Dialect>>,
  version: unknown,
  problems: string[],
): Dialect | undefined {
  // Optional in the Logs API only.
  const asked = version === undefined && api === "Logs" ? "2020-08-15" : version;
  const dialect = typeof asked === "string" && Object.hasOwn(known, asked) ? known[asked] : undefined;
  if (!dialect) problems.push(`schemaVersion is ${show(version)}: it must be one of ${Object.keys(known).join(", ")}`);
  return dialect;
}

function typesOf(given: unknown, problems: string[]): RecordType[] {
  if (!Array.isArray(given) || given.length === 0) {
    problems.push("types should not be empty");
    return [];
  }
  const types: RecordType[] = recordTypes.filter((type) => given.includes(type));
  const unknown = given.filter((type) => !recordTypes.includes(type as RecordType));
  if (unknown.length > 0) {
    problems.push(`types holds ${unknown.map(show).join(", ")}: allowed are ${recordTypes.join(", ")}`);
  }
  return types;
}

function bufferingOf(given: unknown, problems: string[]): Buffering {
  const asked = given ?? {};
  if (typeof asked !== "object" || Array.isArray(asked)) problems.push("buffering must be an object");
  const value = (name: keyof Buffering): number => {
    const { min, max, whenAbsent } = bufferingRanges[name];
    const number = (asked as Partial<Record<keyof Buffering, unknown>>)[name] ?? whenAbsent;
    if (typeof number === "number" && Number.isInteger(number) && number >= min && number <= max) return number;
    problems.push(`buffering.${name} is ${show(number)}: it must be a whole number, ${min} to ${max}`);
    return whenAbsent;
  };
  return { maxItems: value("maxItems"), maxBytes: value("maxBytes"), timeoutMs: value("timeoutMs") };
}

function destinationOf(
  api: SubscriptionApi,
  given: unknown,
  runtimeApiPort: number,
  problems: string[],
): Destination | undefined {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    problems.push('destination must be {"protocol": "HTTP", "URI": "…"} or {"protocol": "TCP", "port": …}');
    return undefined;
  }
  const { protocol, URI: uri, port, method } = given as Record<string, unknown>;
  if (protocol === "HTTP") return httpDestination(api, uri, method, runtimeApiPort, problems);
  if (protocol !== "TCP") {
    problems.push(`destination.protocol is ${show(protocol)}: it must be HTTP or TCP`);
    return undefined;
  }
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535) {
    problems.push(`destination.port is ${show(port)}: it must be a port, 1 to 65535`);
    return undefined;
  }
  if (isReserved(port, runtimeApiPort, problems)) return undefined;
  return { protocol, port };
}

function httpDestination(
  api: SubscriptionApi,
  uri: unknown,
  method: unknown,
  runtimeApiPort: number,
  problems: string[],
): Destination | undefined {
  const url = typeof uri === "string" && URL.canParse(uri) ? new URL(uri) : undefined;
  // With a user before the host nothing could be sent.
  if (url?.protocol !== "http:" || !ownHosts.has(url.hostname) || url.username !== "" || url.password !== "") {
    problems.push(
      `destination.URI is ${show(uri)}: it must be http://sandbox.localdomain:<port>, with or without a path`,
    );
    return undefined;
  }
  if (!/^http:\/\/[^/?#]*:\d+/i.test(uri as string)) {
    problems.push("URI port is not provided");
    return undefined;
  }
  const port = Number(url.port || "80");
  if (port === 0) {
    problems.push("destination.URI has port 0: it must be a port, 1 to 65535");
    return undefined;
  }
  if (isReserved(port, runtimeApiPort, problems)) return undefined;
  // The Logs API lets the subscriber choose; the Telemetry API always posts.
  if (api === "Logs" && method !== undefined && method !== "POST" && method !== "PUT") {
    problems.push(`destination.method is ${show(method)}: it must be POST or PUT`);
    return undefined;
  }
  if (url.hostname.startsWith("sandbox")) url.hostname = "127.0.0.1";
  return { protocol: "HTTP", url: url.href, method: api === "Logs" && method === "PUT" ? "PUT" : "POST" };
}

function isReserved(port: number, runtimeApiPort: number, problems: string[]): boolean {
  if (port === runtimeApiPort) problems.push(`port ${port} is reserved for the Runtime API`);
  return port === runtimeApiPort;
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
