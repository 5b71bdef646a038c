/**
 * The answer of InvokeWithResponseStream: messages of AWS's event stream (docs/contract/emulator.md 2.5 and 2.7).
 * Loaded with the first such call.
 */
import { EventStreamCodec } from "@smithy/core/event-streams";
import type { StreamEnd } from "../../environment/answer-stream.ts";
import type { Outcome } from "../../environment/invocation.ts";
import { toResult } from "./results.ts";

export const eventStreamType = "application/vnd.amazon.eventstream";

/** Bytes of one message's payload at most: clients take 16 MB. */
const maxChunkBytes = 1024 * 1024;

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes)),
  (text) => new TextEncoder().encode(text),
);

export function payloadChunk(payload: Uint8Array): Uint8Array {
  return encode("PayloadChunk", "application/octet-stream", payload);
}

/** The last message. Keys that are not given are not there. */
export function invokeComplete(content: { ErrorCode?: string; ErrorDetails?: string; LogResult?: string }): Uint8Array {
  return encode("InvokeComplete", "application/json", new TextEncoder().encode(JSON.stringify(content)));
}

/** Without `:message-type` the JavaScript SDK throws a TypeError. */
function encode(eventType: string, contentType: string, body: Uint8Array): Uint8Array {
  const header = (value: string) => ({ type: "string", value }) as const;
  const headers = {
    ":message-type": header("event"),
    ":event-type": header(eventType),
    ":content-type": header(contentType),
  };
  return codec.encode({ headers, body });
}

export interface StreamedAnswer {
  readonly outcome: Outcome;
  readonly requestId: string;
  /** The end of the log in base64; absent where it was not asked for. */
  readonly logTail?: () => Promise<string>;
}

/** The messages of an answer, for a body. A caller who leaves ends the reading; the function runs on. */
export function eventStreamBody(answer: StreamedAnswer): ReadableStream<Uint8Array> {
  const messages = eventStream(answer);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await messages.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
      // Not waited for: it may be in the middle of waiting for the next piece.
      void messages.return(undefined);
    },
  });
}

/**
 * The messages of an answer, as its pieces come. It never breaks off: what went wrong stands in the last message.
 */
async function* eventStream({ outcome, requestId, logTail }: StreamedAnswer): AsyncGenerator<Uint8Array> {
  let end: StreamEnd | undefined;
  if (outcome.kind === "stream") {
    for await (const chunk of outcome.body) yield* chunksOf(chunk);
    end = await outcome.ended;
  } else {
    const { body, errorType } = toResult(outcome, requestId);
    if (errorType === undefined) yield* chunksOf(toBytes(body));
    else end = { errorType, errorBody: new TextDecoder().decode(toBytes(body)) };
  }
  yield invokeComplete({
    ...(end ? { ErrorCode: end.errorType, ErrorDetails: end.errorBody } : {}),
    ...(logTail ? { LogResult: await logTail() } : {}),
  });
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += maxChunkBytes) {
    yield payloadChunk(bytes.subarray(from, from + maxChunkBytes));
  }
}

function toBytes(body: Uint8Array | string): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}
