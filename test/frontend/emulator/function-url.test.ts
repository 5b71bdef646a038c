import { describe, expect, test } from "bun:test";
import type { Outcome } from "../../../src/environment/invocation.ts";
import { FunctionUrl } from "../../../src/frontend/emulator/function-url.ts";
import { httpIntegrationType } from "../../../src/frontend/emulator/http-prelude.ts";
import type { FunctionUrlCors } from "../../../src/frontend/emulator/url-cors.ts";
import type { InvokeMode } from "../../../src/frontend/emulator/url-response.ts";
import { bytes, crash, handlerError, response, silence, timeout, World } from "./world.ts";

interface Asked {
  readonly mode?: InvokeMode;
  readonly cors?: FunctionUrlCors;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** One request to a URL whose function comes to `outcome`. */
async function ask(outcome: Outcome, asked: Asked = {}) {
  const world = new World({ outcome: () => outcome });
  const url = new FunctionUrl({
    invoker: world.invoker,
    clock: world.clock,
    mode: asked.mode ?? "BUFFERED",
    cors: asked.cors,
    functionArn: "arn:aws:lambda:us-east-1:012345678912:function:fn",
    port: 9010,
  });
  const { method = "GET", headers = {}, body } = asked;
  const request = new Request("http://localhost:9010/p?q=1", { method, headers, ...(body ? { body } : {}) });
  const fields = Object.entries({ Host: "localhost:9010", ...headers });
  const answer = await url.fetch(request, { target: "/p?q=1", fields, peerAddress: "127.0.0.1" });
  return { world, answer };
}

const asStream = { mode: "RESPONSE_STREAM" } as const;
const nuls = "\0".repeat(8);

function streamed(contentType: string, parts: string[], end?: { errorType: string; errorBody: string }): Outcome {
  return {
    kind: "stream",
    contentType,
    body: new ReadableStream<Uint8Array>({
      start(controller) {
        for (const part of parts) controller.enqueue(bytes(part));
        controller.close();
      },
    }),
    ended: Promise.resolve(end),
  };
}

describe("a buffered URL", () => {
  test("T50: makes the answer of statusCode, headers, cookies and body", async () => {
    const { answer, world } = await ask(
      response(
        '{"statusCode":201,"headers":{"x-a":"1","n":2,"Connection":"close"},"cookies":["a=1","b=2"],"body":"aGk=","isBase64Encoded":true}',
      ),
    );
    expect([answer.status, await answer.text()]).toEqual([201, "hi"]);
    expect([answer.headers.get("x-a"), answer.headers.get("n"), answer.headers.get("connection")]).toEqual([
      "1",
      "2",
      null,
    ]);
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(world.requests[0]?.payload ?? "")).toMatchObject({ rawPath: "/p", rawQueryString: "q=1" });
    expect(world.requests[0]).toMatchObject({ takesStream: false });
  });

  test.each([
    ['{"hello": "world"}', '{"hello":"world"}'],
    ['"hello"', "hello"],
    ['["hello", 3, true]', '["hello",3,true]'],
    ["3.1", "3.1"],
    ["true", "true"],
    ["null", "null"],
    ["no JSON", "no JSON"],
  ])("T51: shows %s as it is", async (result, body) => {
    const { answer } = await ask(response(result));
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      200,
      "application/json",
      body,
    ]);
  });

  test.each([
    ["a handler's error", handlerError('{"errorMessage":"secret"}')],
    ["a timeout", timeout],
    ["a crash", crash],
    ["a status that is none", response('{"statusCode":"no"}')],
    ["a status out of range", response('{"statusCode":99}')],
    ["a header that cannot be sent", response('{"statusCode":200,"headers":{"a\\nb":"1"}}')],
    ["a cookie that is no text", response('{"statusCode":200,"cookies":[1]}')],
    ["a body that is no base64", response('{"statusCode":200,"body":"%%","isBase64Encoded":true}')],
  ] as [string, Outcome][])("T52: answers %s with 502, and nothing more", async (_, outcome) => {
    const warned = silence("warn");
    const { answer } = await ask(outcome);
    expect([answer.status, await answer.text()]).toEqual([502, "Internal Server Error"]);
    warned.mockRestore();
  });

  test("reads a response with a prelude all the same", async () => {
    const { answer } = await ask(response(`{"statusCode":418}${nuls}tea`, httpIntegrationType));
    expect([answer.status, await answer.text()]).toEqual([418, "tea"]);
  });

  test("sends no body where the status has none", async () => {
    const { answer } = await ask(response('{"statusCode":204,"body":"x"}'));
    expect([answer.status, answer.body]).toEqual([204, null]);
  });

  test("refuses a body that is too large for an event, also in base64", async () => {
    const { answer, world } = await ask(response("1"), { method: "POST", body: "x".repeat(5_000_000) });
    expect([answer.status, world.invocations.length]).toEqual([413, 0]);
  });
});

