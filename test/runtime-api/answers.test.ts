import { describe, expect, test } from "bun:test";
import type { Settlement } from "../../src/environment/invocation.ts";
import {
  accepted,
  base,
  chunked,
  Fixture,
  invalidId,
  invalidMode,
  invocationOf,
  isPending,
  maxPayloadBytes,
  payloadTooLarge,
  refused,
  seen,
  truncated,
  unfinished,
} from "./fixture.ts";

const modeHeader = "Lambda-Runtime-Function-Response-Mode";

/** The runtime polls again after its answer: the invocation is settled. */
async function settle(fixture: Fixture): Promise<Settlement> {
  expect(await isPending(fixture.invocation.over)).toBe(true);
  void fixture.next();
  return await fixture.invocation.over;
}

async function running(): Promise<Fixture> {
  return await Fixture.in("Running");
}

describe("a response", () => {
  test.each([
    ["JSON", '{"a":1}'],
    ["nothing", ""],
    ["text", "not JSON"],
    ["an object that looks like an error", '{"errorType":"X","errorMessage":"Y"}'],
    ["characters of several bytes", '"😀ü"'],
  ])("of %s is taken as it is", async (_what, body) => {
    const fixture = await running();
    expect(await seen(await fixture.respond("id-1", Buffer.from(body), { "Content-Type": "a/b; c=d" }))).toEqual(
      accepted,
    );
    const { outcome, isRuntimeReady } = await settle(fixture);
    expect(outcome).toEqual({ kind: "response", body: expect.anything(), contentType: "a/b; c=d" });
    expect(Buffer.from((outcome as { body: Uint8Array }).body).toString()).toBe(body);
    expect(isRuntimeReady).toBe(true);
  });

  test("of bytes that are no text is taken byte for byte", async () => {
    const fixture = await running();
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    await fixture.respond("id-1", chunked(bytes));
    const { outcome } = await settle(fixture);
    expect(Buffer.from((outcome as { body: Uint8Array }).body).equals(bytes)).toBe(true);
    expect(outcome).toMatchObject({ contentType: "" });
  });

  test.each(["", "streaming"])("in the mode %j is buffered", async (mode) => {
    const fixture = await running();
    expect(await seen(await fixture.respond("id-1", chunked("part by part", 3), { [modeHeader]: mode }))).toEqual(
      accepted,
    );
    expect((await settle(fixture)).outcome.kind).toBe("response");
  });

  test.each(["buffered", "Streaming", "STREAMING", "stream", "streaming, streaming2"])(
    "in the unknown mode %j is refused, fails the invocation, and lets the runtime go on",
    async (mode) => {
      const fixture = await running();
      expect(await seen(await fixture.respond("id-1", "{}", { [modeHeader]: mode }))).toEqual(invalidMode);
      expect(fixture.exchanges.state).toBe("RuntimeResponseSentState");
      const { outcome, isRuntimeReady } = await settle(fixture);
      expect(outcome).toMatchObject({ kind: "fault", fault: { type: "Runtime.InvalidResponseModeHeader" } });
      expect(isRuntimeReady).toBe(true);
    },
  );

  test("after which the runtime is still sending is not complete", async () => {
    const fixture = await running();
    const { body, push, end } = unfinished();
    const reply = fixture.respond("id-1", body);
    push("first");
    expect(await isPending(reply)).toBe(true);
    expect(fixture.exchanges.state).toBe("InvocationResponse");
    push(" second");
    end();
    expect(await seen(await reply)).toEqual(accepted);
    const { outcome } = await settle(fixture);
    expect(Buffer.from((outcome as { body: Uint8Array }).body).toString()).toBe("first second");
  });
});

describe.each(["response", "error"] as const)("the body of a %s", (call) => {
  const answer = (fixture: Fixture, body: Bun.BodyInit, headers?: Record<string, string>) =>
    call === "response" ? fixture.respond("id-1", body, headers) : fixture.fail("id-1", body, headers);

  const sizes: [what: string, text: string, isWithin: boolean][] = [
    ["of one byte", "x", true],
    ["of the limit", "x".repeat(maxPayloadBytes), true],
    ["one byte above", "x".repeat(maxPayloadBytes + 1), false],
    ["of the limit in characters of two bytes", "é".repeat(maxPayloadBytes / 2), true],
    ["one byte above in characters of two bytes", `x${"é".repeat(maxPayloadBytes / 2)}`, false],
    ["far above", "x".repeat(maxPayloadBytes * 50), false],
  ];
  const cases = sizes.flatMap(([what, text, isWithin]) =>
    (["with its length", "in chunks", "in one chunk"] as const).map((how) => [what, how, text, isWithin] as const),
  );

  test.each(cases)("%s, sent %s", async (_what, how, text, isWithin) => {
    const fixture = await running();
    const bytes = Buffer.from(text);
    const body = how === "with its length" ? bytes : chunked(bytes, how === "in chunks" ? 64 : bytes.length);
    const headers = how === "with its length" ? { "Content-Length": String(bytes.length) } : undefined;
    expect(await seen(await answer(fixture, body, headers))).toEqual(isWithin ? accepted : payloadTooLarge);
    expect(fixture.exchanges.state).toBe("RuntimeResponseSentState");
    const { outcome, isRuntimeReady } = await settle(fixture);
    expect(outcome.kind).toBe(isWithin ? call : "too large");
    expect(isRuntimeReady).toBe(true);
    if (isWithin) expect(Buffer.from((outcome as { body: Uint8Array }).body).toString()).toBe(text);
  });

  test("that breaks off fails the invocation with a name, and lets the runtime go on", async () => {
    const fixture = await running();
    const { body, push, cut } = unfinished();
    const reply = answer(fixture, body);
    push("half");
    cut();
    expect(await seen(await reply)).toEqual(truncated);
    expect(fixture.exchanges.state).toBe("RuntimeResponseSentState");
    const { outcome } = await settle(fixture);
    expect(outcome).toMatchObject({ kind: "fault", fault: { type: "Runtime.TruncatedResponse" } });
  });

  test("may be absent", async () => {
    const fixture = await running();
    const path = `/2018-06-01/runtime/invocation/id-1/${call}`;
    expect(await seen(await fixture.fetch("POST", path))).toEqual(accepted);
    expect((await settle(fixture)).outcome.kind).toBe(call);
  });
});

