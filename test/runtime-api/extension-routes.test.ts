/** The Extensions API byte for byte: `docs/contract/runtime-api.md 5`. The states are in `extension-states.test.ts`. */
import { describe, expect, test } from "bun:test";
import { createRuntimeApi } from "../../src/runtime-api/app.ts";
import {
  all,
  bothEvents,
  ExtensionFixture,
  extensionBase,
  internal,
  invokeEvent,
  invokeOnly,
  refusal,
  refusedMove,
  shutdownEvent,
  taken,
  unknownId,
} from "./extension-fixture.ts";
import { apiOptions, Fixture } from "./fixture.ts";

const facts = '{"functionName":"fn","functionVersion":"$LATEST","handler":"app.handler"}\n';
const factsWithAccount = `{"accountId":"000000000000",${facts.slice(1)}`;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const invalidFormat = (message: string) => refusal("InvalidRequestFormat", message);
const invalidEvent = (message: string) => refusal("Extension.InvalidEventType", message);
const noShutdownInside = invalidEvent("SHUTDOWN: ShutdownEventNotSupportedForInternalExtension");
const closed = refusal("Extension.RegistrationClosed", "Extension registration closed already");
const full = refusal("Extension.TooManyExtensions", "Extension limit (10) reached");
const collision = refusal("Extension.InvalidExtensionState", "Extension with this name already registered");

/** A fixture that expects an external extension named `ext`. */
function expecting(): ExtensionFixture {
  const fixture = new ExtensionFixture();
  fixture.extension = fixture.host.extensions.expect("ext");
  return fixture;
}

describe("registering", () => {
  test.each([
    ["an external one", "ext", bothEvents],
    ["an internal one", "anything else", invokeOnly],
  ])("%s tells it of the function, and which identifier is its own", async (_what, name, body) => {
    const fixture = expecting();
    const reply = await all(await fixture.register(name, body));
    expect(reply).toEqual({
      status: 200,
      body: facts,
      headers: { "content-type": "application/json", "lambda-extension-identifier": expect.stringMatching(uuid) },
    });
    const registered = fixture.host.extensions.withId(reply.headers["lambda-extension-identifier"] ?? "");
    expect(registered).toMatchObject({ name, isExternal: name === "ext", state: "Registered" });
  });

  test("gives every extension an identifier of its own", async () => {
    const fixture = expecting();
    for (const name of ["ext", "b", "c"]) expect((await fixture.register(name, invokeOnly)).status).toBe(200);
    expect(new Set(fixture.host.extensions.all.map(({ id }) => id)).size).toBe(3);
  });

  test.each([
    ["ext", true],
    ["Ext", false],
    ["ext.sh", false],
    ["/opt/extensions/ext", false],
  ])("under the name %s is that of the file ext: %p", async (name, isTheFile) => {
    const fixture = expecting();
    expect((await fixture.register(name, invokeOnly)).status).toBe(200);
    expect(fixture.extension.isRegistered).toBe(isTheFile);
  });

  test.each([
    ["accountId", true],
    [" accountId ", true],
    ["other,accountId", true],
    ["accountId , other", true],
    [",accountId,", true],
    ["accountid", false],
    ["accountIds", false],
    ["accountId other", false],
    ["other", false],
    ["", false],
  ])("with the features %j tells the account: %p", async (features, isTold) => {
    const reply = await expecting().register("ext", bothEvents, { "Lambda-Extension-Accept-Feature": features });
    expect(await reply.text()).toBe(isTold ? factsWithAccount : facts);
  });

  const withFacts = (registration: ReturnType<typeof apiOptions>["registration"]) => {
    const { host } = new Fixture();
    const app = createRuntimeApi({ ...apiOptions(), host, registration });
    return app.fetch(
      new Request(`http://127.0.0.1:9001${extensionBase}/register`, {
        method: "POST",
        headers: { "Lambda-Extension-Name": "i", "Lambda-Extension-Accept-Feature": "accountId" },
        body: "{}",
      }),
    );
  };

  test("leaves an account out that is not known", async () => {
    const reply = await withFacts({ ...apiOptions().registration, accountId: "" });
    expect(await reply.text()).toBe(facts);
  });

  test("tells texts with the characters escaped that HTML knows", async () => {
    const reply = await withFacts({
      functionName: "<a>",
      functionVersion: "&",
      handler: "\u2028\u2029é",
      accountId: "1",
    });
    expect(await reply.text()).toBe(
      '{"accountId":"1","functionName":"\\u003ca\\u003e","functionVersion":"\\u0026","handler":"\\u2028\\u2029é"}\n',
    );
  });
});

