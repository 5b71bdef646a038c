import { describe, expect, test } from "bun:test";
import type { InvokeRequest } from "../../../src/environment/invocation.ts";
import { createInvokeApi } from "../../../src/frontend/localstack/invoke-api.ts";

function post(body: string, isOpen = true) {
  const accepted: InvokeRequest[] = [];
  const app = createInvokeApi((request) => {
    if (isOpen) accepted.push(request);
    return isOpen;
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

test("an init that stops says so", async () => {
  const { reply } = post('{"invoke-id":"id","payload":"{}"}', false);
  expect((await reply).status).toBe(503);
  expect(await (await reply).json()).toMatchObject({ errorType: "ServiceUnavailable" });
});
