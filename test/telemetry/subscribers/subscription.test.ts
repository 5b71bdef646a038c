import { describe, expect, test } from "bun:test";
import {
  parseSubscription,
  type SubscriptionApi,
  SubscriptionError,
} from "../../../src/telemetry/subscribers/subscription.ts";

const uri = "http://sandbox.localdomain:8080/path";

/** A request with nothing but what it has to have. */
const least = {
  schemaVersion: "2022-07-01",
  types: ["platform"],
  destination: { protocol: "HTTP", URI: uri },
};

const parse = (body: object, api: SubscriptionApi = "Telemetry") => parseSubscription(api, JSON.stringify(body), 9001);

/** The text of the refusal; fails when there is none. */
function refusal(body: object | string, api: SubscriptionApi = "Telemetry"): string {
  try {
    parseSubscription(api, typeof body === "string" ? body : JSON.stringify(body), 9001);
  } catch (error) {
    expect(error).toBeInstanceOf(SubscriptionError);
    return (error as Error).message;
  }
  throw new Error("the request was accepted");
}

test("the least request gets AWS's defaults", () => {
  expect(parse(least)).toEqual({
    api: "Telemetry",
    dialect: "telemetry 2022-07-01",
    types: ["platform"],
    buffering: { maxItems: 10_000, maxBytes: 262_144, timeoutMs: 1000 },
    destination: { protocol: "HTTP", url: "http://127.0.0.1:8080/path", method: "POST" },
  });
});

describe("on a managed instance", () => {
  const managed =
    (body: object, api: SubscriptionApi = "Telemetry") =>
    () =>
      parseSubscription(api, JSON.stringify(body), 9001, true);

  test("the newest schema can be asked for", () => {
    expect(managed({ ...least, schemaVersion: "2025-01-29" })().dialect).toBe("telemetry 2025-01-29");
  });

  test.each(["2022-07-01", "2022-12-13", "2020-08-15", undefined])("the schema %p cannot", (schemaVersion) => {
    expect(managed({ ...least, schemaVersion })).toThrow("it must be one of 2025-01-29");
    expect(managed({ ...least, schemaVersion })).toThrow(SubscriptionError);
  });

  test.each(["2020-08-15", "2021-03-18", undefined])(
    "the Logs API is not there, whatever the schema: %p",
    (version) => {
      expect(managed({ ...least, schemaVersion: version }, "Logs")).toThrow(
        "the Logs API is not available on managed instances: use the Telemetry API",
      );
    },
  );
});

describe("the body", () => {
  test.each(["", " ", "null", "[]", "1", '"{}"', "{", '{"a":1', "{}}", "\ufeff{}"])("%j is no object", (text) => {
    expect(refusal(text)).toBe("the body must be a JSON object with schemaVersion, types and destination");
  });

  test("may have blanks around it, and keys nobody knows", () => {
    expect(parseSubscription("Telemetry", ` \n${JSON.stringify({ ...least, more: 1 })}\n`, 9001)).toEqual(parse(least));
  });

  test("that lacks everything is told all of it at once", () => {
    expect(refusal("{}")).toBe(
      "schemaVersion is missing: it must be one of 2022-07-01, 2022-12-13, 2025-01-29; " +
        "types should not be empty; " +
        'destination must be {"protocol": "HTTP", "URI": "…"} or {"protocol": "TCP", "port": …}',
    );
  });
});

describe("the schema version", () => {
  test.each([
    ["Telemetry", "2022-07-01", "telemetry 2022-07-01"],
    ["Telemetry", "2022-12-13", "telemetry 2022-12-13"],
    ["Telemetry", "2025-01-29", "telemetry 2025-01-29"],
    ["Logs", "2020-08-15", "logs 2020-08-15"],
    ["Logs", "2021-03-18", "logs 2021-03-18"],
    ["Logs", undefined, "logs 2020-08-15"],
  ] as const)("of the %s API %p is the dialect %s", (api, schemaVersion, dialect) => {
    expect(parse({ ...least, schemaVersion }, api).dialect as string).toBe(dialect);
  });

  const ofTelemetry = "it must be one of 2022-07-01, 2022-12-13, 2025-01-29";
  const ofLogs = "it must be one of 2020-08-15, 2021-03-18";

  test.each([
    ["Telemetry", undefined, `schemaVersion is missing: ${ofTelemetry}`],
    ["Telemetry", "2020-08-15", `schemaVersion is "2020-08-15": ${ofTelemetry}`],
    ["Telemetry", null, `schemaVersion is null: ${ofTelemetry}`],
    ["Telemetry", 2022, `schemaVersion is 2022: ${ofTelemetry}`],
    ["Telemetry", "", `schemaVersion is "": ${ofTelemetry}`],
    ["Telemetry", "constructor", `schemaVersion is "constructor": ${ofTelemetry}`],
    ["Logs", "2022-07-01", `schemaVersion is "2022-07-01": ${ofLogs}`],
    ["Logs", null, `schemaVersion is null: ${ofLogs}`],
  ] as const)("of the %s API is not %p", (api, schemaVersion, text) => {
    expect(refusal({ ...least, schemaVersion }, api)).toBe(text);
  });
});

