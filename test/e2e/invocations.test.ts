import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Gate } from "./support/gate.ts";
import { type Init, runFixture, startInit, stopAll } from "./support/init.ts";

let init: Init;

afterEach(stopAll);

function start(options: Parameters<typeof startInit>[1] = {}): void {
  init = startInit(runFixture("does-what-the-event-says.ts"), options);
}

const say = (instruction: object) => init.invoke(JSON.stringify(instruction));

describe("a result", () => {
  beforeEach(() => start());

  test("is what the runtime responded, to the byte", async () => {
    expect(await say({ respond: "ü \u0000 <>&" })).toMatchObject({ kind: "response", body: "ü \u0000 <>&" });
  });

  test("is a response although it has an errorType", async () => {
    const body = '{"errorType":"looks","errorMessage":"like one"}';
    expect(await say({ respond: body })).toMatchObject({ kind: "response", body });
  });

  test("is an error although it is no JSON", async () => {
    expect(await say({ error: "plain text" })).toMatchObject({ kind: "error", body: "plain text" });
  });

  test("is the error as the runtime gave it, and the same runtime serves the next invocation", async () => {
    const error = '{"errorType":"ValueError","errorMessage":"no","stackTrace":["a"],"requestId":"kept"}';
    expect(await say({ error })).toMatchObject({ kind: "error", body: error });
    expect((await say({})).body).toContain('"count":2');
  });

  test("of the structured error type is reduced to what the invoker gets", async () => {
    const error = '{"errorType":"E","errorMessage":"<m>","stackTrace":[],"errorCause":{},"other":1}';
    const headers = { "Content-Type": "application/vnd.aws.lambda.error.cause+json" };
    expect((await say({ error, headers })).body).toBe('{"errorMessage":"\\u003cm\\u003e","errorType":"E"}');
  });

  test("may be answered only once", async () => {
    expect((await say({ respond: "first", answerTwice: true })).body).toBe("first");
    expect((await say({})).body).toContain('"status":403');
  });

  test("with an unknown response mode is an error of a name, and the runtime goes on", async () => {
    const headers = { "Lambda-Runtime-Function-Response-Mode": "buffered" };
    const { kind, body, id } = await say({ respond: "x", headers });
    expect(kind).toBe("error");
    expect(JSON.parse(body)).toMatchObject({ errorType: "Runtime.InvalidResponseModeHeader" });
    expect(JSON.parse(body).errorMessage).toStartWith(`RequestId: ${id} Error: `);
    const { lastReply, count } = JSON.parse((await say({})).body);
    expect(count).toBe(2);
    expect(lastReply).toEqual({
      status: 400,
      text: '{"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}\n',
    });
  });
});

describe("the payload limit", () => {
  test.each([
    ["a response of exactly the limit passes", { respondBytes: 6_291_556 }],
    ["an error of exactly the limit passes", { error: "e".repeat(6_291_000) }],
  ])("%s", async (_, instruction) => {
    start();
    const { kind, body } = await say(instruction);
    expect(kind).toBe("error" in instruction ? "error" : "response");
    expect(body.length).toBeGreaterThan(6_290_000);
  });

  test("one byte more is an error of LocalStack's wording; the runtime is told 413 and goes on", async () => {
    start({ env: { LOCALSTACK_MAX_PAYLOAD_SIZE: "1000" } });
    expect(await say({ respondBytes: 1000 })).toMatchObject({ kind: "response" });
    expect(await say({ respondBytes: 1001 })).toMatchObject({
      kind: "error",
      body: '{"errorMessage":"Response payload size exceeded maximum allowed payload size (1000 bytes).","errorType":"Function.ResponseSizeTooLarge"}',
    });
    const { lastReply, count } = JSON.parse((await say({})).body);
    expect(count).toBe(3);
    expect(lastReply).toEqual({
      status: 413,
      text: '{"errorMessage":"Exceeded maximum allowed payload size (1000 bytes).","errorType":"RequestEntityTooLarge"}\n',
    });
    expect((await say({ error: "e".repeat(900), headers: { x: "y" } })).kind).toBe("error");
  });
});

