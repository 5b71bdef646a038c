import { describe, expect, test } from "bun:test";
import type { InvokeRequest } from "../../src/environment/invocation.ts";
import { Fixture, invocationOf, isPending, maxPayloadBytes } from "./fixture.ts";

/** A header of UTF-8 bytes, as the client reads it: one character for each byte. */
function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The headers, without the one that is another each time. */
function headersOf({ headers }: Response): Record<string, string> {
  const { "lambda-runtime-invocation-id": invocationId, ...others } = Object.fromEntries(headers);
  expect(invocationId).toMatch(/^[0-9a-f-]{36}$/);
  return others;
}

async function eventFor(request: Partial<InvokeRequest>, deadlineMs?: number): Promise<Response> {
  const fixture = new Fixture();
  const polled = fixture.next();
  fixture.exchanges.dispatch(invocationOf(request, deadlineMs));
  return await polled;
}

describe("the event's headers", () => {
  test("are all there", async () => {
    const response = await eventFor(
      {
        requestId: "req-1",
        invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:fn",
        traceId: "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        clientContext: '{"custom":{"a":"b"}}',
        payload: '{"hello":1}',
      },
      1_795_406_282_147,
    );
    expect(response.status).toBe(200);
    expect(headersOf(response)).toEqual({
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": "req-1",
      "lambda-runtime-client-context": '{"custom":{"a":"b"}}',
      "lambda-runtime-deadline-ms": "1795406282147",
      "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:000000000000:function:fn",
      "lambda-runtime-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
    });
    expect(await response.text()).toBe('{"hello":1}');
  });

  test("are left out when empty, but never the content type", async () => {
    const response = await eventFor({ requestId: "req-1", payload: "" }, 17);
    expect(headersOf(response)).toEqual({
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": "req-1",
      "lambda-runtime-deadline-ms": "17",
    });
    expect(await response.text()).toBe("");
  });

  const values: [what: string, given: string, expected: string][] = [
    ["a line break", "a\r\nb", "a  b"],
    ["a line feed alone", "a\nb", "a b"],
    ["outer blanks", "  a b \t", "a b"],
    ["a line break at the end", "a\r\n", "a"],
    ["what looks like another header", "a\r\nLambda-Runtime-Deadline-Ms: 1", "a  Lambda-Runtime-Deadline-Ms: 1"],
    ["an umlaut", "Grüße", bytesOf("Grüße")],
    ["a character of four bytes", '{"x":"😀"}', bytesOf('{"x":"😀"}')],
    ["a byte order mark in the middle", "a\ufeffb", bytesOf("a\ufeffb")],
    ["one character", "x", "x"],
    ["characters that mean something to others", `a,b;c="d"\\e`, `a,b;c="d"\\e`],
  ];

  test.each(values)("carry %s as AWS does", async (_what, given, expected) => {
    const { headers } = await eventFor({
      requestId: given,
      invokedFunctionArn: given,
      traceId: given,
      clientContext: given,
    });
    expect(headers.get("lambda-runtime-aws-request-id")).toBe(expected);
    expect(headers.get("lambda-runtime-invoked-function-arn")).toBe(expected);
    expect(headers.get("lambda-runtime-trace-id")).toBe(expected);
    expect(headers.get("lambda-runtime-client-context")).toBe(expected);
    expect(headers.get("lambda-runtime-deadline-ms")).toBe("1795406282147");
  });

  test.each(["\u0000", "\u0001", "\u001b", "\u007f", "\u0085", "\u2028", "\ud800"])(
    "cannot keep an event from the runtime, not even by %j",
    async (character) => {
      const response = await eventFor({ clientContext: `a${character}b`, payload: "event" });
      expect([response.status, await response.text()]).toEqual([200, "event"]);
    },
  );

  test.each([
    [1_795_406_282_147, "1795406282147"],
    [0, "0"],
    [4_102_444_800_000, "4102444800000"],
  ])("tell the deadline %d as whole milliseconds", async (deadlineMs, text) => {
    expect((await eventFor({}, deadlineMs)).headers.get("lambda-runtime-deadline-ms")).toBe(text);
  });
});

