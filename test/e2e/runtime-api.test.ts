/** What only shows on the wire; the rest of the API is tested without a socket. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { startIdle } from "./support/idle.ts";
import { type Init, stopAll, within } from "./support/init.ts";

let init: Init;

beforeEach(async () => {
  init = await startIdle();
});
afterEach(stopAll);

/** Sends bytes and returns all that came back until the connection closed. */
async function exchange(request: string, then: "waits" | "and closes its half" = "waits"): Promise<string> {
  let reply = "";
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: init.runtimeApiPort,
    socket: {
      data(_, bytes) {
        reply += bytes.toString("latin1");
      },
      close: () => resolve(),
      error: () => resolve(),
      drain(socket) {
        left = left.subarray(socket.write(left));
      },
    },
  });
  let left: Uint8Array = Buffer.from(request, "latin1");
  left = left.subarray(socket.write(left));
  if (then === "and closes its half") socket.shutdown();
  await within(closed, "the end of the connection");
  return reply;
}

const close = "Host: init\r\nConnection: close\r\n\r\n";

/** Header names and values as sent, without the date. */
const head = (reply: string) =>
  reply
    .split("\r\n\r\n")[0]
    ?.split("\r\n")
    .filter((line) => !/^(date|connection):/i.test(line))
    .sort();

describe("answers are AWS's to the byte", () => {
  const rows: [what: string, line: string, head: string[], body: string][] = [
    [
      "ping",
      "GET /2018-06-01/ping HTTP/1.1",
      ["Content-Length: 4", "Content-Type: text/plain; charset=utf-8", "HTTP/1.1 200 OK"],
      "pong",
    ],
    ...["/", "/2018-06-01", "/2018-06-01/ping/", "//2018-06-01/ping", "/2018-06-01/%70ing", "/2020-01-01/x"].map(
      (path): [string, string, string[], string] => [
        path,
        `GET ${path} HTTP/1.1`,
        [
          "Content-Length: 19",
          "Content-Type: text/plain; charset=utf-8",
          "HTTP/1.1 404 Not Found",
          "X-Content-Type-Options: nosniff",
        ],
        "404 page not found\n",
      ],
    ),
    ...["POST", "OPTIONS", "PUT"].map((method): [string, string, string[], string] => [
      `${method} where GET is known`,
      `${method} /2018-06-01/runtime/invocation/next HTTP/1.1`,
      ["Content-Length: 0", "HTTP/1.1 405 Method Not Allowed"],
      "",
    ]),
    [
      "an answer to nothing",
      "POST /2018-06-01/runtime/invocation/x/response HTTP/1.1",
      ["Content-Length: 69", "Content-Type: application/json", "HTTP/1.1 400 Bad Request"],
      '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n',
    ],
  ];
  test.each(rows)("%s", async (_, line, headers, body) => {
    const reply = await exchange(`${line}\r\n${line.startsWith("GET") ? "" : "Content-Length: 0\r\n"}${close}`);
    expect(head(reply)).toEqual(headers);
    expect(reply.slice(reply.indexOf("\r\n\r\n") + 4)).toBe(body);
    expect(reply).toMatch(/\r\nDate: /);
    expect(reply).not.toMatch(/\r\nServer: /i);
  });
});

test("HEAD is no way to poll", async () => {
  expect(await exchange(`HEAD /2018-06-01/runtime/invocation/next HTTP/1.1\r\n${close}`)).toStartWith("HTTP/1.1 405 ");
});

test("HTTP/1.0 is answered, without a host too", async () => {
  expect(await exchange("GET /2018-06-01/ping HTTP/1.0\r\n\r\n")).toEndWith("\r\n\r\npong");
});

test("a header block of 2 MiB is taken", async () => {
  const cause = "c".repeat(2 * 1024 * 1024);
  const reply = await exchange(`GET /2018-06-01/ping HTTP/1.1\r\nX-Cause: ${cause}\r\n${close}`);
  expect(reply).toEndWith("\r\n\r\npong");
});

test("a header block of 5 MiB is refused", async () => {
  const cause = "c".repeat(5 * 1024 * 1024);
  const reply = await exchange(`GET /2018-06-01/ping HTTP/1.1\r\nX-Cause: ${cause}\r\n${close}`);
  expect(reply === "" || reply.startsWith("HTTP/1.1 431 ")).toBe(true);
});

/** The bodies of the answers in a reply, in their order. */
const bodies = (reply: string) => reply.split(/HTTP\/1\.1 \d+ [\s\S]*?\r\n\r\n/).slice(1);

const ping = "GET /2018-06-01/ping HTTP/1.1\r\n";
const lastPing = `${ping}${close}`;
const answerPath = "/2018-06-01/runtime/invocation/x/response";
const noSuchId = '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n';