describe("checks are made in the order id, state, mode, body", () => {
  const tooLarge = () => chunked("x".repeat(maxPayloadBytes + 1));
  const badMode = { [modeHeader]: "buffered" };

  test("all wrong: the id", async () => {
    const fixture = await Fixture.in("RuntimeResponseSentState");
    expect(await seen(await fixture.respond("id-2", tooLarge(), badMode))).toEqual(invalidId);
    expect(await seen(await fixture.fail("id-2", tooLarge(), badMode))).toEqual(invalidId);
  });

  test("all but the id wrong: the state", async () => {
    const fixture = await Fixture.in("RuntimeResponseSentState");
    const state = "RuntimeResponseSentState";
    expect(await seen(await fixture.respond("id-1", tooLarge(), badMode))).toEqual(
      refused(state, "InvocationResponse"),
    );
    expect(await seen(await fixture.fail("id-1", tooLarge()))).toEqual(refused(state, "InvocationErrorResponse"));
  });

  test("mode and body wrong: the mode", async () => {
    const fixture = await running();
    expect(await seen(await fixture.respond("id-1", tooLarge(), badMode))).toEqual(invalidMode);
  });

  test("an error knows no mode", async () => {
    const fixture = await running();
    expect(await seen(await fixture.fail("id-1", "{}", badMode))).toEqual(accepted);
  });
});

describe("an answer that comes after the timeout carries an invalid id", () => {
  const late: [what: string, answer: (fixture: Fixture) => Promise<Response>][] = [
    ["a response", (fixture) => fixture.respond("id-1")],
    ["an error", (fixture) => fixture.fail("id-1")],
    ["a response in an unknown mode", (fixture) => fixture.respond("id-1", "{}", { [modeHeader]: "buffered" })],
    ["a response that is too large", (fixture) => fixture.respond("id-1", "x".repeat(maxPayloadBytes + 1))],
  ];

  test.each(late)("%s, each time", async (_what, answer) => {
    const fixture = await running();
    const fault = { type: "Sandbox.Timedout", reason: "Task timed out after 1.00 seconds" } as const;
    fixture.invocation.end({ kind: "timeout", fault });
    for (const _ of [1, 2]) expect(await seen(await answer(fixture))).toEqual(invalidId);
    expect((await fixture.invocation.over).outcome.kind).toBe("timeout");
  });

  test("also when it was under way already", async () => {
    const fixture = await running();
    const { body, push, end } = unfinished();
    const reply = fixture.respond("id-1", body);
    push("too ");
    expect(await isPending(reply)).toBe(true);
    fixture.invocation.end({ kind: "stopped" });
    push("late");
    end();
    expect(await seen(await reply)).toEqual(invalidId);
    expect((await fixture.invocation.over).outcome.kind).toBe("stopped");
  });
});

describe("the id of an attempt", () => {
  const header = "Lambda-Runtime-Invocation-Id";

  test.each(["response", "error"])("E1: of an earlier one is too late for a %s, and changes nothing", async (call) => {
    const fixture = await running();
    const reply = await fixture.fetch("POST", `${base}/invocation/id-1/${call}`, {
      body: "{}",
      headers: { [header]: invocationOf().invocationId },
    });
    expect(await seen(reply)).toEqual({
      status: 410,
      body: '{"errorMessage":"Invoke timeout","errorType":"InvokeTimeout"}\n',
      contentType: "application/json",
    });
    expect(fixture.exchanges.state).toBe("Running");
    expect(await seen(await fixture.respond("id-1"))).toEqual(accepted);
  });

  test("E2: need not be sent back", async () => {
    const fixture = await running();
    expect(await seen(await fixture.respond("id-1"))).toEqual(accepted);
  });

  test("is sent back as it was given", async () => {
    const fixture = await running();
    const reply = await fixture.respond("id-1", "{}", { [header]: fixture.invocation.invocationId });
    expect(await seen(reply)).toEqual(accepted);
  });
});
