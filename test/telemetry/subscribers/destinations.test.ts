import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { carrierFor } from "../../../src/telemetry/subscribers/destinations.ts";
import { freePort } from "../../support/free-port.ts";
import { waitUntil, within } from "../../support/within.ts";

const never = new AbortController().signal;
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

interface Received {
  readonly method: string;
  readonly path: string;
  readonly contentType: string | null;
  readonly body: string;
}

/** A subscriber over HTTP. */
function serve(answer: (attempt: number) => Response | Promise<Response> = () => new Response()) {
  const received: Received[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const contentType = request.headers.get("content-type");
      const body = await request.text();
      received.push({ method: request.method, path: pathname + search, contentType, body });
      return answer(received.length);
    },
  });
  cleanUps.push(() => server.stop(true));
  return { received, url: `http://127.0.0.1:${server.port}` };
}

function httpCarrier(url: string, method: "POST" | "PUT" = "POST") {
  const carrier = carrierFor({ protocol: "HTTP", url, method });
  cleanUps.push(() => carrier.close());
  return carrier;
}

/** Waits for a refusal. @returns its text */
async function rejection(promise: Promise<void>): Promise<string> {
  return await within(
    5000,
    "a refusal",
    promise.then(
      () => {
        throw new Error("the batch was taken");
      },
      (error) => String(error),
    ),
  );
}

describe("over HTTP", () => {
  test.each(["POST", "PUT"] as const)("a batch is one %s of a JSON array to the asked path", async (method) => {
    const { received, url } = serve();
    const carrier = httpCarrier(`${url}/a/b?c=d`, method);
    await carrier.send(['{"a":"é"}', '{"b":2}'], never);
    await carrier.send(['{"c":3}'], never);
    const contentType = "application/json";
    expect(received).toEqual([
      { method, path: "/a/b?c=d", contentType, body: '[{"a":"é"},{"b":2}]' },
      { method, path: "/a/b?c=d", contentType, body: '[{"c":3}]' },
    ]);
  });

  test.each([200, 202, 204, 299, 304])("the status %d acknowledges it", async (status) => {
    const { received, url } = serve(() => new Response(null, { status }));
    await within(5000, "the acknowledgement", httpCarrier(url).send(["{}"], never));
    expect(received).toHaveLength(1);
  });

  test.each([400, 404, 408, 429, 500, 503])("the status %d does not, and it is tried once", async (status) => {
    const { received, url } = serve(() => new Response("no", { status }));
    expect(await rejection(httpCarrier(url).send(["{}"], never))).toContain(`the subscriber answered ${status}`);
    expect(received).toHaveLength(1);
  });

  test("it goes nowhere else, though the subscriber says so", async () => {
    const elsewhere = serve();
    const { received, url } = serve(() => Response.redirect(`${elsewhere.url}/`, 307));
    await within(5000, "the acknowledgement", httpCarrier(url).send(["{}"], never));
    expect([received.length, elsewhere.received]).toEqual([1, []]);
  });

  test("whatever the answer holds is no matter", async () => {
    const { url } = serve(() => new Response("{not json", { headers: { "Content-Type": "application/json" } }));
    await within(5000, "the acknowledgement", httpCarrier(url).send(["{}"], never));
  });

  test("it is refused where nobody listens", async () => {
    await rejection(httpCarrier(`http://127.0.0.1:${freePort()}/`).send(["{}"], never));
  });

  test("it is tried once where the connection breaks", async () => {
    const { connections, port } = await listen((socket) => void socket.destroy());
    await rejection(httpCarrier(`http://127.0.0.1:${port}/`).send(["{}"], never));
    expect(connections).toHaveLength(1);
  });

  test("it is given up when the attempt is", async () => {
    const held = Promise.withResolvers<Response>();
    const { received, url } = serve(() => held.promise);
    const attempt = new AbortController();
    const sent = rejection(httpCarrier(url).send(["{}"], attempt.signal));
    await waitUntil("the batch has arrived", () => received.length === 1);
    attempt.abort();
    await sent;
    held.resolve(new Response());
  });
});

/** A subscriber over TCP. */
async function listen(onConnection: (socket: Socket) => void = () => {}) {
  const connections: Socket[] = [];
  const texts: string[] = [];
  const server: Server = createServer((socket) => {
    const index = connections.push(socket) - 1;
    texts.push("");
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      texts[index] = (texts[index] ?? "") + text;
    });
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  return { connections, texts, port: (server.address() as { port: number }).port };
}

function tcpCarrier(port: number) {
  const carrier = carrierFor({ protocol: "TCP", port });
  cleanUps.push(() => carrier.close());
  return carrier;
}

