import { afterEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/clock.ts";
import { Callbacks } from "../../../src/frontend/localstack/callbacks.ts";
import type { Fate } from "../../../src/frontend/localstack/delivery.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { freePort } from "../../support/free-port.ts";

interface Got {
  readonly path: string;
  readonly contentType: string | null;
  readonly body: string;
  readonly port: number | undefined;
}

let server: Bun.Server<undefined> | undefined;
afterEach(() => server?.stop(true));

/** A log text in pieces, escaped. */
const logsOf = (...pieces: string[]) => ({ pieces: pieces.map((piece) => Buffer.from(piece)) });

function serve() {
  const got: Got[] = [];
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request, { requestIP }) {
      const { pathname } = new URL(request.url);
      const port = requestIP.call(server, request)?.port;
      got.push({ path: pathname, contentType: request.headers.get("content-type"), body: await request.text(), port });
      return new Response(null, { status: 202 });
    },
  });
  return { got, endpoint: `http://127.0.0.1:${server.port}/base` };
}

test("each callback has its path, its body to the byte, and is JSON by its header", async () => {
  const { got, endpoint } = serve();
  const callbacks = new Callbacks({ runtimeEndpoint: endpoint, runtimeId: "env" }, systemClock);
  const body = new TextEncoder().encode("\u0000ü");
  const told = await Promise.all([
    callbacks.ready(),
    callbacks.startError("{1}"),
    callbacks.statusError("{2}"),
    callbacks.invocation("id", logsOf('a \\"li', 'ne\\"\\n\u2028'), { channel: "response", body }),
    callbacks.invocation("id", logsOf(), { channel: "error", body: "not json" }),
  ]);
  expect(new Set(told)).toEqual(new Set(["told"]));
  expect(got.map((callback) => [callback.path, callback.body])).toEqual([
    ["/base/status/env/ready", ""],
    ["/base/status/env/error", "{1}"],
    ["/base/status/env/error", "{2}"],
    ["/base/invocations/id/logs", JSON.stringify({ logs: 'a "line"\n\u2028' })],
    ["/base/invocations/id/response", "\u0000ü"],
    ["/base/invocations/id/logs", '{"logs":""}'],
    ["/base/invocations/id/error", "not json"],
  ]);
  expect(new Set(got.map(({ contentType }) => contentType))).toEqual(new Set(["application/json"]));
  expect(new Set(got.map(({ port }) => port)).size).toBe(1);
});

test("an id that means something in a path stays one part of it", async () => {
  const { got, endpoint } = serve();
  const callbacks = new Callbacks({ runtimeEndpoint: endpoint, runtimeId: 'e"\\v' }, systemClock);
  await callbacks.ready();
  await callbacks.invocation("a/b?c", logsOf(), { channel: "response", body: "" });
  expect(got.map(({ path }) => path)).toEqual([
    "/base/status/e%22%5Cv/ready",
    "/base/invocations/a%2Fb%3Fc/logs",
    "/base/invocations/a%2Fb%3Fc/response",
  ]);
});

describe("a LocalStack that nobody listens for is tried", () => {
  test.each([
    ["for its own limit with a ready", (callbacks: Callbacks) => callbacks.ready(), 20_000],
    ["for as long as init stays with the error of a start", (callbacks: Callbacks) => callbacks.startError(""), 10_000],
    ["for three seconds with anything else", (callbacks: Callbacks) => callbacks.statusError(""), 3000],
  ])("%s", async (_, tell, limitMs) => {
    const endpoint = `http://127.0.0.1:${freePort()}/base`;
    const clock = new FakeClock();
    let fate: Fate | undefined;
    tell(new Callbacks({ runtimeEndpoint: endpoint, runtimeId: "env" }, clock)).then((became) => {
      fate = became;
    });
    while (fate === undefined) await clock.advance(50);
    expect(fate).toBe("unreachable");
    expect(clock.now()).toBeGreaterThan(limitMs - 2000);
    expect(clock.now()).toBeLessThan(limitMs + 1000);
  });
});