describe("a failed invocation", () => {
  const rows: [what: string, instruction: object, reason: string][] = [
    ["exits with 3", { exit: 3 }, "Runtime exited with error: exit status 3"],
    ["exits with 0", { exit: 0 }, "Runtime exited without providing a reason"],
    ["is killed", { kill: "SIGKILL" }, "Runtime exited with error: signal: killed"],
    ["crashes", { kill: "SIGSEGV" }, "Runtime exited with error: signal: segmentation fault"],
  ];
  test.each(rows)(
    "whose runtime %s ends at once; the fault is a status error too; fresh processes follow",
    async (_, instruction, reason) => {
      start();
      await say({});
      const { id, kind, body } = await say(instruction);
      const told = `{"errorMessage":"RequestId: ${id} Error: ${reason}","errorType":"Runtime.ExitError"}`;
      expect({ kind, body }).toEqual({ kind: "error", body: told });
      expect((await init.double.waitForStatusError()).text).toBe(told);
      expect((await say({})).body).toContain('"count":1');
      await init.stop();
      expect(init.double.callbacks.filter(({ kind: other }) => other === "status error")).toHaveLength(1);
    },
  );

  test("E6: by timeout has LocalStack's text, the whole duration and a status; fresh processes follow", async () => {
    // Long enough for the start inside the second invocation.
    start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" } });
    const { id, kind, body, logs } = await say({ hang: true, print: "before\n" });
    expect({ kind, body }).toEqual({
      kind: "error",
      body: `{"errorMessage":"RequestId: ${id} Error: Task timed out after 5.00 seconds","errorType":"Sandbox.Timedout"}`,
    });
    expect(logs).toMatch(
      /before\nEND .*\nREPORT .*\tDuration: 5000\.00 ms\tBilled Duration: 5000 ms\t.*\tStatus: timeout\n$/,
    );
    expect(logs).not.toContain("Task timed out");
    expect((await say({})).body).toContain('"count":1');
    await init.stop();
    expect(init.double.callbacks.some(({ kind: other }) => other === "status error")).toBe(false);
  });

  test("keeps a response given before the runtime ended", async () => {
    start();
    expect(await say({ respond: "given", exitAfterAnswer: 7 })).toMatchObject({ kind: "response", body: "given" });
    expect((await init.double.waitForStatusError()).text).toContain("exit status 7");
    expect((await say({})).body).toContain('"count":1');
  });

  test("by a crash between two invocations is told at once, fails the next, and not the one after", async () => {
    start();
    const gate = new Gate();
    const { id } = await say({ exitWhenIdle: 9, until: gate.path });
    await gate.open();
    const told = (await init.double.waitForStatusError()).text;
    expect(told).toContain("Runtime exited with error: exit status 9");
    expect(told).not.toContain(id);
    const next = await say({});
    expect(JSON.parse(next.body)).toEqual({
      errorMessage: `RequestId: ${next.id} Error: Runtime exited with error: exit status 9`,
      errorType: "Runtime.ExitError",
    });
    expect((await say({})).body).toContain('"count":1');
  });

  test("whose response was cut off has a name, and the runtime goes on", async () => {
    init = startInit(runFixture("cuts-its-response-off.bash"));
    for (let round = 0; round < 2; round++) {
      const { kind, body } = await init.invoke("{}");
      expect(kind).toBe("error");
      expect(JSON.parse(body).errorType).toBe("Runtime.TruncatedResponse");
    }
  });
});

test("a poll that was given up swallows no event", async () => {
  init = startInit(runFixture("forgets-a-poll.bash", ...runFixture("echoes.ts")));
  await init.double.waitForReady();
  expect((await init.invoke('"event"')).body).toBe('"event"');
});

test("a streamed response with trailers is whole, and the runtime goes on", async () => {
  init = startInit(runFixture("streams-with-a-trailer.ts"));
  for (const event of ["1", "2", "3"]) {
    expect(await init.invoke(event)).toMatchObject({ kind: "response", body: `half of ${event}` });
  }
  expect(init.stderr).toBe("");
});

test("E8: the envelope of a durable execution, of 2 MB, arrives byte for byte", async () => {
  init = startInit(runFixture("echoes.ts"));
  const operation = { Id: "1", Type: "STEP", StepDetails: { Result: '{"text":"\\u2028é😀 \\"quoted\\""}' } };
  const envelope = {
    DurableExecutionArn: "arn:aws:lambda:us-east-1:000000000000:function:fn:1/durable-execution/a/b",
    CheckpointToken: "token",
    InitialExecutionState: { Operations: Array(20_000).fill(operation), NextMarker: "" },
  };
  // Blanks, too, are the caller's.
  const event = JSON.stringify(envelope, undefined, 1);
  expect(event.length).toBeGreaterThan(2 * 1024 * 1024);
  expect((await init.invoke(event)).body === event).toBe(true);
});

test("a 5 MB event and response pass whole, with every kind of character", async () => {
  init = startInit(runFixture("echoes.ts"));
  const event = JSON.stringify({ text: '"\\\n\u2028ü€😀'.repeat(250_000) });
  expect((await init.invoke(event)).body === event).toBe(true);
});

test("an event above the limit is cut, and the log says so", async () => {
  init = startInit(runFixture("echoes.ts"), { env: { LOCALSTACK_MAX_PAYLOAD_SIZE: "100" } });
  expect((await init.invoke("e".repeat(150))).body).toBe("e".repeat(100));
  await init.stop();
  expect(init.stderr).toContain("has 150 bytes and was cut to 100: see LOCALSTACK_MAX_PAYLOAD_SIZE");
});

test("a thousand invocations one after another lose nothing and use one connection", async () => {
  init = startInit(runFixture("echoes.ts"));
  for (let count = 0; count < 1000; count++) expect((await init.invoke(String(count))).body).toBe(String(count));
  expect(init.double.clientPorts.size).toBe(1);
});