describe("over TCP", () => {
  test("each record is a line, on one connection for all batches", async () => {
    const { connections, texts, port } = await listen();
    const carrier = tcpCarrier(port);
    await carrier.send(['{"a":"é"}', '{"b":2}'], never);
    await carrier.send(['{"c":3}'], never);
    await waitUntil("all has arrived", () => (texts[0] ?? "").split("\n").length === 4);
    expect(texts).toEqual(['{"a":"é"}\n{"b":2}\n{"c":3}\n']);
    expect(connections).toHaveLength(1);
  });

  test("a batch leaves nothing behind on its attempt", async () => {
    const { port } = await listen();
    const carrier = tcpCarrier(port);
    const attempt = new AbortController().signal;
    const added = spyOn(attempt, "addEventListener");
    const removed = spyOn(attempt, "removeEventListener");
    for (let count = 0; count < 5; count++) await carrier.send(["{}"], attempt);
    // One more for the connection.
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([6, 6]);
  });

  test("what the subscriber says is passed over", async () => {
    const { texts, port } = await listen((socket) => socket.write("x".repeat(1_000_000)));
    const carrier = tcpCarrier(port);
    for (let count = 1; count <= 3; count++) {
      await within(5000, "the batch", carrier.send(["{}"], never));
      await waitUntil("it has arrived", () => texts[0] === "{}\n".repeat(count));
    }
  });

  test("a batch is refused where nobody listens, and taken once somebody does", async () => {
    const port = freePort();
    const carrier = tcpCarrier(port);
    await rejection(carrier.send(["{}"], never));
    const texts: string[] = [];
    const server = createServer((socket) => void socket.on("data", (data) => texts.push(data.toString())));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    cleanUps.push(() => server.close());
    await within(5000, "the batch", carrier.send(['{"again":1}'], never));
    await waitUntil("it has arrived", () => texts.join("") === '{"again":1}\n');
  });

  test.each([
    ["ended", (socket: Socket) => void socket.end()],
    ["reset", (socket: Socket) => void socket.resetAndDestroy()],
  ])("a connection the subscriber has %s is replaced", async (_, close) => {
    const { connections, texts, port } = await listen();
    const carrier = tcpCarrier(port);
    await carrier.send(['{"first":1}'], never);
    await waitUntil("it has arrived", () => texts[0] === '{"first":1}\n');
    close(connections[0] as Socket);
    // As delivery does: again, until it is taken. The first may go into the closing connection.
    let attempts = 0;
    await waitUntil("another connection was made", () => {
      attempts++;
      void carrier.send(['{"second":2}'], never).catch(() => {});
      return connections.length === 2;
    });
    await waitUntil("the batch has arrived", () => texts[1]?.startsWith('{"second":2}\n') === true);
    expect(attempts).toBeGreaterThan(0);
  });

  test("a subscriber that does not read makes the attempt fail at its deadline, and a new connection be made", async () => {
    const { connections, port } = await listen((socket) => void socket.pause());
    const carrier = tcpCarrier(port);
    const attempt = new AbortController();
    let isTaken = false;
    const batch = ["x".repeat(32 * 1024 * 1024)];
    const sent = carrier.send(batch, attempt.signal).then(() => {
      isTaken = true;
    });
    await waitUntil("there is a connection", () => connections.length === 1);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(isTaken).toBe(false);
    attempt.abort();
    expect(await rejection(sent)).toContain("the subscriber does not read");
    await within(5000, "another batch", carrier.send(["{}"], never));
    await waitUntil("there is another connection", () => connections.length === 2);
  });

  test("an attempt that was given up before it began makes no connection", async () => {
    const { connections, port } = await listen();
    const attempt = new AbortController();
    const sent = tcpCarrier(port).send(["{}"], attempt.signal);
    attempt.abort();
    await rejection(sent);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(connections).toEqual([]);
  });

  test("an attempt that is given up writes nothing to a connection that stands", async () => {
    const { texts, port } = await listen();
    const carrier = tcpCarrier(port);
    await carrier.send(['"first"'], never);
    await rejection(carrier.send(['"given up"'], AbortSignal.abort()));
    await carrier.send(['"last"'], never);
    await waitUntil("the last has arrived", () => texts.join("").includes("last"));
    expect(texts.join("")).not.toContain("given up");
  });

  test("close ends the connection", async () => {
    const { connections, port } = await listen();
    const carrier = tcpCarrier(port);
    await carrier.send(["{}"], never);
    await waitUntil("there is a connection", () => connections.length === 1);
    carrier.close();
    await waitUntil("it has ended", () => connections[0]?.destroyed === true);
    carrier.close();
  });
});
