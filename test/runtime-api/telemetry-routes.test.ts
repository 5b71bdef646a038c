import { beforeEach, describe, expect, test } from "bun:test";
import type { HonoBase } from "hono/hono-base";
import { Extensions } from "../../src/environment/extensions/extensions.ts";
import { oneAtATime } from "../../src/environment/policy.ts";
import { createRuntimeApi } from "../../src/runtime-api/app.ts";
import { TelemetryService } from "../../src/telemetry/subscribers/service.ts";
import type { Subscription } from "../../src/telemetry/subscribers/subscription.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { apiOptions, Fixture, seen } from "./fixture.ts";

const apis = [
  { api: "Telemetry", path: "/2022-07-01/telemetry", errorType: "ValidationError", schemaVersion: "2022-07-01" },
  { api: "Logs", path: "/2020-08-15/logs", errorType: "Logs.ValidationError", schemaVersion: "2020-08-15" },
] as const;
const [telemetryApi, logsApi] = apis;
type Api = (typeof apis)[number];

const contentType = "application/json";
const ok = { status: 200, body: '"OK"', contentType };

/** The record of one subscription, as its subscriber gets it. */
interface Told {
  readonly subscription: Subscription;
  readonly records: string[];
  isClosed: boolean;
}

let extensions: Extensions;
let telemetry: TelemetryService;
let clock: FakeClock;
let app: HonoBase;
let told: Told[];

beforeEach(() => {
  clock = new FakeClock();
  told = [];
  extensions = new Extensions(oneAtATime, () => {});
  telemetry = new TelemetryService(clock, {
    newCarrier: (subscription) => {
      const one: Told = { subscription, records: [], isClosed: false };
      told.push(one);
      return {
        async send(records) {
          one.records.push(...records);
        },
        close() {
          one.isClosed = true;
        },
      };
    },
  });
  telemetry.openWindow();
  app = createApp();
});

function createApp(areExtensionsEnabled = true): HonoBase {
  const host = { exchanges: new Fixture().exchanges, extensions };
  return createRuntimeApi({ ...apiOptions(), telemetry, host, areExtensionsEnabled });
}

function bodyFor({ schemaVersion }: Api, changes: object = {}): string {
  const destination = { protocol: "HTTP", URI: "http://sandbox.localdomain:8080" };
  return JSON.stringify({ schemaVersion, types: ["platform"], destination, ...changes });
}

async function put(path: string, body: string, headers: Record<string, string> = {}, method = "PUT") {
  return seen(await app.fetch(new Request(`http://127.0.0.1:9001${path}`, { method, body, headers })));
}

/** A request of a registered extension. */
function subscribe(api: Api, body = bodyFor(api), name = "a") {
  const { id } = extensions.all.find((known) => known.name === name) ?? extensions.register(name, []);
  return put(api.path, body, { "Lambda-Extension-Identifier": id });
}

const refusal = (status: number, errorType: string, errorMessage: string) => ({
  status,
  body: JSON.stringify({ errorType, errorMessage }),
  contentType,
});

