import { describe, expect, test } from "bun:test";
import { trailersOf } from "../../../src/net/listener/incoming-request.ts";
import { PlainResponse } from "../../../src/net/listener/plain-response.ts";
import { echo, Fixture, get, host, ok, post } from "./support.ts";

const chunked = `POST /c HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n`;

describe("answers come in the order of the requests", () => {
  test("one after the other", async () => {
    const fixture = new Fixture(echo);
    fixture.receive(post("/a", "1"));
    expect(await fixture.sent()).toBe(ok("POST /a 1"));
    fixture.receive(get("/b"));
    expect(await fixture.sent()).toBe(ok("GET /b "));
  });

  test("behind a line break that ends a body, too", async () => {
    const fixture = new Fixture(echo);
    fixture.receive(`${post("/a", "1")}\r\n${get("/b")}`);
    expect(await fixture.sent()).toBe(ok("POST /a 1") + ok("GET /b "));
  });

  test("a request that came with one before it waits until that is answered", async () => {
    const first = Promise.withResolvers<Response>();
    const asked: string[] = [];
    const fixture = new Fixture((request) => {
      asked.push(request.url);
      return asked.length === 1 ? first.promise : echo(request);
    });
    fixture.receive(get("/a") + get("/b") + post("/c", "x").slice(0, -1));
    expect(await fixture.sent()).toBe("");
    expect(asked).toEqual(["http://init/a"]);
    first.resolve(new PlainResponse("late"));
    expect(await fixture.sent()).toBe(ok("late") + ok("GET /b "));
    fixture.receive("x");
    expect(await fixture.sent()).toBe(ok("POST /c x"));
  });

  test("one that waits behind a large answer gets its turn when that was read", async () => {
    const large = "b".repeat(2_000_000);
    const fixture = new Fixture((request) => (request.url.endsWith("/big") ? new PlainResponse(large) : echo(request)));
    fixture.socket.room = 100_000;
    fixture.receive(get("/big") + get("/b"));
    const beginning = await fixture.sent();
    fixture.socket.room = Number.POSITIVE_INFINITY;
    fixture.connection.drain();
    expect(beginning + (await fixture.sent())).toBe(ok(large) + ok("GET /b "));
  });

  test("a client that sends on and on while it waits has to wait with that", async () => {
    const first = Promise.withResolvers<Response>();
    const fixture = new Fixture((request) => (request.url.endsWith("/a") ? first.promise : echo(request)));
    fixture.receive(get("/a"));
    for (let count = 0; count < 5; count++) fixture.receive(post("/b", "x".repeat(20_000)));
    expect(fixture.socket.isPaused).toBe(true);
    first.resolve(new PlainResponse("late"));
    expect((await fixture.sent()).match(/POST \/b/g)?.length).toBe(5);
    expect(fixture.socket.isPaused).toBe(false);
  });
});

describe("a body", () => {
  test("may be ignored: the next request is answered all the same", async () => {
    const fixture = new Fixture(() => new PlainResponse("ignored"));
    fixture.receive(`${post("/a", "x".repeat(100_000)).slice(0, -50_000)}`);
    expect(await fixture.sent()).toBe(ok("ignored"));
    fixture.receive("x".repeat(50_000) + get("/b"));
    expect(await fixture.sent()).toBe(ok("ignored"));
  });

  test("that breaks off is told to whoever reads it", async () => {
    const fixture = new Fixture(async (request) => {
      const text = await request.text().catch((error: Error) => error.name);
      return new PlainResponse(text);
    });
    fixture.receive(post("/a", "1234").slice(0, -1));
    fixture.connection.halfClose();
    expect(await fixture.sent()).toBe(
      "HTTP/1.1 200 OK\r\nContent-Length: 18\r\nConnection: close\r\n\r\nTruncatedBodyError",
    );
    expect(fixture.socket.isShutDown).toBe(true);
  });

  test("that breaks off is no fault of a handler that does not expect it", async () => {
    const fixture = new Fixture(echo);
    fixture.receive(post("/a", "1234").slice(0, -1));
    fixture.connection.halfClose();
    expect(await fixture.sent()).toStartWith("HTTP/1.1 400 Bad Request\r\n");
  });

  test("whose chunks make no sense is told to whoever reads it, and nothing behind it is read", async () => {
    const fixture = new Fixture(async (request) => new PlainResponse(await request.text().catch(() => "broken")));
    fixture.receive(`${chunked}\r\nzz\r\n${get("/b")}`);
    fixture.receive(get("/c"));
    expect(await fixture.sent()).toBe("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nbroken");
    expect(fixture.socket.isShutDown).toBe(true);
  });

  test.each(["", "Trailer: T\r\n"])("may have trailers (%j), and the connection goes on", async (announced) => {
    const fixture = new Fixture(async (request) => {
      const body = await request.text();
      return new PlainResponse(`${body} ${trailersOf(request)?.get("T")}`);
    });
    fixture.receive(`${chunked}${announced}\r\n2\r\nhi\r\n0\r\nt: v\r\n\r\n${chunked}\r\n0\r\n\r\n`);
    expect(await fixture.sent()).toBe(ok("hi v") + ok(" null"));
  });

  test("that is streamed slows the client down to the pace of its reader", async () => {
    const read = Promise.withResolvers<void>();
    let size = 0;
    const fixture = new Fixture(async (request) => {
      await read.promise;
      for await (const piece of request.body ?? []) size += piece.length;
      return new PlainResponse(`${size}`);
    });
    fixture.receive(post("/a", "x".repeat(1_000_000)).slice(0, -700_000));
    expect(fixture.socket.isPaused).toBe(true);
    read.resolve();
    await fixture.sent();
    expect([size, fixture.socket.isPaused]).toEqual([300_000, false]);
    fixture.receive("x".repeat(700_000));
    expect(await fixture.sent()).toBe(ok("1000000"));
  });
});

