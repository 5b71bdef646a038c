import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { EventStreamCodec } from "@smithy/core/event-streams";
import { talk } from "../support/talk.ts";
import { isBeyondQemu } from "../support/target.ts";
import { nodeClient, whyMissing } from "./support/clients.ts";
import {
  type Emulator,
  invokePath,
  scriptedRuntime,
  startEmulator,
  stopEmulators,
  streamPath,
  textOf,
  withReport,
} from "./support/emulator.ts";
import { Gate } from "./support/gate.ts";
import { fixture } from "./support/init.ts";

afterEach(stopEmulators);

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes)),
  (text) => new TextEncoder().encode(text),
);

interface Message {
  readonly type: string;
  readonly payload: Buffer;
}

/** The messages of an answer as they come; the codec checks lengths and both checksums. */
async function* messagesOf(answer: Response): AsyncGenerator<Message> {
  let held = Buffer.alloc(0);
  for await (const bytes of answer.body as ReadableStream<Uint8Array>) {
    held = Buffer.concat([held, bytes]);
    while (held.length >= 4 && held.length >= held.readUInt32BE(0)) {
      const length = held.readUInt32BE(0);
      const { headers, body } = codec.decode(held.subarray(0, length));
      held = held.subarray(length);
      expect(Object.keys(headers).sort()).toEqual([":content-type", ":event-type", ":message-type"]);
      yield { type: String(headers[":event-type"]?.value), payload: Buffer.from(body) };
    }
  }
  expect(held.length).toBe(0);
}

interface StreamOptions {
  readonly headers?: Record<string, string>;
  /** Opened in turn: one whenever a message was read. */
  readonly gates?: readonly Gate[];
}

async function stream(emulator: Emulator, script: object, { headers = {}, gates = [] }: StreamOptions = {}) {
  const answer = await emulator.post(JSON.stringify(script), headers, streamPath);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/vnd.amazon.eventstream"]);
  const messages: Message[] = [];
  for await (const message of messagesOf(answer)) {
    await gates[messages.length]?.open();
    messages.push(message);
  }
  const complete = messages.pop();
  expect(complete?.type).toBe("InvokeComplete");
  expect(messages.filter(({ type }) => type !== "PayloadChunk")).toEqual([]);
  return {
    messages,
    body: Buffer.concat(messages.map(({ payload }) => payload)).toString(),
    complete: JSON.parse(String(complete?.payload)) as Record<string, string>,
  };
}