describe("the body of a registration", () => {
  const both = ["INVOKE", "SHUTDOWN"];

  test.each<[text: string, events: string[]]>([
    [bothEvents, both],
    ['{"events":["SHUTDOWN","INVOKE"]}', both],
    ['{"events":["INVOKE","INVOKE","SHUTDOWN","INVOKE"]}', both],
    ['{"Events":["INVOKE"]}', ["INVOKE"]],
    ['{"EVENTS":["SHUTDOWN"]}', ["SHUTDOWN"]],
    ['{"events":[]}', []],
    ['{"events":null}', []],
    ["{}", []],
    ["null", []],
    [' \n{ "events" : [ "INVOKE" ] }\n ', ["INVOKE"]],
    ['{"events":["INVOKE"],"configurationKeys":[],"more":{"x":1}}', ["INVOKE"]],
    ['{"events":["INVOKE"],"configurationKeys":null}', ["INVOKE"]],
  ])("%s subscribes it", async (text, events) => {
    const fixture = expecting();
    expect((await fixture.register("ext", text)).status).toBe(200);
    expect(fixture.extension.toReport().events).toEqual(events);
  });

  const configurationKeys = "configurationKeys are deprecated; use environment variables instead";

  test.each<[text: string, message: string | undefined]>([
    ["", "unexpected end of JSON input"],
    [" \n", "unexpected end of JSON input"],
    ["not JSON", undefined],
    ['{"events":["INVOKE"]', undefined],
    ["7", undefined],
    ['"INVOKE"', undefined],
    ["true", undefined],
    ["[]", undefined],
    ['["INVOKE"]', undefined],
    ['{"events":"INVOKE"}', undefined],
    ['{"events":{}}', undefined],
    ['{"events":[1]}', undefined],
    ['{"events":[["INVOKE"]]}', undefined],
    ['{"events":["INVOKE"],"configurationKeys":"A"}', undefined],
    ['{"events":["INVOKE"],"configurationKeys":["A"]}', configurationKeys],
    ['{"events":["INVOKE"],"ConfigurationKeys":["A"]}', configurationKeys],
    ['{"configurationKeys":["A"],"events":["NOTHING"]}', configurationKeys],
  ])("%j is refused, and changes nothing", async (text, message) => {
    const fixture = expecting();
    for (const name of ["ext", "inside"]) {
      const reply = await all(await fixture.register(name, text));
      if (message !== undefined) expect(reply).toEqual(invalidFormat(message));
      expect(reply).toMatchObject({ status: 403, headers: { "content-type": "application/json" } });
      expect(reply.body).toMatch(/^\{"errorMessage":"[^\n]+","errorType":"InvalidRequestFormat"\}\n$/);
    }
    expect(fixture.host.extensions.all).toEqual([fixture.extension]);
    expect(fixture.extension.state).toBe("Started");
    expect((await fixture.register("ext")).status).toBe(200);
  });

  test("that has not come at all is an empty one", async () => {
    expect(await all(await expecting().register("ext", null))).toEqual(invalidFormat("unexpected end of JSON input"));
  });

  const events: [events: string, name: string, reply: ReturnType<typeof refusal>][] = [
    ['["invoke"]', "ext", invalidEvent("invoke: ErrorInvalidEventType")],
    ['["INVOKE","NOTHING","MORE"]', "ext", invalidEvent("NOTHING: ErrorInvalidEventType")],
    ['[""]', "ext", invalidEvent(": ErrorInvalidEventType")],
    ['["<&>"]', "ext", invalidEvent("\\u003c\\u0026\\u003e: ErrorInvalidEventType")],
    ['["Shutdown"]', "inside", invalidEvent("Shutdown: ErrorInvalidEventType")],
    ['["SHUTDOWN"]', "inside", noShutdownInside],
    ['["INVOKE","SHUTDOWN"]', "inside", noShutdownInside],
  ];

  test.each(events)("with the events %s is refused for %s, which may try again", async (list, name, expected) => {
    const fixture = expecting();
    expect(await all(await fixture.register(name, `{"events":${list}}`))).toEqual(expected);
    expect(fixture.host.extensions.all).toEqual([fixture.extension]);
    expect(fixture.extension.toReport()).toMatchObject({ state: "Started", events: [] });
    expect((await fixture.register(name, invokeOnly)).status).toBe(200);
  });
});

