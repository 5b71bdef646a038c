/** What only shows on the wire; the rest of the API is tested without a socket. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Init, startInit, stopAll, within } from "./support/init.ts";

let init: Init;

beforeEach(async () => {
  init = startInit(["sh", "-c", "echo up; exec sleep 600"]);
  while (!init.stdout.includes("up")) await Bun.sleep(5);
});
afterEach(stopAll);

/** Sends bytes and returns all that came back until the connection closed. */
async function exchange(request: string): Promise<string> {
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