describe.each(apis)("the $api API", (api) => {
  test("answers a subscription with OK, in quotes, and keeps it", async () => {
    expect(await subscribe(api)).toEqual(ok);
    expect(told.map(({ subscription }) => subscription)).toEqual([
      {
        api: api.api,
        dialect: `${api.api.toLowerCase()} ${api.schemaVersion}` as Subscription["dialect"],
        types: ["platform"],
        buffering: { maxItems: 10_000, maxBytes: 262_144, timeoutMs: 1000 },
        destination: { protocol: "HTTP", url: "http://127.0.0.1:8080/", method: "POST" },
      },
    ]);
  });

  test("is open to external extensions too", async () => {
    extensions.expect("external");
    extensions.register("external", []);
    expect(await subscribe(api, bodyFor(api), "external")).toEqual(ok);
  });

  test.each([
    ["", "the body must be a JSON object with schemaVersion, types and destination"],
    ["[]", "the body must be a JSON object with schemaVersion, types and destination"],
    [bodyFor(api, { types: [] }), "types should not be empty"],
    [
      bodyFor(api, { types: ["x"], buffering: { timeoutMs: 24 } }),
      'types holds "x": allowed are platform, function, extension; ' +
        "buffering.timeoutMs is 24: it must be a whole number, 25 to 30000",
    ],
    [bodyFor(api, { destination: { protocol: "TCP", port: 9001 } }), "port 9001 is reserved for the Runtime API"],
    [bodyFor(api, { destination: { protocol: "HTTP", URI: "http://sandbox" } }), "URI port is not provided"],
  ])("answers %s with a validation error", async (body, message) => {
    expect(await subscribe(api, body)).toEqual(refusal(400, api.errorType, message));
    expect(told).toEqual([]);
  });

  test("escapes what it repeats of the request", async () => {
    const { status, body } = await subscribe(api, bodyFor(api, { types: ['"\n<'] }));
    expect([status, JSON.parse(body)]).toEqual([
      400,
      {
        errorType: api.errorType,
        errorMessage: 'types holds "\\"\\n<": allowed are platform, function, extension',
      },
    ]);
  });

  test("is closed when init has ended, also to who has subscribed", async () => {
    await subscribe(api);
    telemetry.closeWindow();
    const closed = refusal(403, `${api.api}.SubscriptionClosed`, `${api.api} API subscription is closed`);
    expect(await subscribe(api)).toEqual(closed);
    expect(await subscribe(api, bodyFor(api), "b")).toEqual(closed);
    expect(told).toHaveLength(1);
  });

  test("takes the same request again for the same subscription, however it is written", async () => {
    const types = ["platform", "function"];
    await subscribe(api, bodyFor(api, { types }));
    const again = { types: ["function", "platform"], buffering: { maxItems: 10_000 } };
    expect(await subscribe(api, bodyFor(api, again))).toEqual(ok);
    await clock.advance(1000);
    expect(told).toHaveLength(1);
    expect(told[0]?.records).toHaveLength(1);
  });

  test("puts another request in the place of the first", async () => {
    await subscribe(api);
    expect(await subscribe(api, bodyFor(api, { types: ["function"] }))).toEqual(ok);
    expect(told.map(({ subscription, isClosed }) => [subscription.types, isClosed])).toEqual([
      [["platform"], true],
      [["function"], false],
    ]);
  });

  test("leaves a subscription in its place when the next request is wrong", async () => {
    await subscribe(api);
    expect((await subscribe(api, "{}")).status).toBe(400);
    expect(told.map(({ isClosed }) => isClosed)).toEqual([false]);
  });

  const error = (type: string, message: string) => ({
    status: 403,
    body: `{"errorMessage":"${message}","errorType":"Extension.${type}"}\n`,
    contentType,
  });
  const unknown = "01234567-89ab-cdef-0123-456789abcdef";
  const missing = error("MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header");
  const invalid = error("InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier");

  test.each([
    ["no identifier", undefined, missing],
    ["an empty identifier", "", missing],
    ["no UUID", "x", invalid],
    ["a UUID of 31 digits", unknown.slice(1), invalid],
    ["an unknown UUID", unknown, error("UnknownExtensionIdentifier", `Unknown extension ${unknown}`)],
    [
      "an unknown UUID in capitals and braces",
      `{${unknown.toUpperCase()}}`,
      error("UnknownExtensionIdentifier", `Unknown extension ${unknown}`),
    ],
  ])("refuses %s, before it looks at the body or the window", async (_, id, answer) => {
    telemetry.closeWindow();
    const headers: Record<string, string> = id === undefined ? {} : { "Lambda-Extension-Identifier": id };
    expect(await put(api.path, "{", headers)).toEqual(answer);
  });

  test("knows nobody who is expected and has not registered", async () => {
    const { id } = extensions.expect("external");
    expect(await put(api.path, bodyFor(api), { "Lambda-Extension-Identifier": id })).toEqual(
      error("UnknownExtensionIdentifier", `Unknown extension ${id}`),
    );
  });

  test.each([
    ["as it is", (id: string) => id],
    ["in capitals", (id: string) => id.toUpperCase()],
    ["as a URN", (id: string) => `urn:uuid:${id}`],
    ["in braces", (id: string) => `{${id}}`],
    ["without dashes", (id: string) => id.replaceAll("-", "")],
  ])("knows an identifier %s", async (_, spell) => {
    const { id } = extensions.register("a", []);
    expect(await put(api.path, bodyFor(api), { "Lambda-Extension-Identifier": spell(id) })).toEqual(ok);
  });

  test.each(["GET", "POST", "DELETE"])("does not know the method %s", async (method) => {
    const request = new Request(`http://127.0.0.1:9001${api.path}`, { method });
    expect(await seen(await app.fetch(request))).toEqual({ status: 405, body: "", contentType: null });
  });

  test("does not exist where extensions are switched off", async () => {
    app = createApp(false);
    expect(await subscribe(api)).toEqual({ status: 404, body: "", contentType: null });
  });
});

describe("an extension that has used one API", () => {
  test.each([
    [telemetryApi, logsApi],
    [logsApi, telemetryApi],
  ])("is refused the other: $api first", async (first, second) => {
    await subscribe(first);
    expect(await subscribe(second)).toEqual(
      refusal(
        400,
        second.errorType,
        `this extension has subscribed through the ${first.api} API already: use one of the two APIs only`,
      ),
    );
    expect(told.map(({ isClosed }) => isClosed)).toEqual([false]);
  });

  test("leaves the other to others", async () => {
    await subscribe(telemetryApi);
    expect(await subscribe(logsApi, bodyFor(logsApi), "b")).toEqual(ok);
  });
});

test("a fault of the service is answered without details", async () => {
  telemetry.subscribe = () => {
    throw new Error("secret");
  };
  expect(await subscribe(telemetryApi)).toEqual({
    status: 500,
    body: '{"errorMessage":"Internal Server Error","errorType":"InternalServerError"}\n',
    contentType,
  });
});