describe("registration is checked in this order:", () => {
  /** Ten extensions, one of them internal and named `inside`, and no more may come. */
  async function fullAndClosed(): Promise<ExtensionFixture> {
    const fixture = await tenOfThem();
    fixture.host.extensions.closeRegistration();
    return fixture;
  }

  async function tenOfThem(): Promise<ExtensionFixture> {
    const fixture = expecting();
    for (let at = 0; at < 8; at++) fixture.host.extensions.expect(`e${at}`);
    internal(fixture, "inside");
    return fixture;
  }

  const emptyName = refusal("Extension.InvalidExtensionName", "Empty extension name");
  const endOfInput = invalidFormat("unexpected end of JSON input");

  const steps: [what: string, name: string | undefined, body: string, reply: ReturnType<typeof refusal>][] = [
    ["a name", undefined, "", emptyName],
    ["a name that is not empty", "", "", emptyName],
    ["a body", "inside", "", endOfInput],
    ["events", "inside", '{"events":["SHUTDOWN"]}', noShutdownInside],
    ["the window", "inside", invokeOnly, closed],
  ];

  test.each(steps)("%s", async (_what, name, body, expected) => {
    expect(await all(await (await fullAndClosed()).register(name, body))).toEqual(expected);
  });

  test("the limit, then the collision", async () => {
    const fixture = await tenOfThem();
    expect(await all(await fixture.register("inside", invokeOnly))).toEqual(full);
    expect(await all(await fixture.register("another", invokeOnly))).toEqual(full);
    const two = new ExtensionFixture();
    expect((await two.register("inside", invokeOnly)).status).toBe(200);
    expect(await all(await two.register("inside", invokeOnly))).toEqual(collision);
    expect(two.host.extensions.all).toHaveLength(1);
  });

  test("an external one knows neither window nor limit, only its state", async () => {
    const fixture = await fullAndClosed();
    expect((await fixture.register("ext")).status).toBe(200);
    expect(await all(await fixture.register("ext", '{"events":["NOTHING"]}'))).toEqual(
      invalidEvent("NOTHING: ErrorInvalidEventType"),
    );
    expect(await all(await fixture.register("ext"))).toEqual(refusedMove("Registered", "Registered", "ext"));
  });

  test("a tenth internal one is not too many", async () => {
    const fixture = new ExtensionFixture();
    for (let at = 0; at < 10; at++) expect((await fixture.register(`i${at}`, invokeOnly)).status).toBe(200);
    expect(await all(await fixture.register("i10", invokeOnly))).toEqual(full);
  });
});

describe("the identifier", () => {
  const spellings: [what: string, spell: (id: string) => string][] = [
    ["as given", (id) => id],
    ["in capitals", (id) => id.toUpperCase()],
    ["with urn:uuid: before it", (id) => `urn:uuid:${id}`],
    ["with URN:UUID: before it, in capitals", (id) => `URN:UUID:${id.toUpperCase()}`],
    ["in braces", (id) => `{${id}}`],
    ["between whatever is there", (id) => `x${id}y`],
    ["without dashes", (id) => id.replaceAll("-", "")],
    ["without dashes, in capitals", (id) => id.replaceAll("-", "").toUpperCase()],
  ];

  test.each(spellings)("is known %s", async (_what, spell) => {
    const fixture = await ExtensionFixture.withExtension("Registered");
    expect(await all(await fixture.report("exit", spell(fixture.id)))).toEqual(taken);
    expect(fixture.extension.state).toBe("ExitError");
    const poll = await all(await fixture.ask(spell(unknownId)));
    expect(poll).toEqual(refusal("Extension.UnknownExtensionIdentifier", `Unknown extension ${unknownId}`));
  });

  const missing = refusal("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header");
  const invalid = refusal("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier");

  const calls: [
    what: string,
    call: (fixture: ExtensionFixture, headers: Record<string, string>) => Promise<Response>,
  ][] = [
    ["event/next", (fixture, headers) => fixture.fetch("GET", `${extensionBase}/event/next`, { headers })],
    ["init/error", (fixture, headers) => fixture.fetch("POST", `${extensionBase}/init/error`, { headers })],
    ["exit/error", (fixture, headers) => fixture.fetch("POST", `${extensionBase}/exit/error`, { headers })],
    ["telemetry", (fixture, headers) => fixture.fetch("PUT", "/2022-07-01/telemetry", { headers, body: "{}" })],
    ["logs", (fixture, headers) => fixture.fetch("PUT", "/2020-08-15/logs", { headers, body: "{}" })],
  ];

  describe.each(calls)("of %s", (_what, call) => {
    test("must be there", async () => {
      const fixture = await ExtensionFixture.withExtension("Registered");
      expect(await all(await call(fixture, {}))).toEqual(missing);
      expect(await all(await call(fixture, { "Lambda-Extension-Identifier": "" }))).toEqual(missing);
    });

    test.each([
      "x",
      "undefined",
      `${unknownId}0`,
      unknownId.slice(1),
      unknownId.replace("f", "g"),
      unknownId.replaceAll("-", "_"),
      unknownId.replaceAll("-", "").slice(1),
      unknownId.replaceAll("-", "").replace("f", "g"),
      `{{${unknownId}}}`,
      `urn:uiud:${unknownId}`,
      `urn:uuid:${unknownId.replaceAll("-", "")}`,
      unknownId.replace("-", "").replace("9", "9-"),
    ])("%s is none", async (id) => {
      const fixture = await ExtensionFixture.withExtension("Registered");
      expect(await all(await call(fixture, { "Lambda-Extension-Identifier": id }))).toEqual(invalid);
      expect(fixture.extension.state).toBe("Registered");
    });
  });

  test("of an extension that has not registered is nobody's", async () => {
    const fixture = expecting();
    expect(await all(await fixture.ask(fixture.id))).toEqual(
      refusal("Extension.UnknownExtensionIdentifier", `Unknown extension ${fixture.id}`),
    );
  });
});

