import { describe, expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import type { Outcome } from "../../../src/environment/invocation.ts";
import { payloadChunk } from "../../../src/frontend/emulator/event-stream.ts";
import { bytes, crash, handlerError, response, streamPath, timeout, World } from "./world.ts";

interface Message {
  readonly headers: Record<string, string>;
  readonly payload: Buffer;
}

/** Takes messages apart by AWS's description of the format, checking lengths and both checksums. */
function decode(stream: Uint8Array): Message[] {
  const messages: Message[] = [];
  let rest = Buffer.from(stream);
  while (rest.length > 0) {
    const total = rest.readUInt32BE(0);
    const headersLength = rest.readUInt32BE(4);
    expect(rest.readUInt32BE(8)).toBe(crc32(rest.subarray(0, 8)));
    expect(rest.readUInt32BE(total - 4)).toBe(crc32(rest.subarray(0, total - 4)));
    const headers: Record<string, string> = {};
    for (let at = 12; at < 12 + headersLength; ) {
      const nameLength = rest.readUInt8(at);
      const name = rest.toString("utf8", at + 1, at + 1 + nameLength);
      expect(rest.readUInt8(at + 1 + nameLength)).toBe(7);
      const valueAt = at + 4 + nameLength;
      const valueLength = rest.readUInt16BE(valueAt - 2);
      headers[name] = rest.toString("utf8", valueAt, valueAt + valueLength);
      at = valueAt + valueLength;
    }
    messages.push({ headers, payload: rest.subarray(12 + headersLength, total - 4) });
    rest = rest.subarray(total);
  }
  return messages;
}

const chunkHeaders = {
  ":message-type": "event",
  ":event-type": "PayloadChunk",
  ":content-type": "application/octet-stream",
};
const completeHeaders = {
  ":message-type": "event",
  ":event-type": "InvokeComplete",
  ":content-type": "application/json",
};

type StreamEnd = { readonly errorType: string; readonly errorBody: string };

/** A response that comes when the test says so. */
class Streamed {
  readonly #ended = Promise.withResolvers<StreamEnd | undefined>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly outcome: Outcome = {
    kind: "stream",
    contentType: "text/plain",
    body: new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
    }),
    ended: this.#ended.promise,
  };

  write(text: string): void {
    this.#controller?.enqueue(bytes(text));
  }

  end(reason?: StreamEnd): void {
    this.#controller?.close();
    this.#ended.resolve(reason);
  }
}

/** The messages of an answer, and what InvokeComplete says. */
async function messagesOf(answer: Response): Promise<{ body: string; complete: unknown; count: number }> {
  const messages = decode(await answer.bytes());
  const last = messages.pop();
  expect(last?.headers).toEqual(completeHeaders);
  for (const { headers } of messages) expect(headers).toEqual(chunkHeaders);
  const body = Buffer.concat(messages.map(({ payload }) => payload)).toString();
  return { body, complete: JSON.parse(String(last?.payload)), count: messages.length };
}

