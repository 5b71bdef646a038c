import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../../../src/clock.ts";
import { Callbacks } from "../../../src/frontend/localstack/callbacks.ts";
import { FakeClock } from "../../support/fake-clock.ts";

interface Got {
  readonly path: string;
  readonly contentType: string | null;
  readonly body: string;
  readonly port: number | undefined;
}

let server: Bun.Server<undefined> | undefined;
afterEach(() => server?.stop(true));

/** Serves callbacks with the answers given, 202 when they are used up. */
function serve(...answers: (number | "silence")[]) {
  const got: Got[] = [];
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request, { requestIP }) {
      const { pathname } = new URL(request.url);
      const port = requestIP.call(server, request)?.port;
      got.push({ path: pathname, contentType: request.headers.get("content-type"), body: await request.text(), port });
      const answer = answers.shift() ?? 202;
      if (answer === "silence") return new Promise<Response>(() => {});
      return new Response(answer >= 400 ? "because" : null, { status: answer });
    },
  });
  return { got, endpoint: `http://127.0.0.1:${server.port}/base` };
}

test("each callback has its path, its body to the byte, and is JSON by its header", async () => {
  const { got, endpoint } = serve();
  const callbacks = new Callbacks({ runtimeEndpoint: endpoint, runtimeId: "env" }, systemClock);
  await callbacks.ready();
  await callbacks.statusError("{}");
  await callbacks.logs("id", 'a "line"\n\u2028');
  await callbacks.result("id", "response", new TextEncoder().encode("\u0000ü"));
  await callbacks.result("id", "error", "not json");
  expect(got.map(({ path, body }) => [path, body])).toEqual([
    ["/base/status/env/ready", ""],
    ["/base/status/env/error", "{}"],
    ["/base/invocations/id/logs", JSON.stringify({ logs: 'a "line"\n\u2028' })],
    ["/base/invocations/id/response", "\u0000ü"],
    ["/base/invocations/id/error", "not json"],
  ]);
  expect(new Set(got.map(({ contentType }) => contentType))).toEqual(new Set(["application/json"]));
  expect(new Set(got.map(({ port }) => port)).size).toBe(1);
});

test("an HTTP error is an answer: it is not asked for again, and the connection is kept", async () => {
  const { got, endpoint } = serve(400, 500, 404);
  const callbacks = new Callbacks({ runtimeEndpoint: endpoint, runtimeId: "env" }, systemClock);
  for (let count = 0; count < 4; count++) expect(await callbacks.ready()).toBe(true);
  expect(got).toHaveLength(4);
  expect(new Set(got.map(({ port }) => port)).size).toBe(1);
});

test("a refused connection is tried again for three seconds, then given up", async () => {
  const clock = new FakeClock();
  const { endpoint } = serve();
  server?.stop(true);
  const callbacks = new Callbacks({ runtimeEndpoint: endpoint, runtimeId: "env" }, clock);
  let told: boolean | undefined;
  const telling = callbacks.ready().then((delivered) => {
    told = delivered;
  });
  // Each attempt is a real connection, each pause is the fake clock's.
  while (told === undefined) await clock.advance(50);
  await telling;
  expect(told).toBe(false);
  expect(clock.now()).toBeGreaterThanOrEqual(3000);
});

test("a LocalStack that takes a callback and never answers is not asked again", async () => {
  const clock = new FakeClock();
  const { got, endpoint } = serve("silence");
  const callbacks = new Callbacks({ runtimeEndpoint: endpoint, runtimeId: "env" }, clock);
  const telling = callbacks.ready();
  while (got.length === 0) await clock.advance(0);
  await clock.advance(10_000);
  expect(await telling).toBe(false);
  expect(got).toHaveLength(1);
});