describe("a streaming URL", () => {
  const prelude = '{"statusCode":201,"headers":{"content-type":"text/plain"},"cookies":["a=b"],"other":1}';

  test("T53: takes the head from a prelude that comes in pieces", async () => {
    const whole = `${prelude}${nuls}body`;
    for (let at = 1; at < whole.length; at += 3) {
      const parts = [whole.slice(0, at), whole.slice(at, at + 5), whole.slice(at + 5)].filter((part) => part !== "");
      const { answer } = await ask(streamed(httpIntegrationType, parts), asStream);
      expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
        201,
        "text/plain",
        "body",
      ]);
      expect(answer.headers.getSetCookie()).toEqual(["a=b"]);
    }
  });

  test("passes parts on as they are sent", async () => {
    const { answer } = await ask(streamed("", ["a", "b"]), asStream);
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      200,
      "application/octet-stream",
      "ab",
    ]);
  });

  test("T54: shows a buffered response raw", async () => {
    const { answer, world } = await ask(response('{"statusCode":201}'), asStream);
    expect([answer.status, await answer.text()]).toEqual([200, '{"statusCode":201}']);
    expect(world.requests[0]).toMatchObject({ takesStream: true });
  });

  test("T55: breaks off where the response did, once the head is out", async () => {
    const end = { errorType: "Runtime.ExitError", errorBody: "{}" };
    const { answer } = await ask(streamed(httpIntegrationType, [`${prelude}${nuls}half`], end), asStream);
    expect(answer.status).toBe(201);
    expect(answer.text()).rejects.toThrow("broke off");
  });

  test.each([
    ["has nothing in it", [], 200, ""],
    ["has no JSON in front", [`no${nuls}`], 502, "Internal Server Error"],
    ["ends within its prelude", ['{"statusCode":200'], 502, "Internal Server Error"],
    ["has a prelude without end", ["x".repeat(1024 * 1024 + 1)], 502, "Internal Server Error"],
  ] as [string, string[], number, string][])("that %s", async (_, parts, status, body) => {
    const warned = silence("warn");
    const { answer } = await ask(streamed(httpIntegrationType, parts), asStream);
    expect([answer.status, await answer.text()]).toEqual([status, body]);
    warned.mockRestore();
  });

  test("that dies before its head answers 502", async () => {
    const end = { errorType: "Runtime.ExitError", errorBody: "{}" };
    expect((await ask(streamed(httpIntegrationType, [], end), asStream)).answer.status).toBe(502);
    expect((await ask(crash, asStream)).answer.status).toBe(502);
  });
});

describe("CORS of a URL", () => {
  const cors: FunctionUrlCors = {
    AllowOrigins: ["https://a.example"],
    AllowMethods: ["GET", "POST"],
    AllowHeaders: ["x-a"],
    ExposeHeaders: ["x-b"],
    AllowCredentials: true,
    MaxAge: 300,
  };
  const origin = { Origin: "https://a.example" };

  test("T48: a preflight is answered without the function", async () => {
    const { answer, world } = await ask(response("1"), { cors, method: "OPTIONS", headers: origin });
    expect(world.invocations).toHaveLength(0);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-origin": "https://a.example",
      "access-control-allow-methods": "GET,POST",
      "access-control-allow-headers": "x-a",
      "access-control-allow-credentials": "true",
      "access-control-max-age": "300",
    });
  });

  test("T48: an answer has the configured headers in the place of the function's own", async () => {
    const own = '{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*","access-control-max-age":"1"}}';
    const { answer } = await ask(response(own), { cors, headers: origin });
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://a.example");
    expect(answer.headers.get("access-control-expose-headers")).toBe("x-b");
    expect(answer.headers.has("access-control-max-age")).toBe(false);
  });

  test("an origin that is not allowed gets none of them", async () => {
    const other = { Origin: "https://b.example" };
    const preflight = await ask(response("1"), { cors, method: "OPTIONS", headers: other });
    expect([preflight.answer.headers.has("access-control-allow-origin"), preflight.world.invocations.length]).toEqual([
      false,
      0,
    ]);
    const { answer } = await ask(response("1"), { cors, headers: other });
    expect([answer.status, answer.headers.has("access-control-allow-origin")]).toEqual([200, false]);
  });

  test("any origin is told * only without credentials", async () => {
    const any = { ...cors, AllowOrigins: ["*"] };
    const withCredentials = await ask(response("1"), { cors: any, headers: origin });
    expect(withCredentials.answer.headers.get("access-control-allow-origin")).toBe("https://a.example");
    const without = await ask(response("1"), { cors: { ...any, AllowCredentials: false }, headers: origin });
    expect(without.answer.headers.get("access-control-allow-origin")).toBe("*");
  });

  test("not configured: OPTIONS reaches the function", async () => {
    const { world } = await ask(response("1"), { method: "OPTIONS", headers: origin });
    expect(world.invocations).toHaveLength(1);
  });
});
