import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { isBeyondQemu } from "../support/target.ts";
import { Gate } from "./support/gate.ts";
import { type Init, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

async function started(command: readonly string[], options = {}): Promise<Init> {
  const init = startInit(command, options);
  await init.double.waitForReady();
  return init;
}

describe("bad input is answered 400 with a JSON error, and costs nothing else", () => {
  const rows: [what: string, body: string, message: string][] = [
    ["no JSON", "{", "the body is not JSON"],
    ["nothing", "", "the body is not JSON"],
    ["no object", "[]", "the body must be a JSON object"],
    ["null", "null", "the body must be a JSON object"],
    ["no id", '{"payload":"{}"}', "invoke-id is missing"],
    ["an empty id", '{"invoke-id":"","payload":"{}"}', "invoke-id is missing"],
    ["an id that is no text", '{"invoke-id":1,"payload":"{}"}', "invoke-id must be a text"],
    ["an id that leaves its path", '{"invoke-id":"../x","payload":"{}"}', "invoke-id is"],
    ["an id that is two dots", '{"invoke-id":"..","payload":"{}"}', "invoke-id is"],
    ["an id with a backslash", '{"invoke-id":"a\\\\b","payload":"{}"}', "invoke-id is"],
    ["an id with a quote", '{"invoke-id":"a\\"b","payload":"{}"}', "invoke-id is"],
    ["an id with a control character", '{"invoke-id":"a\\u0007b","payload":"{}"}', "invoke-id is"],
    ["an id that is not ASCII", '{"invoke-id":"ä","payload":"{}"}', "invoke-id is"],
    ["an id that fits no header", `{"invoke-id":"${"a".repeat(100_000)}","payload":"{}"}`, "invoke-id is"],
    ["no payload", '{"invoke-id":"a"}', "payload is missing"],
    ["a payload that is no text", '{"invoke-id":"a","payload":{}}', "payload must be a text"],
    ["a trace id that is no text", '{"invoke-id":"a","payload":"{}","trace-id":7}', "trace-id must be a text"],
    [
      "a client context that is no base64",
      '{"invoke-id":"a","payload":"{}","client-context":"%"}',
      "client-context must be",
    ],
  ];
  test.each(rows)("%s", async (_, body, message) => {
    const init = await started(runFixture("echoes.ts"));
    const answer = await init.post(body);
    expect(answer.status).toBe(400);
    const error = (await answer.json()) as Record<string, string>;
    expect(error.errorType).toBe("InvalidRequestFormat");
    expect(error.errorMessage).toStartWith(message);
    expect((await init.invoke("1")).body).toBe("1");
    expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready", "logs", "response"]);
  });
});

test("an invocation is answered OK before it runs; other methods and paths are refused", async () => {
  const init = await started(runFixture("does-what-the-event-says.ts"));
  const answer = await init.post('{"invoke-id":"a","payload":"{\\"hang\\":true}"}');
  expect([answer.status, await answer.text()]).toEqual([200, "OK"]);
  expect((await fetch(`http://127.0.0.1:${init.invokePort}/invoke`)).status).toBe(405);
  expect((await fetch(`http://127.0.0.1:${init.invokePort}/other`)).status).toBe(404);
});

test("the runtime sees the id, the ARN, the trace id, the deadline and the client context", async () => {
  const init = await started(runFixture("shows-its-process.ts"), { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "7" } });
  const before = Date.now();
  const { id, body } = await init.invoke('{"ü":1}', {
    arn: "arn:aws:lambda:us-east-1:000000000000:function:fn:live",
    traceId: "Root=1-2-3;Parent=4;Sampled=1;Lineage=5",
    extra: { "client-context": btoa('{"custom":{"a":"b"}}'), "unknown-key": { nested: true }, "is-init-retry": false },
  });
  const { headers, event } = JSON.parse(body) as { headers: Record<string, string>; event: string };
  expect(event).toBe('{"ü":1}');
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "lambda-runtime-aws-request-id": id,
    "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:000000000000:function:fn:live",
    "lambda-runtime-trace-id": "Root=1-2-3;Parent=4;Sampled=1;Lineage=5",
    "lambda-runtime-client-context": '{"custom":{"a":"b"}}',
  });
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  expect(deadline).toBeGreaterThanOrEqual(before + 7000);
  expect(deadline).toBeLessThanOrEqual(Date.now() + 7000);
});

