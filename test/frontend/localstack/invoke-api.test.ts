import { describe, expect, spyOn, test } from "bun:test";
import type { InvokeRequest } from "../../../src/environment/invocation.ts";
import { createInvokeApi } from "../../../src/frontend/localstack/invoke-api.ts";

function post(body: string | ReadableStream, isOpen = true) {
  const accepted: InvokeRequest[] = [];
  const app = createInvokeApi({
    maxPayloadBytes: 1000,
    accept(request) {
      if (isOpen) accepted.push(request);
      return isOpen;
    },
  });
  return { accepted, reply: Promise.resolve(app.fetch(new Request("http://init/invoke", { method: "POST", body }))) };
}

test("everything LocalStack may send is passed on", async () => {
  const { accepted, reply } = post(
    JSON.stringify({
      "invoke-id": "id",
      "invoked-function-arn": "arn",
      "trace-id": "Root=1",
      payload: '{"a":"ü"}',
      "client-context": Buffer.from('{"c":"ü"}').toString("base64"),
      "is-init-retry": true,
      "request-id": "ignored",
    }),
  );
  expect([(await reply).status, await (await reply).text()]).toEqual([200, "OK"]);
  expect(accepted).toEqual([
    {
      requestId: "id",
      invokedFunctionArn: "arn",
      traceId: "Root=1",
      payload: '{"a":"ü"}',
      clientContext: '{"c":"ü"}',
      cognitoIdentity: "",
      tenantId: "",
      takesStream: false,
      isInitRetry: true,
    },
  ]);
});

test("an id and a payload are enough; null is absent", async () => {
  const { accepted } = post('{"invoke-id":"id","payload":"","trace-id":null,"is-init-retry":null}');
  await Promise.resolve();
  await new Promise(setImmediate);
  expect(accepted[0]).toEqual({
    requestId: "id",
    invokedFunctionArn: "",
    traceId: "",
    payload: "",
    clientContext: "",
    cognitoIdentity: "",
    tenantId: "",
    takesStream: false,
    isInitRetry: false,
  });
});

describe("refused with 400 and a JSON error", () => {
  test.each([
    "",
    "{",
    "null",
    "[]",
    "1",
    "{}",
    '{"invoke-id":"id"}',
    '{"payload":"{}"}',
    '{"invoke-id":"","payload":"{}"}',
    '{"invoke-id":"a b","payload":"{}"}',
    '{"invoke-id":"a/b","payload":"{}"}',
    '{"invoke-id":"a%2f","payload":"{}"}',
    '{"invoke-id":".","payload":"{}"}',
    '{"invoke-id":"..","payload":"{}"}',
    '{"invoke-id":"a\\\\b","payload":"{}"}',
    '{"invoke-id":"a\\"b","payload":"{}"}',
    `{"invoke-id":"a'b","payload":"{}"}`,
    '{"invoke-id":"a\\u0000b","payload":"{}"}',
    '{"invoke-id":"a\\r\\nX: y","payload":"{}"}',
    '{"invoke-id":"ü","payload":"{}"}',
    '{"invoke-id":"a<b>","payload":"{}"}',
    `{"invoke-id":"${"a".repeat(129)}","payload":"{}"}`,
    '{"invoke-id":7,"payload":"{}"}',
    '{"invoke-id":"id","payload":{}}',
    '{"invoke-id":"id","payload":"{}","invoked-function-arn":1}',
    '{"invoke-id":"id","payload":"{}","client-context":"!"}',
    '{"invoke-id":"id","payload":"{}","is-init-retry":"true"}',
  ])("%s", async (body) => {
    const { accepted, reply } = post(body);
    expect((await reply).status).toBe(400);
    expect(await (await reply).json()).toMatchObject({ errorType: "InvalidRequestFormat" });
    expect(accepted).toEqual([]);
  });
});

test.each(["0", "a.b", "...", "8f1d2c3b-0000-4000-8000-123456789abc", "x:y@z+1=2~_", "a".repeat(128)])(
  "the id %s is taken",
  async (id) => {
    const { accepted, reply } = post(JSON.stringify({ "invoke-id": id, payload: "{}" }));
    expect((await reply).status).toBe(200);
    expect(accepted[0]?.requestId).toBe(id);
  },
);

describe("a body", () => {
  const bodyOf = (bytes: number) => JSON.stringify({ "invoke-id": "id", payload: "x".repeat(bytes) });
  const envelope = bodyOf(0).length;
  const limit = 3 * 1000 + 64 * 1024;

  test("of the largest size is taken", async () => {
    const { accepted, reply } = post(bodyOf(limit - envelope));
    expect((await reply).status).toBe(200);
    expect(accepted).toHaveLength(1);
  });

  test("of the largest event, written in ASCII, is taken", async () => {
    const payload = JSON.stringify("ü".repeat(499));
    const ascii = payload.replaceAll("ü", "\\u00fc").replaceAll('"', '\\"');
    const { accepted, reply } = post(`{"invoke-id":"id","payload":"${ascii}"}`);
    expect((await reply).status).toBe(200);
    expect(accepted[0]?.payload).toBe(payload);
  });

  test.each(["with", "without"])("above it is refused with 413, %s its length in the head", async (how) => {
    const text = bodyOf(limit - envelope + 1);
    const { accepted, reply } = post(how === "with" ? text : new Blob([text]).stream());
    expect((await reply).status).toBe(413);
    expect(await (await reply).json()).toMatchObject({ errorType: "RequestTooLarge" });
    expect(accepted).toEqual([]);
  });

  test("that the client breaks off runs nothing, and is no fault of init", async () => {
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"invoke-id":"id","pay'));
        controller.error(new DOMException("The connection was closed.", "AbortError"));
      },
    });
    const written = spyOn(process.stderr, "write").mockReturnValue(true);
    const { accepted, reply } = post(broken);
    expect((await reply).status).toBe(400);
    expect(accepted).toEqual([]);
    expect(written).not.toHaveBeenCalled();
    written.mockRestore();
  });
});

test("an init that stops says so", async () => {
  const { reply } = post('{"invoke-id":"id","payload":"{}"}', false);
  expect((await reply).status).toBe(503);
  expect(await (await reply).json()).toMatchObject({ errorType: "ServiceUnavailable" });
});
