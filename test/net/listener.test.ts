import { describe, expect, test } from "bun:test";
import { ListenError, type Listener, listen, listenAsGo } from "../../src/net/listener.ts";
import { freePort } from "../support/free-port.ts";
import { waitUntil } from "../support/within.ts";

const localhost = "127.0.0.1";
const anyPort = { hostname: localhost, port: 0 };
const pong = () => new Response("pong");

function urlOf({ address }: Listener): string {
  return `http://${address.hostname}:${address.port}/`;
}

/** A server that would share its port with any other that would, too. */
function listenShared(port: number) {
  return Bun.serve({ hostname: localhost, port, reusePort: true, fetch: () => new Response("shared") });
}

describe.each([
  ["Bun's server", listen],
  ["the one that reads as Go's", listenAsGo],
])("%s", (_, listen) => {
  describe("a port has one owner", () => {
    const inUse = (port: number) =>
      new ListenError(
        `the server cannot listen on 127.0.0.1:${port}: it is in use. Free it, or choose another address (--help).`,
      );

    test("another process that is ready to share it cannot have it", async () => {
      await using listener = listen("the server", anyPort, pong);
      expect(() => listenShared(listener.address.port)).toThrow();
    });

    test("one that another process is ready to share is not taken, and named with what to do", async () => {
      const shared = listenShared(0);
      const port = shared.port ?? 0;
      expect(() => listen("the server", { hostname: localhost, port }, pong)).toThrow(inUse(port));
      await shared.stop(true);
    });

    test("two servers of ours do not share it", async () => {
      await using listener = listen("the first", anyPort, pong);
      const { port } = listener.address;
      expect(() => listen("the server", { hostname: localhost, port }, pong)).toThrow(inUse(port));
    });
  });

  test("an address that is not this machine's is named with the reason", () => {
    expect(() => listen("the server", { hostname: "192.0.2.1", port: 9 }, pong)).toThrow(
      /^the server cannot listen on 192\.0\.2\.1:9: .+ Free it, or choose another address \(--help\)\.$/,
    );
  });

  describe("a stopped server", () => {
    test("has freed its port", async () => {
      const { address, stop } = listen("the first", { hostname: localhost, port: freePort() }, pong);
      await stop();
      await using again = listen("the second", address, pong);
      expect(await (await fetch(urlOf(again))).text()).toBe("pong");
    });

    test("has let go of those who wait for an answer", async () => {
      const asked = Promise.withResolvers<void>();
      const listener = listen("the server", anyPort, () => {
        asked.resolve();
        return new Promise<Response>(() => {});
      });
      const answer = fetch(urlOf(listener)).then(
        () => "answered",
        () => "let go",
      );
      await asked.promise;
      await listener.stop();
      expect(await answer).toBe("let go");
    });

    test("may be stopped again", async () => {
      const { stop } = listen("the server", anyPort, pong);
      await Promise.all([stop(), stop()]);
      await stop();
    });
  });
});

test("a body of 50 MB goes through both ways", async () => {
  await using listener = listenAsGo("the server", anyPort, (request) => new Response(request.body));
  const bytes = new Uint8Array(50_000_000);
  for (let at = 0; at < bytes.length; at += 1000) bytes[at] = at;
  const reply = await fetch(urlOf(listener), { method: "POST", body: bytes });
  const echoed = await reply.bytes();
  expect(Bun.hash(echoed)).toBe(Bun.hash(bytes));
});

test("a client that goes away is told to the handler of its request", async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  await using listener = listenAsGo("the server", anyPort, (request) => {
    asked.resolve(request.signal);
    return new Promise<Response>(() => {});
  });
  const poll = new AbortController();
  const polled = fetch(urlOf(listener), poll).catch(() => {});
  const signal = await asked.promise;
  const gone = new Promise((resolve) => signal.addEventListener("abort", resolve));
  poll.abort();
  await gone;
  await polled;
});

test("a client that goes away while it reads nothing of an answer is noticed, too", async () => {
  const left = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using listener = listenAsGo("the server", anyPort, (request) => {
    request.signal.addEventListener("abort", () => left.resolve());
    asked.resolve();
    return new Response(request.body);
  });
  const socket = await Bun.connect({ ...listener.address, socket: { data: (socket) => void socket.pause() } });
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n`);
  const bytes = new Uint8Array(1_000_000);
  await asked.promise;
  // Until neither side takes any more.
  await waitUntil("the client has to wait", () => socket.write(bytes) <= 0);
  socket.terminate();
  await left.promise;
});