describe("types", () => {
  test("come once each, in one order, whatever the request has", () => {
    expect(parse({ ...least, types: ["extension", "platform", "extension", "function"] }).types).toEqual([
      "platform",
      "function",
      "extension",
    ]);
  });

  const allowed = "allowed are platform, function, extension";
  test.each([
    [undefined, "types should not be empty"],
    [null, "types should not be empty"],
    [[], "types should not be empty"],
    ["platform", "types should not be empty"],
    [{ 0: "platform" }, "types should not be empty"],
    [["platform", "Function"], `types holds "Function": ${allowed}`],
    [["runtime", 1, null], `types holds "runtime", 1, null: ${allowed}`],
  ])("are not %j", (types, text) => {
    expect(refusal({ ...least, types })).toBe(text);
  });
});

describe("buffering", () => {
  const defaults = { maxItems: 10_000, maxBytes: 262_144, timeoutMs: 1000 };
  const ranges = [
    ["maxItems", 1000, 10_000],
    ["maxBytes", 262_144, 1_048_576],
    ["timeoutMs", 25, 30_000],
  ] as const;

  test.each([undefined, null, {}, { maxItems: null }, { unknown: 1 }])("%j stands for the defaults", (buffering) => {
    expect(parse({ ...least, buffering }).buffering).toEqual(defaults);
  });

  test.each(ranges)("%s reaches from %d to %d", (name, min, max) => {
    for (const value of [min, max]) {
      expect(parse({ ...least, buffering: { [name]: value } }).buffering).toEqual({ ...defaults, [name]: value });
    }
    for (const value of [min - 1, max + 1, 0, -min, min + 0.5, String(min), true, [min]]) {
      expect(refusal({ ...least, buffering: { [name]: value } })).toBe(
        `buffering.${name} is ${JSON.stringify(value)}: it must be a whole number, ${min} to ${max}`,
      );
    }
  });

  test.each([[[]], ["1000"], [1000], [true], [false]])("is not %j", (buffering) => {
    expect(refusal({ ...least, buffering })).toBe("buffering must be an object");
  });

  test("has every wrong number named", () => {
    expect(refusal({ ...least, buffering: { maxItems: 1, timeoutMs: 1 } })).toBe(
      "buffering.maxItems is 1: it must be a whole number, 1000 to 10000; " +
        "buffering.timeoutMs is 1: it must be a whole number, 25 to 30000",
    );
  });
});