describe("HTTP as Go's server takes it", () => {
  const withBody = `POST ${answerPath} HTTP/1.1\r\nHost: init\r\nContent-Length: 2\r\n\r\n{}`;
  const chunked = `POST ${answerPath} HTTP/1.1\r\nHost: init\r\nTransfer-Encoding: chunked\r\n`;
  const rows: [what: string, request: string, bodies: string[]][] = [
    ["a line break behind a body", `${withBody}\r\n${lastPing}`, [noSuchId, "pong"]],
    ["several line breaks behind a body", `${withBody}\r\n\n\r\n${lastPing}`, [noSuchId, "pong"]],
    ["many requests at once", `${`${ping}Host: init\r\n\r\n`.repeat(50)}${lastPing}`, Array(51).fill("pong")],
    ["lines ended by LF alone", lastPing.replaceAll("\r\n", "\n"), ["pong"]],
    [
      "a body behind lines ended by LF alone, and a line ended by CRLF",
      `POST ${answerPath} HTTP/1.1\nHost: init\r\nContent-Length: 2\n\n{}${lastPing}`,
      [noSuchId, "pong"],
    ],
    ["trailers that nobody announced", `${chunked}\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n${lastPing}`, [noSuchId, "pong"]],
    [
      "trailers that were announced",
      `${chunked}Trailer: A, B\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\nB: c\r\n\r\n${lastPing}`,
      [noSuchId, "pong"],
    ],
    [
      "trailers that were announced and do not come",
      `${chunked}Trailer: A\r\n\r\n0\r\n\r\n${lastPing}`,
      [noSuchId, "pong"],
    ],
    ["a method nobody knows", `FOO /2018-06-01/ping HTTP/1.1\r\nHost: init\r\n\r\n${lastPing}`, ["", "pong"]],
    ["a header that goes on in the next line", `${ping}A: b\r\n c\r\n${close}`, ["pong"]],
    ["1,000 headers", `${ping}${"A: b\r\n".repeat(1000)}${close}`, ["pong"]],
  ];
  test.each(rows)("%s", async (_, request, expected) => {
    expect(bodies(await exchange(request))).toEqual(expected);
  });

  test.each([
    ["small", "{}"],
    ["of 2 MB", JSON.stringify("x".repeat(2_000_000))],
  ])("a request behind a poll waits until that has its event, here a %s one", async (_, event) => {
    const reply = exchange(`GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: init\r\n\r\n${lastPing}`);
    await init.double.waitForReady();
    await init.send(event);
    expect(bodies(await reply)).toEqual([event, "pong"]);
  });

  const refused: [what: string, request: string, status: string][] = [
    ["no host", `${ping}\r\n`, "400 Bad Request: missing required Host header"],
    ["two hosts", `${ping}Host: a\r\n${close}`, "400 Bad Request: too many Host headers"],
    ["no HTTP at all", "hello\r\n\r\n", "400 Bad Request"],
    [
      "two ways to tell the length",
      `${withBody.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n")}`,
      "400 Bad Request",
    ],
  ];
  test.each(refused)("%s is refused with the reason in the body", async (_, request, reason) => {
    const reply = await exchange(request);
    expect(reply).toStartWith("HTTP/1.1 400 Bad Request\r\n");
    expect(bodies(reply)).toEqual([reason]);
  });

  test("a client that has closed its half gets its answer", async () => {
    expect(bodies(await exchange(`${ping}Host: init\r\n\r\n`, "and closes its half"))).toEqual(["pong"]);
  });
});

test("the port is shared with nobody", () => {
  const share = () =>
    Bun.serve({ hostname: "127.0.0.1", port: init.runtimeApiPort, reusePort: true, fetch: () => new Response() });
  expect(share).toThrow();
});

test("a function that opens connections without end takes no descriptor from init that it needs", async () => {
  await init.stop();
  init = await startIdle({ prefix: ["sh", "-c", 'ulimit -n 256; exec "$@"', "limited"] });
  const sockets = await Promise.all(Array.from({ length: 400 }, openAndPing));
  expect(bodies(await exchange(lastPing))).toEqual(["pong"]);
  expect(readdirSync(`/proc/${init.process.pid}/fd`).length).toBeLessThan(230);
  for (const socket of sockets) socket?.terminate();
});

/** A connection that is kept behind its answer, unless init closed it before. */
async function openAndPing(): Promise<Bun.Socket | undefined> {
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  const socket = { data: done, close: done, error: done };
  const opened = await Bun.connect({ hostname: "127.0.0.1", port: init.runtimeApiPort, socket }).catch(() => undefined);
  opened?.write(`${ping}Host: init\r\n\r\n`);
  if (opened) await within(answered, "an answer, or the end of the connection");
  return opened;
}

test("pings go on while a poll waits, over one connection each", async () => {
  const poll = new AbortController();
  const polled = fetch(`http://127.0.0.1:${init.runtimeApiPort}/2018-06-01/runtime/invocation/next`, poll).catch(
    () => {},
  );
  for (let count = 0; count < 50; count++) {
    const pong = await fetch(`http://127.0.0.1:${init.runtimeApiPort}/2018-06-01/ping`);
    expect(await pong.text()).toBe("pong");
  }
  poll.abort();
  await polled;
});