describe("InvokeWithResponseStream", () => {
  test("T30: passes parts on when they are sent", async () => {
    const emulator = await startEmulator(scriptedRuntime, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "30" } });
    await emulator.ask();
    const gates = [new Gate(), new Gate(), new Gate()];
    // Behind each part the runtime waits until it was read.
    const parts = ["one", "two", "three"].flatMap((part, at) => [part, { until: gates[at]?.path }]);
    const { messages, body, complete } = await stream(emulator, { stream: { parts } }, { gates });
    expect([messages.length, body, complete]).toEqual([3, "onetwothree", {}]);
  });

  test("T32, T33: has the log where it is asked for, and shows a buffered response as chunks", async () => {
    const emulator = await startEmulator();
    const script = { print: "said\n", respond: '{"a":1}' };
    const { body, complete } = await withReport(
      () => stream(emulator, script, { headers: { "X-Amz-Log-Type": "Tail" } }),
      (answer) => answer.complete.LogResult ?? "",
    );
    expect([body, Object.keys(complete)]).toEqual(['{"a":1}', ["LogResult"]]);
    expect(textOf(complete.LogResult ?? "")).toMatch(/^START .*\nsaid\nEND .*\nREPORT .*\n$/);
  });

  test("T34: tells an error that came half-way, and serves the next call", async () => {
    const emulator = await startEmulator();
    const end = { errorType: "Runtime.HalfWay", errorBody: '{"errorMessage":"broke"}' };
    const { body, complete } = await stream(emulator, { stream: { parts: ["half"], end } });
    expect([body, complete]).toEqual(["half", { ErrorCode: end.errorType, ErrorDetails: end.errorBody }]);
    expect((await stream(emulator, { stream: { parts: ["whole"] } })).complete).toEqual({});
  });

  test.skipIf(whyMissing(nodeClient) !== undefined)(
    "T34: tells of a handler of the real Node.js client that fails half-way",
    async () => {
      const cwd = fixture("node-handlers");
      const emulator = await startEmulator(nodeClient.command(nodeClient.directory, "streams-half.handler"), {
        cwd,
        env: { LAMBDA_TASK_ROOT: cwd, _HANDLER: "streams-half.handler", AWS_LAMBDA_FUNCTION_TIMEOUT: "20" },
      });
      const { body, complete } = await stream(emulator, { n: 1, fails: true });
      expect(body).toBe("half of 1");
      expect(complete.ErrorCode).toBe("Error");
      expect(complete.ErrorDetails).toContain("broke half-way");
      expect(await stream(emulator, { n: 2 })).toMatchObject({ body: "half of 2", complete: {} });
    },
  );

  test("T36: tells of a crash and of a timeout half-way, without cutting the connection", async () => {
    const emulator = await startEmulator(scriptedRuntime, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" } });
    const gate = new Gate();
    const parts = ["half", { until: gate.path }];
    const killed = await stream(emulator, { stream: { parts, end: "kill" } }, { gates: [gate] });
    expect([killed.body, killed.complete.ErrorCode]).toEqual(["half", "Runtime.ExitError"]);
    const overdue = await stream(emulator, { stream: { parts: ["half"], end: "hang" } });
    expect([overdue.body, overdue.complete.ErrorCode]).toEqual(["half", "Sandbox.Timedout"]);
    expect((await stream(emulator, { stream: { parts: ["whole"] } })).complete).toEqual({});
  });

  test.skipIf(isBeyondQemu("memory"))("T35: takes 200 MB at the pace of a slow reader, in little memory", async () => {
    const emulator = await startEmulator(scriptedRuntime, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "60" } });
    await emulator.ask();
    const size = 200 * 1024 * 1024;
    const answer = await emulator.post(JSON.stringify({ stream: { parts: [], bytes: size } }), {}, streamPath);
    let bytes = 0;
    let peakMb = 0;
    let last = "";
    for await (const { type, payload } of messagesOf(answer)) {
      last = type;
      if (type !== "PayloadChunk") continue;
      bytes += payload.length;
      peakMb = Math.max(peakMb, rssMb(emulator.process.pid));
    }
    expect([bytes, last]).toEqual([size, "InvokeComplete"]);
    expect(peakMb).toBeLessThan(150);
  });
});

describe("a raw stream on the route of Invoke", () => {
  test("E17: comes as it is sent, with the error behind it", async () => {
    const emulator = await startEmulator();
    const mode = { "Lambda-Runtime-Function-Response-Mode": "streaming" };
    const answer = await emulator.post(
      JSON.stringify({ stream: { parts: ["a", "b"], everyMs: 100, contentType: "text/x" } }),
      mode,
      invokePath,
    );
    expect([answer.headers.get("content-type"), await answer.text()]).toEqual(["text/x", "ab"]);
    const end = { errorType: "Runtime.HalfWay", errorBody: "{}" };
    const text = await rawStream(emulator, JSON.stringify({ stream: { parts: ["half"], end } }));
    expect(text).toContain("Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n");
    expect(text).toContain("Lambda-Runtime-Function-Error-Type: Runtime.HalfWay\r\n");
    expect(text).toContain(`Lambda-Runtime-Function-Error-Body: ${Buffer.from("{}").toString("base64")}\r\n`);
  });
});

/** A raw stream to its end, byte for byte. */
async function rawStream({ port }: Emulator, body: string): Promise<string> {
  const head = [
    `POST ${invokePath} HTTP/1.1`,
    "Host: x",
    "Lambda-Runtime-Function-Response-Mode: streaming",
    `Content-Length: ${body.length}`,
  ];
  const isWhole = (text: string) => /\r\n0\r\n([\s\S]*\r\n)?\r\n$/.test(text);
  return (await talk(port, `${head.join("\r\n")}\r\n\r\n${body}`, isWhole)).text;
}

function rssMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}
