/** Errors a runtime reports behind its response. They come over a connection: a `Request` of the engine has no trailers. */
import { describe, expect, test } from "bun:test";
import { Exchanges } from "../../src/environment/exchanges.ts";
import { Extensions } from "../../src/environment/extensions/extensions.ts";
import { managedInstance, oneAtATime } from "../../src/environment/policy.ts";
import { createRuntimeApi } from "../../src/runtime-api/app.ts";
import { host, Fixture as Wire } from "../net/listener/support.ts";
import { apiOptions, invocationOf } from "./fixture.ts";

interface Setting {
  readonly takesStream?: boolean;
  readonly isManaged?: boolean;
}

const typeTrailer = "Lambda-Runtime-Function-Error-Type";
const bodyTrailer = "Lambda-Runtime-Function-Error-Body";
const error = '{"errorMessage":"half-way \u00fc","errorType":"Error"}';

/** Lets a runtime answer `half` with these trailers. @returns its invocation, and what it was told */
async function answer(trailers: string, { takesStream = false, isManaged = false }: Setting) {
  const policy = isManaged ? managedInstance(2, undefined) : oneAtATime;
  const exchanges = new Exchanges(policy, {
    onFirstNext() {},
    onRestoreNext() {},
    onInitError() {},
    onInitErrorLost() {},
  });
  const runtimeHost = { exchanges, extensions: new Extensions(policy, () => {}) };
  const app = createRuntimeApi({ ...apiOptions(), isManaged, host: runtimeHost });
  const wire = new Wire((request) => app.fetch(request));
  const invocation = invocationOf({ takesStream });
  wire.receive(`GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n${host}\r\n`);
  exchanges.dispatch(invocation);
  await wire.sent();
  wire.receive(
    `POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\n${host}Content-Type: a/b\r\n` +
      `Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n` +
      `4\r\nhalf\r\n0\r\n${trailers}\r\n`,
  );
  return { outcome: await invocation.answer, status: (await wire.sent()).split("\r\n")[0] };
}

const both = `${typeTrailer}: My.Error\r\n${bodyTrailer}: ${Buffer.from(error).toString("base64")}\r\n`;
const accepted = "HTTP/1.1 202 Accepted";

async function endOf(trailers: string) {
  const { outcome, status } = await answer(trailers, { takesStream: true });
  if (outcome.kind !== "stream") throw new Error(`the outcome is ${outcome.kind}`);
  return { body: await new Response(outcome.body).text(), end: await outcome.ended, status };
}

describe("a stream", () => {
  test("ends with the error behind it, its type as it was given", async () => {
    expect(await endOf(both)).toEqual({
      body: "half",
      end: { errorType: "My.Error", errorBody: error },
      status: accepted,
    });
  });

  test("may have an error of which nothing more is said", async () => {
    const { end } = await endOf(`${typeTrailer.toLowerCase()}: My.Error\r\n`);
    expect(end).toEqual({ errorType: "My.Error", errorBody: "" });
  });

  test.each(["", "Other: x\r\n", `${bodyTrailer}: e30=\r\n`, `${typeTrailer}:\r\n`])(
    "ends well with the trailers %j",
    async (trailers) => {
      expect(await endOf(trailers)).toEqual({ body: "half", end: undefined, status: accepted });
    },
  );
});

test("a response that is taken whole stands as far as it came, as AWS's emulator has it", async () => {
  const { outcome, status } = await answer(both, {});
  expect(outcome).toMatchObject({ kind: "response", contentType: "a/b" });
  expect(status).toBe(accepted);
});

test("a managed instance's becomes the error behind it, its type sorted", async () => {
  const { outcome, status } = await answer(both, { isManaged: true });
  expect(outcome).toEqual({
    kind: "error",
    body: error,
    contentType: "application/json",
    errorType: "Runtime.Unknown",
  });
  expect(status).toBe(accepted);
});