describe.each(["init", "exit"] as const)("a report of an %s error", (call) => {
  const noType = refusal("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found");
  const unknown = refusal("Extension.UnknownExtensionIdentifier", "Unknown Lambda-Extension-Identifier");
  const invalid = refusal("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier");

  const steps: [what: string, id: string, type: string | null, reply: ReturnType<typeof refusal>][] = [
    ["an identifier that is one", "x", null, invalid],
    ["a type", unknownId, null, noType],
    ["a type that is not empty", unknownId, "", noType],
    ["an identifier somebody has", unknownId, "Fatal.Why", unknown],
  ];

  test.each(steps)("needs, in this order: %s", async (_what, id, type, expected) => {
    const fixture = await ExtensionFixture.withExtension("Registered");
    expect(await all(await fixture.report(call, id, type))).toEqual(expected);
  });

  test("needs a type before it is told that its state forbids it", async () => {
    const fixture = await ExtensionFixture.withExtension("Exited");
    expect(await all(await fixture.report(call, fixture.id, null))).toEqual(noType);
  });

  test.each(["Fatal.Why", "Runtime.Unknown", "x", "a b <&> c", "y".repeat(1000)])(
    "has any type, kept as it is: %.20s",
    async (type) => {
      const fixture = await ExtensionFixture.withExtension("Registered");
      expect(await all(await fixture.report(call, fixture.id, type))).toEqual(taken);
      expect(fixture.extension.toReport()).toMatchObject({
        state: call === "init" ? "InitError" : "ExitError",
        errorType: type,
      });
    },
  );

  test.each(["", "not JSON", '{"errorMessage":1}', "x".repeat(100_000)])("has any body: %.20j", async (body) => {
    const fixture = await ExtensionFixture.withExtension("Registered");
    expect(await all(await fixture.report(call, fixture.id, "Fatal.Why", body))).toEqual(taken);
  });
});

describe("an event", () => {
  async function given(event: ReturnType<typeof invokeEvent>) {
    const fixture = await ExtensionFixture.withExtension("Registered");
    const asked = fixture.ask();
    fixture.extension.dispatch(event);
    return await all(await asked);
  }

  const json = { "content-type": "application/json", "lambda-extension-event-identifier": expect.stringMatching(uuid) };

  test("of an invocation tells its facts, in their order, and is identified", async () => {
    const reply = await given(
      invokeEvent({
        requestId: "q1",
        invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:fn",
        traceId: "Root=1-a;Parent=b;Sampled=1",
      }),
    );
    expect(reply).toEqual({
      status: 200,
      body:
        '{"eventType":"INVOKE","deadlineMs":1795406282147,"requestId":"q1",' +
        '"invokedFunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:fn",' +
        '"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-a;Parent=b;Sampled=1"}}',
      headers: json,
    });
  });

  test("of an invocation without a trace has no tracing", async () => {
    expect(await given(invokeEvent({ requestId: "q1", invokedFunctionArn: "arn" }))).toEqual({
      status: 200,
      body: '{"eventType":"INVOKE","deadlineMs":1795406282147,"requestId":"q1","invokedFunctionArn":"arn"}',
      headers: json,
    });
  });

  test("of an invocation has the characters escaped that HTML knows", async () => {
    const { body } = await given(invokeEvent({ requestId: "<q>&", invokedFunctionArn: "\u2028", traceId: "\u2029é" }));
    expect(body).toBe(
      '{"eventType":"INVOKE","deadlineMs":1795406282147,"requestId":"\\u003cq\\u003e\\u0026",' +
        '"invokedFunctionArn":"\\u2028","tracing":{"type":"X-Amzn-Trace-Id","value":"\\u2029é"}}',
    );
  });

  test("of an invocation is identified anew for each extension and each time", async () => {
    const ids = await Promise.all(
      [1, 2].map(async () => (await given(invokeEvent())).headers["lambda-extension-event-identifier"]),
    );
    expect(new Set(ids).size).toBe(2);
  });

  test.each(["timeout", "failure", "spindown"] as const)(
    "of a shutdown for %s is text, and unidentified",
    async (reason) => {
      expect(await given({ ...shutdownEvent, kind: "shutdown", deadlineMs: 1_795_406_371_250, reason })).toEqual({
        status: 200,
        body: `{"eventType":"SHUTDOWN","deadlineMs":1795406371250,"shutdownReason":"${reason}"}`,
        headers: { "content-type": "text/plain; charset=utf-8" },
      });
    },
  );
});

