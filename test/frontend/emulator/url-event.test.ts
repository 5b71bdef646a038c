import { describe, expect, test } from "bun:test";
import { toUrlEvent, type UrlEventFacts } from "../../../src/frontend/emulator/url-event.ts";
import { bytes } from "./world.ts";

const facts: UrlEventFacts = {
  requestId: "id",
  traceId: "Root=1-2-3",
  method: "GET",
  body: bytes(""),
  at: Date.UTC(2020, 2, 12, 19, 3, 58, 123),
  port: 9010,
};

interface UrlEvent {
  readonly [key: string]: unknown;
  readonly headers: Record<string, string>;
}

function eventOf(target: string, fields: [string, string][], more: Partial<UrlEventFacts> = {}): UrlEvent {
  const raw = { target, fields, peerAddress: "10.0.0.7" };
  // As the function reads it.
  return JSON.parse(JSON.stringify(toUrlEvent(raw, { ...facts, ...more }))) as UrlEvent;
}

describe("the event of a Function URL", () => {
  test("T47: has path, query, cookies and headers as AWS gives them", () => {
    const event = eventOf("/a%20b?x=1&x=2&y", [
      ["Host", "abc.lambda.localhost:9010"],
      ["Cookie", "a=1; b=2"],
      ["X-A", "1"],
      ["X-A", "2"],
      ["User-Agent", "curl/8"],
      ["Connection", "keep-alive"],
    ]);
    expect(event).toEqual({
      version: "2.0",
      routeKey: "$default",
      rawPath: "/a%20b",
      rawQueryString: "x=1&x=2&y",
      cookies: ["a=1", "b=2"],
      headers: {
        host: "abc.lambda.localhost:9010",
        cookie: "a=1; b=2",
        "x-a": "1,2",
        "user-agent": "curl/8",
        "x-forwarded-for": "10.0.0.7",
        "x-forwarded-port": "9010",
        "x-forwarded-proto": "http",
        "x-amzn-trace-id": "Root=1-2-3",
        "x-amzn-tls-version": "TLSv1.3",
        "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
      },
      queryStringParameters: { x: "1,2", y: "" },
      requestContext: {
        accountId: "anonymous",
        apiId: "abc",
        domainName: "abc.lambda.localhost",
        domainPrefix: "abc",
        http: { method: "GET", path: "/a%20b", protocol: "HTTP/1.1", sourceIp: "10.0.0.7", userAgent: "curl/8" },
        requestId: "id",
        routeKey: "$default",
        stage: "$default",
        time: "12/Mar/2020:19:03:58 +0000",
        timeEpoch: facts.at,
      },
      isBase64Encoded: false,
    });
  });

  test("has neither cookies, nor parameters, nor a body, where there are none", () => {
    const event = eventOf("/", [["Host", "localhost"]]);
    expect(Object.keys(event)).not.toContain("cookies");
    expect(Object.keys(event)).not.toContain("queryStringParameters");
    expect(Object.keys(event)).not.toContain("body");
    expect(event).toMatchObject({ rawPath: "/", rawQueryString: "" });
  });

  test("takes two Cookie lines for one, and names that JavaScript knows for names", () => {
    const event = eventOf("/?__proto__=p&constructor=c", [
      ["Cookie", "a=1"],
      ["cookie", "b=2;c=3"],
      ["__proto__", "h"],
    ]);
    expect(event).toMatchObject({ cookies: ["a=1", "b=2", "c=3"] });
    expect(event.headers.cookie).toBe("a=1; b=2;c=3");
    const parameters = event.queryStringParameters as Record<string, string>;
    expect(Object.entries(parameters)).toEqual([
      ["__proto__", "p"],
      ["constructor", "c"],
    ]);
    expect(Object.hasOwn(event.headers, "__proto__")).toBe(true);
  });

  test.each([
    ["http://host/x?y=1", "/x", "y=1"],
    ["http://host", "/", ""],
    ["/%2e%2e/a//b?", "/%2e%2e/a//b", ""],
    ["/pa2%Fth/1", "/pa2%Fth/1", ""],
  ])("has the path of %s as it was sent", (target, rawPath, rawQueryString) => {
    expect(eventOf(target, [])).toMatchObject({ rawPath, rawQueryString });
  });

  test.each([
    ["application/x-www-form-urlencoded", "a=1", true],
    ["application/json", '{"a":1}', false],
    ["application/json; charset=utf-8", '{"a":1}', false],
    ["", "a=1", true],
    ["text/plain; charset=utf-8", "é", false],
    ["TEXT/HTML", "x", false],
    ["application/xml", "<a/>", false],
    ["image/png", "\x89PNG", true],
    ["application/octet-stream", "x", true],
    ["multipart/form-data; boundary=x", "x", true],
  ])("T49: has a body of type %j as text, or else in base64", (type, text, isBase64Encoded) => {
    const fields: [string, string][] = type === "" ? [] : [["Content-Type", type]];
    const event = eventOf("/", fields, { method: "POST", body: bytes(text) });
    const body = isBase64Encoded ? Buffer.from(text).toString("base64") : text;
    expect(event).toMatchObject({ body, isBase64Encoded });
  });

  test("has bytes that are no text in base64, whatever their type says", () => {
    const event = eventOf("/", [["Content-Type", "text/plain"]], { body: new Uint8Array([0xff, 0x00]) });
    expect(event).toMatchObject({ body: "/wA=", isBase64Encoded: true });
  });
});
