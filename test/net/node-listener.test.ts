import { afterEach, describe, expect, test } from "bun:test";
import { ListenError, type Listener } from "../../src/net/listener.ts";
import { listenNode, type NodeHandler, type RawRequest } from "../../src/net/node-listener.ts";
import { talk } from "../support/talk.ts";
import { within } from "../support/within.ts";

const listeners: Listener[] = [];
const local = { hostname: "127.0.0.1", port: 0 };

async function serve(handler: NodeHandler): Promise<Listener> {
  const listener = await listenNode("the test", local, handler);
  listeners.push(listener);
  return listener;
}

afterEach(() => {
  for (const listener of listeners.splice(0)) void listener.stop();
});

describe("a front on node:http", () => {
  test("shows the target as sent, repeated headers, and the peer", async () => {
    let seen: RawRequest | undefined;
    const listener = await serve((_, raw) => {
      seen = raw;
      return new Response(null, { status: 204 });
    });
    await talk(
      listener.address.port,
      "GET /a%20b/../c?x=%zz HTTP/1.1\r\nHost: x y\r\nX-A: 1\r\nX-A: 2\r\n\r\n",
      (text) => text.endsWith("\r\n\r\n"),
    );
    expect(seen).toEqual({
      target: "/a%20b/../c?x=%zz",
      fields: [
        ["Host", "x y"],
        ["X-A", "1"],
        ["X-A", "2"],
      ],
      peerAddress: "127.0.0.1",
    });
  });

  test("passes bodies through, both ways", async () => {
    const listener = await serve(async (request) => new Response(await request.bytes()));
    const body = new Uint8Array(7_000_000).fill(65);
    const answer = await fetch(`http://127.0.0.1:${listener.address.port}/`, { method: "POST", body });
    expect((await answer.bytes()).length).toBe(body.length);
  });

  test("goes on over the same connection when a body was not read", async () => {
    const listener = await serve(() => new Response(null, { status: 204 }));
    const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    const { text } = await talk(
      listener.address.port,
      request + request,
      (all) => all.split("HTTP/1.1 204").length === 3,
    );
    expect(text.split("HTTP/1.1 204")).toHaveLength(3);
  });

  test("sends each cookie in a line of its own, and no body for HEAD", async () => {
    const listener = await serve(() => {
      const response = new Response("body");
      response.headers.append("Set-Cookie", "a=1");
      response.headers.append("Set-Cookie", "b=2");
      return response;
    });
    const { text } = await talk(listener.address.port, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", (all) =>
      all.endsWith("\r\n\r\n"),
    );
    expect(text.match(/set-cookie: (a=1|b=2)\r\n/gi)).toHaveLength(2);
    expect(text).not.toContain("body");
  });

  test("sends the head of a stream before its first piece", async () => {
    const listener = await serve(() => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })));
    const { text } = await talk(listener.address.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", (all) =>
      all.includes("\r\n\r\n"),
    );
    expect(text).toStartWith("HTTP/1.1 200");
  });

  test("T55: cuts the connection where a stream breaks off", async () => {
    let count = 0;
    const listener = await serve(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              if (count++ === 0) controller.enqueue(Buffer.from("half"));
              else controller.error(new Error("broke off"));
            },
          }),
        ),
    );
    const { text, isClosed } = await talk(listener.address.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect([text.includes("half"), text.includes("\r\n0\r\n"), isClosed]).toEqual([true, false, true]);
  });

  test("holds a stream back whose client does not read, and lets it go when the client leaves", async () => {
    const cancelled = Promise.withResolvers<void>();
    let pulled = 0;
    const listener = await serve(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              pulled++;
              controller.enqueue(new Uint8Array(1024 * 1024));
            },
            cancel: () => cancelled.resolve(),
          }),
        ),
    );
    const opened = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: listener.address.port,
      socket: {
        open(client) {
          client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        },
        data(client) {
          client.pause();
          opened.resolve();
        },
      },
    });
    await within(5000, "the first bytes", opened.promise);
    socket.terminate();
    await within(5000, "the end of the stream", cancelled.promise);
    expect(pulled).toBeLessThan(200);
  });

  test("names a port that is taken", async () => {
    const {
      address: { port },
    } = await serve(() => new Response());
    const second = listenNode("the test", { ...local, port }, () => new Response());
    await expect(second).rejects.toThrow(ListenError);
    await expect(second).rejects.toThrow(`the test cannot listen on 127.0.0.1:${port}: it is in use`);
  });
});