describe("InvokeWithResponseStream", () => {
  test("T31: the frame of a chunk is AWS's, byte for byte", () => {
    expect(Buffer.from(payloadChunk(bytes("hi"))).toString("hex")).toBe(
      "0000006c0000005ab25efdcf0d3a6d6573736167652d747970650700056576656e740b3a6576656e742d7479706507000c5061796c6f61644368756e6b0d3a636f6e74656e742d747970650700186170706c69636174696f6e2f6f637465742d73747265616d6869314138e4",
    );
  });

  test("T30: passes each part on as it comes, and ends with exactly one InvokeComplete", async () => {
    const world = new World();
    const streamed = new Streamed();
    const called = world.post(streamPath, "{}");
    await world.settle();
    expect(world.requests[0]?.takesStream).toBe(true);
    world.invocations[0]?.respond(streamed.outcome);
    const answer = await called;
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/vnd.amazon.eventstream"]);
    expect(answer.headers.get("x-amz-executed-version")).toBe("$LATEST");
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const parts: string[] = [];
    for (const part of ["one", "two", "three"]) {
      streamed.write(part);
      const { value } = await reader.read();
      parts.push(...decode(value as Uint8Array).map(({ payload }) => payload.toString()));
    }
    expect(parts).toEqual(["one", "two", "three"]);
    streamed.end();
    const [complete] = decode((await reader.read()).value as Uint8Array);
    expect([complete?.headers, String(complete?.payload)]).toEqual([completeHeaders, "{}"]);
    expect((await reader.read()).done).toBe(true);
  });

  test("T32: has the end of the log in InvokeComplete where that is asked for", async () => {
    const world = new World({ outcome: () => response("body") });
    const answer = await world.post(streamPath, "{}", { "X-Amz-Log-Type": "Tail" });
    const { complete } = await messagesOf(answer);
    const { LogResult } = complete as Record<string, string>;
    expect(Buffer.from(LogResult ?? "", "base64").toString()).toMatch(/^START .*\nREPORT .*\n$/);
  });

  test("T33: shows a buffered response as chunks, an empty one as none", async () => {
    const large = "x".repeat(2_500_000);
    for (const [text, count] of [
      ['{"a":1}', 1],
      ["", 0],
      [large, 3],
    ] as const) {
      const world = new World({ outcome: () => response(text) });
      expect(await messagesOf(await world.post(streamPath, "{}"))).toEqual({ body: text, complete: {}, count });
    }
  });

  test("T34: tells an error that came behind the parts", async () => {
    const world = new World();
    const streamed = new Streamed();
    const called = world.post(streamPath, "{}");
    await world.settle();
    world.invocations[0]?.respond(streamed.outcome);
    streamed.write("half");
    streamed.end({ errorType: "Runtime.StreamError", errorBody: '{"errorMessage":"é"}' });
    expect(await messagesOf(await called)).toEqual({
      body: "half",
      complete: { ErrorCode: "Runtime.StreamError", ErrorDetails: '{"errorMessage":"é"}' },
      count: 1,
    });
    expect(world.history.entries[0]).toMatchObject({ errorType: "Runtime.StreamError" });
  });

  test.each([
    ["a handler's error (E15)", handlerError('{"errorType":"V"}', "V"), "V", '{"errorType":"V"}'],
    [
      "a crash",
      crash,
      "Runtime.ExitError",
      /^\{"errorMessage":"RequestId: .* Error: Runtime exited with error: exit status 1"/,
    ],
    ["a timeout", timeout, "Sandbox.Timedout", /Task timed out after 1\.00 seconds/],
    ["a response that is too large", { kind: "too large" }, "Function.ResponseSizeTooLarge", /6291556 bytes/],
  ] as [string, Outcome, string, string | RegExp][])(
    "T36: tells %s in InvokeComplete",
    async (_, outcome, code, details) => {
      const answer = await new World({ outcome: () => outcome }).post(streamPath, "{}");
      expect(answer.status).toBe(200);
      const { complete, count } = await messagesOf(answer);
      const { ErrorCode, ErrorDetails } = complete as Record<string, string>;
      expect([count, ErrorCode]).toEqual([0, code]);
      if (typeof details === "string") expect(ErrorDetails).toBe(details);
      else expect(ErrorDetails).toMatch(details);
    },
  );

  test("takes the call types it has, and no others", async () => {
    const world = new World();
    expect((await world.post(streamPath, "{}", { "X-Amz-Invocation-Type": "DryRun" })).status).toBe(204);
    expect((await world.post(streamPath, "{}", { "X-Amz-Invocation-Type": "Event" })).status).toBe(400);
    expect((await world.post(streamPath, "{")).status).toBe(400);
    expect(world.invocations).toHaveLength(0);
  });

  test("of a caller who leaves does not hold the environment up", async () => {
    const world = new World();
    const streamed = new Streamed();
    const called = world.post(streamPath, "{}");
    await world.settle();
    world.invocations[0]?.respond(streamed.outcome);
    const answer = await called;
    await answer.body?.cancel();
    world.invocations[0]?.settle();
    await world.settle();
    expect(world.pool.load.busy).toBe(0);
  });
});

describe("a raw stream on the route of Invoke", () => {
  const mode = { "Lambda-Runtime-Function-Response-Mode": "streaming" };

  test("E17: is the body as it comes", async () => {
    const world = new World();
    const streamed = new Streamed();
    const called = world.invoke("{}", mode);
    await world.settle();
    expect(world.requests[0]?.takesStream).toBe(true);
    world.invocations[0]?.respond(streamed.outcome);
    const answer = await called;
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/plain"]);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    for (const part of ["one", "\0\0"]) {
      streamed.write(part);
      expect(new TextDecoder().decode((await reader.read()).value)).toBe(part);
    }
    streamed.end();
    expect((await reader.read()).done).toBe(true);
  });

  test("E17: of a function that does not stream is the usual answer", async () => {
    const answer = await new World({ outcome: () => crash }).invoke("{}", mode);
    expect(answer.headers.get("x-amz-function-error")).toBe("Unhandled");
  });
});