describe("the event", () => {
  test.each(["", "null", "not JSON", ' { "a" : 1 } \n', "\u0000", '{"ü":"😀\u2028<>&"}'])(
    "%j is passed on verbatim",
    async (payload) => {
      expect(await (await eventFor({ payload })).text()).toBe(payload);
    },
  );

  test.each([
    ["at the limit", "x".repeat(maxPayloadBytes), "x".repeat(maxPayloadBytes)],
    ["above the limit", "x".repeat(maxPayloadBytes + 1), "x".repeat(maxPayloadBytes)],
    ["at the limit in bytes, not in characters", "é".repeat(maxPayloadBytes / 2), "é".repeat(maxPayloadBytes / 2)],
    ["above the limit in bytes only", "é".repeat(maxPayloadBytes / 2 + 1), "é".repeat(maxPayloadBytes / 2)],
  ])("%s is cut to it", async (_what, payload, expected) => {
    expect(await (await eventFor({ payload })).text()).toBe(expected);
  });
});

describe("polls", () => {
  async function idOf(polled: Promise<Response>): Promise<string | null> {
    return (await polled).headers.get("lambda-runtime-aws-request-id");
  }

  test("that wait at the same time are answered first come, first served", async () => {
    const fixture = new Fixture();
    const polls = [fixture.next(), fixture.next(), fixture.next()] as const;
    for (const [at, polled] of polls.entries()) {
      const id = `id-${at}`;
      fixture.exchanges.dispatch(invocationOf({ requestId: id }));
      expect(await idOf(polled)).toBe(id);
      for (const later of polls.slice(at + 1)) expect(await isPending(later)).toBe(true);
      expect((await fixture.respond(id)).status).toBe(202);
      // Its own next poll lets the event go; the waiting ones come first.
      if (at < 2) void fixture.next();
    }
  });

  test("whose client is gone swallow no event", async () => {
    const fixture = new Fixture();
    const gone = [new AbortController(), new AbortController()] as const;
    const dead = [fixture.next({ signal: gone[0].signal }), fixture.next({ signal: gone[1].signal })];
    const alive = fixture.next();
    for (const { abort } of gone.map((controller) => ({ abort: () => controller.abort() }))) abort();
    fixture.exchanges.dispatch(fixture.invocation);
    expect(await idOf(alive)).toBe("id-1");
    for (const polled of dead) expect(await isPending(polled)).toBe(false);
  });

  test("of a client that is gone before it is heard swallow no event", async () => {
    const fixture = new Fixture();
    const gone = new AbortController();
    gone.abort();
    const dead = fixture.next({ signal: gone.signal });
    const alive = fixture.next();
    fixture.exchanges.dispatch(fixture.invocation);
    expect(await isPending(alive)).toBe(false);
    expect(await idOf(alive)).toBe("id-1");
    expect(await isPending(dead)).toBe(false);
  });

  test("leave the event for the next one when all clients are gone", async () => {
    const fixture = new Fixture();
    const gone = new AbortController();
    void fixture.next({ signal: gone.signal });
    gone.abort();
    fixture.exchanges.dispatch(fixture.invocation);
    expect(fixture.exchanges.state).toBe("Ready");
    expect(await idOf(fixture.next())).toBe("id-1");
  });

  test("get the same event again when it was lost on the way", async () => {
    const fixture = new Fixture();
    const gone = new AbortController();
    const lost = fixture.next({ signal: gone.signal });
    fixture.exchanges.dispatch(fixture.invocation);
    gone.abort();
    await lost;
    expect(await idOf(fixture.next())).toBe("id-1");
    expect(await idOf(fixture.next())).toBe("id-1");
    expect((await fixture.respond("id-1")).status).toBe(202);
  });
});