describe("100 Continue", () => {
  const head = `POST /a HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`;

  test("is sent when the body is wanted", async () => {
    const fixture = new Fixture(echo);
    fixture.receive(head);
    expect(await fixture.sent()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    fixture.receive("hi");
    expect(await fixture.sent()).toBe(ok("POST /a hi"));
  });

  test("is not sent when it is not, and the connection is closed", async () => {
    const fixture = new Fixture(() => new PlainResponse("no", { status: 413 }));
    fixture.receive(head);
    expect(await fixture.sent()).toBe(
      "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
    );
    expect(fixture.socket.isShutDown).toBe(true);
  });
});

describe("a client that is gone", () => {
  test("is told to the handler of its request, whenever that asks", async () => {
    const signals: AbortSignal[] = [];
    const fixture = new Fixture((request) => {
      signals.push(request.signal);
      return new Promise(() => {});
    });
    fixture.receive(get("/next"));
    expect(signals[0]?.aborted).toBe(false);
    fixture.connection.close();
    expect(signals[0]?.aborted).toBe(true);

    let late: Request | undefined;
    const other = new Fixture((request) => {
      late = request;
      return new Promise(() => {});
    });
    other.receive(get("/next"));
    other.connection.close();
    expect(late?.signal.aborted).toBe(true);
  });

  test("and has closed only its half still gets what it asked for", async () => {
    const answer = Promise.withResolvers<Response>();
    const fixture = new Fixture(() => answer.promise);
    fixture.receive(get("/a"));
    fixture.connection.halfClose();
    answer.resolve(new PlainResponse("late"));
    expect(await fixture.sent()).toBe("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate");
    expect(fixture.socket.isShutDown).toBe(true);
  });

  test("and has closed its half behind several requests gets all answers", async () => {
    const fixture = new Fixture(echo);
    fixture.receive(get("/a") + post("/b", "1") + get("/c"));
    fixture.connection.halfClose();
    expect(await fixture.sent()).toBe(
      `${ok("GET /a ")}${ok("POST /b 1")}HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /c `,
    );
    expect(fixture.socket.isShutDown).toBe(true);
  });

  test("and has closed its half in the middle of the second request gets the answer to the first", async () => {
    const fixture = new Fixture(async (request) => new PlainResponse(await request.text().catch(() => "broken")));
    fixture.receive(post("/a", "1") + post("/b", "22").slice(0, -1));
    fixture.connection.halfClose();
    expect(await fixture.sent()).toBe(
      `${ok("1")}HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nbroken`,
    );
  });

  test("gets no stream either, if it left before that began", async () => {
    const answer = Promise.withResolvers<Response>();
    const cancelled = Promise.withResolvers<void>();
    const fixture = new Fixture(() => answer.promise);
    fixture.receive(get("/a"));
    fixture.connection.close();
    answer.resolve(new Response(new ReadableStream({ cancel: () => cancelled.resolve() })));
    await cancelled.promise;
  });

  test("gets no answer, and that harms nobody", async () => {
    const answer = Promise.withResolvers<Response>();
    const fixture = new Fixture(() => answer.promise);
    fixture.receive(get("/a"));
    fixture.connection.close();
    answer.resolve(new PlainResponse("late"));
    expect(await fixture.sent()).toBe("");
  });

  test("stops a stream it was being sent, even while nothing comes of that", async () => {
    const cancelled = Promise.withResolvers<void>();
    const fixture = new Fixture(() => new Response(new ReadableStream({ cancel: () => cancelled.resolve() })));
    fixture.receive(get("/events"));
    await fixture.sent();
    fixture.connection.close();
    await cancelled.promise;
  });
});

describe("a connection that cannot be written to is closed", () => {
  test("at the first try", async () => {
    const fixture = new Fixture(echo);
    fixture.socket.isBroken = true;
    fixture.receive(get("/a"));
    await fixture.sent();
    expect(fixture.socket.isTerminated).toBe(true);
  });

  test("when it turns out later", async () => {
    const fixture = new Fixture(echo);
    fixture.socket.room = 10;
    fixture.receive(get("/a"));
    await fixture.sent();
    expect(fixture.socket.isTerminated).toBe(false);
    fixture.socket.isBroken = true;
    fixture.connection.drain();
    expect(fixture.socket.isTerminated).toBe(true);
  });
});

describe("the connection ends", () => {
  test.each([
    ["with HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"],
    [
      "when the client asks for it",
      `GET /a HTTP/1.1\r\n${host}Connection: close\r\n\r\n${get("/b")}`,
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
    ],
    [
      "behind what is no request",
      `hello\r\n\r\n${get("/b")}`,
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n" +
        "Content-Length: 15\r\n\r\n400 Bad Request",
    ],
    [
      "behind a request without a host",
      "GET /a HTTP/1.1\r\n\r\n",
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n" +
        "Content-Length: 45\r\n\r\n400 Bad Request: missing required Host header",
    ],
  ])("%s", async (_, request, reply) => {
    const fixture = new Fixture(() => new PlainResponse("x"));
    fixture.receive(request);
    expect(await fixture.sent()).toBe(reply);
    expect([fixture.socket.isShutDown, fixture.socket.isTerminated]).toEqual([true, false]);
    // Whoever does not close its side too is left.
    await fixture.clock.advance(500);
    expect(fixture.socket.isTerminated).toBe(true);
  });

  test("of HTTP/1.0 stays open when the client asks for it", async () => {
    const fixture = new Fixture(() => new PlainResponse("x"));
    fixture.receive("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(await fixture.sent()).toBe("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx");
    expect(fixture.socket.isShutDown).toBe(false);
  });

  test("when the client closes its half between two requests", async () => {
    const fixture = new Fixture(echo);
    fixture.receive(get("/a"));
    await fixture.sent();
    fixture.connection.halfClose();
    expect(fixture.socket.isShutDown).toBe(true);
  });

  test("with all that was written before it, at the pace of the client", async () => {
    const fixture = new Fixture(() => new PlainResponse("x".repeat(100)));
    fixture.socket.room = 10;
    fixture.receive("GET /a HTTP/1.0\r\n\r\n");
    await fixture.sent();
    expect(fixture.socket.isShutDown).toBe(false);
    fixture.socket.room = 1000;
    fixture.connection.drain();
    expect(await fixture.sent()).toEndWith("x".repeat(100));
    expect(fixture.socket.isShutDown).toBe(true);
  });
});

describe("a fault of a handler", () => {
  test.each([
    ["thrown", () => Promise.reject(new Error("secret"))],
    [
      "thrown at once",
      () => {
        throw new Error("secret");
      },
    ],
  ])("%s is answered without details, and the connection goes on", async (_, handler) => {
    const fixture = new Fixture(handler);
    fixture.receive(get("/a"));
    expect(await fixture.sent()).toBe(
      "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\n" +
        "Content-Length: 25\r\n\r\n500 Internal Server Error",
    );
    expect(fixture.socket.isShutDown).toBe(false);
  });
});

test("it is idle as long as nobody waits for an answer", async () => {
  const answer = Promise.withResolvers<Response>();
  const fixture = new Fixture(() => answer.promise);
  const states = [fixture.connection.isIdle];
  fixture.receive("GET /a HT");
  states.push(fixture.connection.isIdle);
  fixture.receive(`TP/1.1\r\n${host}\r\n`);
  states.push(fixture.connection.isIdle);
  answer.resolve(new PlainResponse(""));
  await fixture.sent();
  states.push(fixture.connection.isIdle);
  expect(states).toEqual([true, false, false, true]);
});
