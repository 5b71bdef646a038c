import { afterEach, describe, expect, test } from "bun:test";
import { freePort } from "../support/free-port.ts";
import { talk } from "../support/talk.ts";
import { type Emulator, scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";
import { Gate } from "./support/gate.ts";

afterEach(stopEmulators);

interface UrlEvent {
  readonly [key: string]: unknown;
  readonly headers: Record<string, string>;
}

/** An emulator with a Function URL, whose function does as the body of a request says. */
async function startUrl(...flags: string[]): Promise<{ emulator: Emulator; port: number; url: string }> {
  const port = freePort();
  const emulator = await startEmulator(scriptedRuntime, {
    flags: ["--function-url", String(port), ...flags],
    // Long enough for the start inside a call that follows a failed one.
    env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5", SCRIPT_FROM: "body" },
  });
  return { emulator, port, url: `http://127.0.0.1:${port}` };
}

const postOf = (script: unknown) => {
  const body = JSON.stringify(script);
  return `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};
const json = { "Content-Type": "application/json" };
const post = (url: string, script: unknown) =>
  fetch(url, { method: "POST", headers: json, body: JSON.stringify(script) });
const result = (value: unknown) => ({ respond: JSON.stringify(value) });

describe("a Function URL", () => {
  test("T47: gives the function the request as AWS does", async () => {
    const { port } = await startUrl();
    const request =
      "GET /a%20b?x=1&x=2&y HTTP/1.1\r\nHost: abc.localhost\r\nCookie: a=1\r\nCookie: b=2\r\nX-A: 1\r\nX-A: 2\r\n\r\n";
    const { text } = await talk(port, request, (all) => all.includes("isBase64Encoded"));
    const told = JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4));
    const event = told.event as UrlEvent;
    expect(event).toMatchObject({
      rawPath: "/a%20b",
      rawQueryString: "x=1&x=2&y",
      queryStringParameters: { x: "1,2", y: "" },
      cookies: ["a=1", "b=2"],
      isBase64Encoded: false,
    });
    expect([event.headers.cookie, event.headers["x-a"], "body" in event]).toEqual(["a=1; b=2", "1,2", false]);
  });

  test("T50, T51: makes an answer of what the function returns", async () => {
    const { url } = await startUrl();
    const proxy = {
      statusCode: 201,
      headers: { "x-a": "1" },
      cookies: ["a=1", "b=2"],
      body: "aGk=",
      isBase64Encoded: true,
    };
    const answer = await post(url, result(proxy));
    expect([answer.status, answer.headers.get("x-a"), await answer.text()]).toEqual([201, "1", "hi"]);
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    for (const [value, text] of [
      [{ hello: "world" }, '{"hello":"world"}'],
      ["hello", "hello"],
      [["hello", 3, true], '["hello",3,true]'],
      [3.1, "3.1"],
      [true, "true"],
    ]) {
      const plain = await post(url, result(value));
      expect([plain.status, plain.headers.get("content-type"), await plain.text()]).toEqual([
        200,
        "application/json",
        text as string,
      ]);
    }
  });

  test("T52: tells nobody why a function failed", async () => {
    const { url } = await startUrl();
    for (const script of [{ error: '{"errorMessage":"secret"}' }, { hang: true }, { exit: 1 }]) {
      const answer = await post(url, script);
      expect([answer.status, await answer.text()]).toEqual([502, "Internal Server Error"]);
    }
    expect((await post(url, result("well"))).status).toBe(200);
  });

  test("T48: answers preflights as its CORS says", async () => {
    const cors = JSON.stringify({ AllowOrigins: ["https://a.example"], AllowMethods: ["GET"], MaxAge: 300 });
    const { emulator, url } = await startUrl("--function-url-cors", cors);
    const headers = { Origin: "https://a.example" };
    const preflight = await fetch(url, { method: "OPTIONS", headers });
    expect([preflight.status, preflight.headers.get("access-control-max-age")]).toEqual([200, "300"]);
    expect(emulator.stdout).toBe("");
    const answer = await fetch(url, { headers });
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://a.example");
  });
});

describe("a Function URL that streams", () => {
  const contentType = "application/vnd.awslambda.http-integration-response";
  const prelude = '{"statusCode":201,"headers":{"content-type":"text/plain"},"cookies":["a=b"]}';

  test("T53: has its head from a prelude in pieces, and passes the rest on as it comes", async () => {
    const { url } = await startUrl("--function-url-mode", "RESPONSE_STREAM", "--timeout", "30");
    const gate = new Gate();
    const head = [prelude.slice(0, 20), `${prelude.slice(20)}\0\0\0`, "\0\0\0\0\0one "];
    const parts = [...head, { until: gate.path }, "two"];
    const answer = await post(url, { stream: { parts, everyMs: 500, contentType } });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([201, "text/plain"]);
    expect(answer.headers.getSetCookie()).toEqual(["a=b"]);
    const pieces: string[] = [];
    for await (const bytes of answer.body as ReadableStream<Uint8Array>) {
      // What is sent next comes alone.
      if (pieces.push(new TextDecoder().decode(bytes)) === 1) await gate.open();
    }
    expect(pieces).toEqual(["one ", "two"]);
  });

  test("T54: shows a buffered response raw", async () => {
    const { url } = await startUrl("--function-url-mode", "RESPONSE_STREAM");
    const answer = await post(url, result({ statusCode: 201 }));
    expect([answer.status, await answer.text()]).toEqual([200, '{"statusCode":201}']);
  });

  test("T55: is cut off where the runtime dies behind the head, and serves the next request", async () => {
    const { port, url } = await startUrl("--function-url-mode", "RESPONSE_STREAM");
    const gate = new Gate();
    const parts = [`${prelude}${"\0".repeat(8)}half`, { until: gate.path }];
    const script = { stream: { parts, contentType, end: "kill" } };
    let opened: Promise<void> | undefined;
    const { text, isClosed } = await talk(port, postOf(script), (all) => {
      if (all.includes("half")) opened ??= gate.open();
      return all.endsWith("0\r\n\r\n");
    });
    await opened;
    expect([text.includes("HTTP/1.1 201"), text.includes("half"), isClosed]).toEqual([true, true, true]);
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
    expect((await post(url, result("well"))).status).toBe(200);
  });
});