test("what was not said is not sent on", async () => {
  const init = await started(runFixture("shows-its-process.ts"));
  await init.post('{"invoke-id":"bare","payload":"{}","trace-id":null}');
  const { headers } = JSON.parse((await init.double.waitForResult("bare")).body);
  expect(
    Object.keys(headers)
      .filter((name) => name.startsWith("lambda-runtime-"))
      .sort(),
  ).toEqual(["lambda-runtime-aws-request-id", "lambda-runtime-deadline-ms", "lambda-runtime-invocation-id"]);
});

test("the same id runs once while it runs and right after", async () => {
  const init = await started(runFixture("does-what-the-event-says.ts"));
  let id: string;
  let beganAt: number;
  // For a second after its end an invocation is not run again: a round that took longer shows nothing, and is repeated.
  do {
    id = crypto.randomUUID();
    beganAt = performance.now();
    const body = JSON.stringify({ "invoke-id": id, payload: '{"respondBytes":1000000}' });
    const answers = await Promise.all([init.post(body), init.post(body), init.post(body)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await init.double.waitForResult(id);
    expect((await init.post(body)).status).toBe(200);
  } while (performance.now() - beganAt > 1000);
  await init.invoke("{}");
  expect(init.double.callbacks.filter(({ kind, requestId }) => kind === "response" && requestId === id)).toHaveLength(
    1,
  );
});

test("invocations that come while one runs are run after it, in their order", async () => {
  const init = await started(runFixture("echoes.ts"));
  const payloads = ["1", "2", "3", "4", "5"].map((number) => number.repeat(100_000));
  // Each is taken at once, long before the ones before it have been told.
  for (const payload of payloads) await init.send(payload, { id: `id-${payload[0]}` });
  await init.double.waitForResult("id-5");
  const results = init.double.callbacks.filter(({ kind }) => kind === "response");
  expect(results.map(({ text }) => text[0])).toEqual(["1", "2", "3", "4", "5"]);
});

test("one that comes during init waits for it", async () => {
  const gate = new Gate();
  const init = startInit(["sh", "-c", 'read line < "$GATE"; exec "$@"', "sh", ...runFixture("echoes.ts")], {
    env: { GATE: gate.path },
  });
  let id: string | undefined;
  while (id === undefined) id = await init.send('"early"').catch(() => undefined); // Until the server listens.
  await gate.open();
  expect((await init.double.waitForResult(id)).body).toBe('"early"');
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready", "logs", "response"]);
});

describe("a body that no event can need", () => {
  test.skipIf(isBeyondQemu("memory")).each([200_000_000, undefined])(
    "of %p bytes by its head is answered 413, takes no memory, and costs nothing else",
    async (length) => {
      const init = await started(runFixture("echoes.ts"));
      const chunk = Buffer.alloc(1_000_000, "x");
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(chunk);
          if (sent++ === 200) controller.close();
        },
      });
      let sent = 0;
      const answer = await init.post(length ? Buffer.alloc(length, "x") : body);
      expect(answer.status).toBe(413);
      expect(await answer.json()).toMatchObject({ errorType: "RequestTooLarge" });
      expect(init.peakRssMb()).toBeLessThan(130);
      expect((await init.invoke("1")).body).toBe("1");
    },
  );

  test("while the largest event is taken, however it is written", async () => {
    const init = await started(runFixture("does-what-the-event-says.ts"));
    const text = "ü".repeat(3_145_600);
    const payload = JSON.stringify({ respond: text.slice(0, 5), text });
    const ascii = JSON.stringify({ "invoke-id": "large", payload }).replaceAll("ü", "\\u00fc");
    expect((await init.post(ascii)).status).toBe(200);
    expect((await init.double.waitForResult("large")).body).toBe("üüüüü");
  });
});

test("a client that breaks off half-way is told of in one quiet line, and nothing runs", async () => {
  const init = await started(runFixture("echoes.ts"), { env: { LOCALSTACK_INIT_LOG_LEVEL: "info" } });
  const socket = connect(init.invokePort, "127.0.0.1");
  socket.write("POST /invoke HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  await init.invoke("1");
  socket.destroy();
  await init.waitForStderr("POST /invoke was broken off");
  await init.invoke("2");
  expect(init.stderr).not.toContain("please report this");
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready", "logs", "response", "logs", "response"]);
});
