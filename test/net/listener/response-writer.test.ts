import { describe, expect, test } from "bun:test";
import { PlainResponse } from "../../../src/net/listener/plain-response.ts";
import { withTrailers } from "../../../src/net/listener/response-trailers.ts";
import { Fixture, get, host, turns } from "./support.ts";

async function answerTo(request: string, response: Response): Promise<string> {
  const fixture = new Fixture(() => response);
  fixture.receive(request);
  return await fixture.sent();
}

describe("an answer whose body is at hand", () => {
  test("keeps the spelling of its headers", async () => {
    const response = new PlainResponse("{}", {
      status: 202,
      headers: { "Lambda-Runtime-Aws-Request-Id": "a", "x-y": "z" },
    });
    expect(await answerTo(get("/"), response)).toBe(
      "HTTP/1.1 202 Accepted\r\nLambda-Runtime-Aws-Request-Id: a\r\nx-y: z\r\nContent-Length: 2\r\n\r\n{}",
    );
  });

  test.each([10, 100_000])("of %d characters of several bytes has its length in bytes", async (length) => {
    const body = "\u00fc".repeat(length);
    const text = await answerTo(get("/"), new PlainResponse(body));
    expect(text).toBe(
      `HTTP/1.1 200 OK\r\nContent-Length: ${2 * length}\r\n\r\n${Buffer.from(body).toString("latin1")}`,
    );
  });

  test("goes out byte for byte, beside a header of other than ASCII too", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    const value = Buffer.from("\u00fc").toString("latin1");
    const text = await answerTo(get("/"), new PlainResponse(bytes, { headers: { A: value } }));
    expect(text).toBe(
      `HTTP/1.1 200 OK\r\nA: ${value}\r\nContent-Length: 256\r\n\r\n${Buffer.from(bytes).toString("latin1")}`,
    );
  });

  test.each([
    [405, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"],
    [204, "HTTP/1.1 204 No Content\r\n\r\n"],
  ])("of status %d without a body", async (status, text) => {
    expect(await answerTo(get("/"), new PlainResponse(null, { status }))).toBe(text);
  });

  test("to HEAD has its length and no body", async () => {
    expect(await answerTo(`HEAD / HTTP/1.1\r\n${host}\r\n`, new PlainResponse("pong"))).toBe(
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
    );
  });

  test("has the date", async () => {
    const fixture = new Fixture(() => new PlainResponse(""));
    fixture.receive(get("/"));
    await turns();
    expect(fixture.socket.sent).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
  });
});

describe("any other answer is a stream", () => {
  const parts = (...texts: string[]) =>
    new ReadableStream({
      start(controller) {
        for (const text of texts) controller.enqueue(Buffer.from(text));
        controller.close();
      },
    });

  test.each([
    [200, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    [204, "HTTP/1.1 204 No Content\r\n\r\n"],
  ])("or, of status %d, nothing", async (status, text) => {
    expect(await answerTo(get("/"), new Response(null, { status }))).toBe(text);
  });

  test("with trailers behind it", async () => {
    const response = withTrailers(new Response(parts("a")), ["X-T"], Promise.resolve({ "X-T": "1" }));
    const text = await answerTo(get("/"), response);
    expect(text).toContain("Trailer: X-T\r\n");
    expect(text).toEndWith("1\r\na\r\n0\r\nX-T: 1\r\n\r\n");
  });

  test("in chunks, each sent when it is there", async () => {
    let push: (text: string) => void = () => {};
    let end = () => {};
    const body = new ReadableStream({
      start(controller) {
        push = (text) => controller.enqueue(Buffer.from(text));
        end = () => controller.close();
      },
    });
    const fixture = new Fixture(() => new Response(body, { headers: { "content-type": "a/b" } }));
    fixture.receive(get("/"));
    expect(await fixture.sent()).toBe("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: a/b\r\n\r\n");
    push("first");
    expect(await fixture.sent()).toBe("5\r\nfirst\r\n");
    push("x".repeat(20));
    end();
    expect(await fixture.sent()).toBe(`14\r\n${"x".repeat(20)}\r\n0\r\n\r\n`);
  });

  test("up to the end of the connection for HTTP/1.0", async () => {
    expect(await answerTo("GET / HTTP/1.0\r\n\r\n", new Response(parts("a", "b")))).toBe(
      "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nab",
    );
  });

  test("up to the end of the connection although a client of HTTP/1.0 wants to keep that", async () => {
    const request = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    expect(await answerTo(request, new Response(parts("a", "b")))).toBe(
      "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nab",
    );
  });

  test("with each of its cookies", async () => {
    const headers: [string, string][] = [
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
    ];
    expect(await answerTo(get("/"), new Response(null, { headers }))).toBe(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
    );
  });

  test("with the length it announces", async () => {
    const response = new Response(parts("a", "b"), { headers: { "Content-Length": "2" } });
    expect(await answerTo(get("/"), response)).toBe("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
  });

  test("of unknown length to HEAD", async () => {
    expect(await answerTo(`HEAD / HTTP/1.1\r\n${host}\r\n`, new Response(null, { status: 404 }))).toBe(
      "HTTP/1.1 404 Not Found\r\n\r\n",
    );
  });

  test("or nothing, where it has no body", async () => {
    expect(await answerTo(get("/"), new Response(null))).toBe("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });

  test("that breaks off is cut off: nobody may take it for a whole one", async () => {
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error("broken"));
      },
    });
    const fixture = new Fixture(() => new Response(body));
    fixture.receive(get("/"));
    expect(await fixture.sent()).not.toContain("0\r\n\r\n");
    expect(fixture.socket.isTerminated).toBe(true);
  });

  test("that is read only as fast as the client takes it", async () => {
    let pulled = 0;
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled++;
          controller.enqueue(Buffer.from("x".repeat(1000)));
        },
      },
      { highWaterMark: 0 },
    );
    const fixture = new Fixture(() => new Response(body));
    fixture.socket.room = 2500;
    fixture.receive(get("/"));
    await fixture.sent();
    expect(pulled).toBe(3);
  });
});