const routes: [path: string, method: string][] = [
  ["/2020-01-01/extension/register", "POST"],
  ["/2020-01-01/extension/event/next", "GET"],
  ["/2020-01-01/extension/init/error", "POST"],
  ["/2020-01-01/extension/exit/error", "POST"],
  ["/2022-07-01/telemetry", "PUT"],
  ["/2020-08-15/logs", "PUT"],
];
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

describe("another method", () => {
  const cases = routes.flatMap(([path, right]) =>
    methods.filter((method) => method !== right).map((method) => [method, path] as const),
  );

  test.each(cases)("%s %s is not allowed, and changes nothing", async (method, path) => {
    const fixture = await ExtensionFixture.withExtension("Registered");
    const headers = {
      "Lambda-Extension-Identifier": fixture.id,
      "Lambda-Extension-Name": "inside",
      "Lambda-Extension-Function-Error-Type": "Fatal.Why",
    };
    expect(await all(await fixture.fetch(method, path, { headers }))).toEqual({ status: 405, body: "", headers: {} });
    expect(fixture.extension.state).toBe("Registered");
    expect(fixture.host.extensions.all).toHaveLength(1);
  });
});

describe("a path that is not there", () => {
  const paths = [
    "/2020-01-01",
    "/2020-01-01/",
    "/2020-01-01/extension",
    "/2020-01-01/extension/register/",
    "/2020-01-01//extension/register",
    "/2020-01-01/extension/event",
    "/2020-01-01/extension/event/next/",
    "/2020-01-01/extension/event/n%65xt",
    "/2020-01-01/extension/restore/error",
    "/2020-01-02/extension/register",
    "/2022-07-01",
    "/2022-07-01/telemetry/",
    "/2020-08-15/logs/",
    "/2020-08-15/telemetry",
  ];

  test.each(paths)("%s is told in plain text", async (path) => {
    const fixture = await ExtensionFixture.withExtension("Registered");
    for (const method of ["GET", "POST", "PUT"]) {
      expect(await all(await fixture.fetch(method, path))).toEqual({
        status: 404,
        body: "404 page not found\n",
        headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
      });
    }
  });
});

describe("without extensions", () => {
  const { host } = new Fixture();
  const app = createRuntimeApi({ ...apiOptions(), host, areExtensionsEnabled: false });
  const fetch = async (method: string, path: string, init: RequestInit = {}) =>
    all(await app.fetch(new Request(`http://127.0.0.1:9001${path}`, { method, ...init })));

  const paths = [
    ...routes.map(([path]) => path),
    "/2020-01-01/x",
    "/2020-01-01/extension/register/",
    "/2022-07-01/x/y",
    "/2020-08-15/telemetry",
  ];

  test.each(paths)("%s does not exist, and has an empty body, whatever the method", async (path) => {
    for (const method of methods) {
      const body = ["GET", "HEAD"].includes(method) ? null : bothEvents;
      const headers = { "Lambda-Extension-Name": "inside" };
      expect(await fetch(method, path, { headers, body })).toEqual({ status: 404, body: "", headers: {} });
    }
    expect(host.extensions.all).toEqual([]);
  });

  test("the Runtime API is what it was", async () => {
    expect(await fetch("GET", "/2018-06-01/ping")).toMatchObject({ status: 200, body: "pong" });
    expect(await fetch("GET", "/2018-06-02/ping")).toMatchObject({ status: 404, body: "404 page not found\n" });
  });
});