describe("a destination", () => {
  test.each([
    ["http://sandbox.localdomain:8080", "http://127.0.0.1:8080/"],
    ["http://sandbox:8080/", "http://127.0.0.1:8080/"],
    ["http://sandbox.localdomain:80/a", "http://127.0.0.1/a"],
    ["http://SANDBOX.localdomain:1/a/b?c=d", "http://127.0.0.1:1/a/b?c=d"],
    ["HTTP://localhost:65535", "http://localhost:65535/"],
    ["http://127.0.0.1:8080/x%20y", "http://127.0.0.1:8080/x%20y"],
    ["http://[::1]:8080", "http://[::1]:8080/"],
  ])("%s is this machine: %s", (URI, url) => {
    for (const api of ["Telemetry", "Logs"] as const) {
      const schemaVersion = api === "Logs" ? "2020-08-15" : least.schemaVersion;
      const { destination } = parse({ ...least, schemaVersion, destination: { protocol: "HTTP", URI } }, api);
      expect(destination).toEqual({ protocol: "HTTP", url, method: "POST" });
    }
  });

  const must = "it must be http://sandbox.localdomain:<port>, with or without a path";
  const elsewhere = [
    "http://example.com:8080",
    "http://sandbox.example.com:8080",
    "http://sandbox.localdomain.example.com:8080",
    "http://localdomain:8080",
    "http://10.0.0.1:8080",
    "http://169.254.169.254:80",
    "https://sandbox:8080",
    "ftp://sandbox:8080",
    "sandbox:8080",
    "http://sandbox:65536",
    "http://user@sandbox:8080",
    "http://user:1@sandbox:8080",
    "http://:1@sandbox/",
    "",
    "nonsense",
    null,
    8080,
    ["http://sandbox:8080"],
  ];
  test.each(elsewhere.map((given) => [given]))("is not %j", (URI) => {
    const problem = `destination.URI is ${JSON.stringify(URI)}: ${must}`;
    expect(refusal({ ...least, destination: { protocol: "HTTP", URI } })).toBe(problem);
  });

  test("over HTTP has a URI", () => {
    expect(refusal({ ...least, destination: { protocol: "HTTP", port: 8080 } })).toBe(
      `destination.URI is missing: ${must}`,
    );
  });

  test.each(["http://sandbox", "http://sandbox/", "http://sandbox.localdomain/a:80", "http://sandbox?x:80"])(
    "over HTTP names its port, which %s does not",
    (URI) => {
      expect(refusal({ ...least, destination: { protocol: "HTTP", URI } })).toBe("URI port is not provided");
    },
  );

  test("over HTTP has no port 0", () => {
    expect(refusal({ ...least, destination: { protocol: "HTTP", URI: "http://sandbox:0" } })).toBe(
      "destination.URI has port 0: it must be a port, 1 to 65535",
    );
  });

  test.each([1, 9000, 9002, 65_535])("over TCP is port %d", (port) => {
    expect(parse({ ...least, destination: { protocol: "TCP", port } }).destination).toEqual({ protocol: "TCP", port });
  });

  test.each([
    [0, "0"],
    [65_536, "65536"],
    [-1, "-1"],
    [80.5, "80.5"],
    ["8080", '"8080"'],
    [null, "null"],
    [undefined, "missing"],
  ])("over TCP is not port %p", (port, shown) => {
    expect(refusal({ ...least, destination: { protocol: "TCP", port } })).toBe(
      `destination.port is ${shown}: it must be a port, 1 to 65535`,
    );
  });

  test.each([
    ["HTTP", { protocol: "HTTP", URI: "http://sandbox:9001" }],
    ["TCP", { protocol: "TCP", port: 9001 }],
  ])("over %s is not the port of the Runtime API", (_, destination) => {
    expect(refusal({ ...least, destination })).toBe("port 9001 is reserved for the Runtime API");
  });

  test("is not the Runtime API wherever it listens", () => {
    const toPort = (URI: string) =>
      parseSubscription("Telemetry", JSON.stringify({ ...least, destination: { protocol: "HTTP", URI } }), 80);
    expect(() => toPort("http://sandbox:80")).toThrow("port 80 is reserved for the Runtime API");
    expect(toPort("http://sandbox:9001").destination).toMatchObject({ url: "http://127.0.0.1:9001/" });
  });

  test.each([
    ["http", '"http"'],
    ["UDP", '"UDP"'],
    [null, "null"],
    [undefined, "missing"],
  ])("has no protocol %p", (protocol, shown) => {
    expect(refusal({ ...least, destination: { protocol, URI: uri, port: 8080 } })).toBe(
      `destination.protocol is ${shown}: it must be HTTP or TCP`,
    );
  });

  test.each([[undefined], [null], [[]], ["http://sandbox:8080"], [8080]])("is an object, not %j", (destination) => {
    expect(refusal({ ...least, destination })).toBe(
      'destination must be {"protocol": "HTTP", "URI": "…"} or {"protocol": "TCP", "port": …}',
    );
  });
});

describe("the method", () => {
  const asked = (api: SubscriptionApi, method: unknown) => ({
    types: ["platform"],
    schemaVersion: api === "Logs" ? "2020-08-15" : "2022-07-01",
    destination: { protocol: "HTTP", URI: uri, method },
  });

  test.each([
    ["Logs", undefined, "POST"],
    ["Logs", "POST", "POST"],
    ["Logs", "PUT", "PUT"],
    ["Telemetry", undefined, "POST"],
    ["Telemetry", "PUT", "POST"],
    ["Telemetry", "nonsense", "POST"],
  ] as const)("in the %s API %p is %s", (api, method, used) => {
    expect(parse(asked(api, method), api).destination).toMatchObject({ method: used });
  });

  test.each([["GET"], ["put"], [""], [null], [1]])("is not %j in the Logs API", (method) => {
    expect(refusal(asked("Logs", method), "Logs")).toBe(
      `destination.method is ${JSON.stringify(method)}: it must be POST or PUT`,
    );
  });
});
