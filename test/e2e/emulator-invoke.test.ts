import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { stopwatch } from "../support/stopwatch.ts";
import { isBeyondQemu } from "../support/target.ts";
import { type Emulator, invokePath, scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";
import { Gate } from "./support/gate.ts";

afterEach(stopEmulators);

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const givenId = "0f8fad5b-d9cb-469f-a165-70867728950e";

/** AWS's head on every answer of a function, good or bad. */
function expectHead(answer: Response, isFault: boolean): void {
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-amzn-requestid")).toMatch(uuid);
  expect(answer.headers.get("x-amz-executed-version")).toBe("$LATEST");
  expect(answer.headers.get("x-amz-function-error")).toBe(isFault ? "Unhandled" : null);
}

async function expectFault(answer: Response, errorType: string, reason: string): Promise<void> {
  expectHead(answer, true);
  const body = (await answer.json()) as object;
  const id = answer.headers.get("x-amzn-requestid");
  expect(body).toEqual({ errorType, errorMessage: `RequestId: ${id} Error: ${reason}` });
}

/** For calls that wait at a gate: the function has more time than a test takes. */
const ample = { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "60" } };

/** How often the log has a whole line that begins so. */
function count(emulator: Emulator, start: string): number {
  return emulator.stdout
    .split("\n")
    .slice(0, -1)
    .filter((line) => line.startsWith(start)).length;
}

/** Resolves when so many calls have ended in the log, which comes another way than the answers. */
function reports(emulator: Emulator, calls: number): Promise<void> {
  return emulator.until(`${calls} reports`, (running) => count(running, "REPORT") >= calls);
}

describe("a call", () => {
  test("T1, T2: is answered with the runtime's bytes, a hundred times over one connection by one process", async () => {
    const emulator = await startEmulator();
    const ids = new Set<string | null>();
    const pids = new Set<number>();
    for (let at = 0; at < 100; at++) {
      const answer = await emulator.post('{"do":"ok"}');
      expectHead(answer, false);
      expect(answer.headers.get("content-type")).toBe("application/json");
      ids.add(answer.headers.get("x-amzn-requestid"));
      pids.add(((await answer.json()) as { pid: number }).pid);
    }
    expect([ids.size, pids.size]).toEqual([100, 1]);
  });

  test("T3: tells the function the name it was invoked by", async () => {
    const emulator = await startEmulator();
    for (const [name, end] of [
      ["fn", ":function:fn"],
      ["fn:live", ":function:fn:live"],
      ["arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Afn%3Alive", ":123456789012:function:fn:live"],
      ["123456789012:function:fn", ":123456789012:function:fn"],
      ["function", ":012345678912:function:test_function"],
    ]) {
      const { headers } = await emulator.ask({}, {}, `/2015-03-31/functions/${name}/invocations`);
      expect(headers["lambda-runtime-invoked-function-arn"]).toEndWith(end as string);
    }
  });

  test("T5: of a handler that fails has the error it posted, byte for byte", async () => {
    const emulator = await startEmulator();
    const error = '{"errorMessage": "bad thing",  "errorType": "ValueError", "stackTrace": ["x"]}';
    const answer = await emulator.invoke({ error });
    expectHead(answer, true);
    expect(await answer.text()).toBe(error);
  });

  test("T11: may have a response of exactly the limit, and not a byte more", async () => {
    const emulator = await startEmulator();
    const whole = await emulator.invoke({ respondBytes: 6_291_556 });
    expectHead(whole, false);
    expect((await whole.bytes()).length).toBe(6_291_556);
    const tooLarge = await emulator.invoke({ respondBytes: 6_291_557 });
    expectHead(tooLarge, true);
    expect(await tooLarge.json()).toEqual({
      errorType: "Function.ResponseSizeTooLarge",
      errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    });
    expectHead(await emulator.invoke({}), false);
  });

  test("T12: may have an event of exactly the limit, and not a byte more", async () => {
    const emulator = await startEmulator();
    const event = (size: number) => JSON.stringify({ respond: "1", filler: "x".repeat(size - 27) });
    expect(Buffer.byteLength(event(6_291_456))).toBe(6_291_456);
    expectHead(await emulator.post(event(6_291_456)), false);
    const answer = await emulator.post(event(6_291_457));
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([413, "RequestEntityTooLargeException"]);
    await emulator.ask();
    await reports(emulator, 2);
    expect(count(emulator, "START")).toBe(2);
  });

  test("T15, T16: tells the end of its log, and the memory it really used", async () => {
    const emulator = await startEmulator(scriptedRuntime, { env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512" } });
    const output = { print: "123456789\n", times: 1000 };
    let tail = "";
    // The answer to a runtime that is slow to poll does not wait for REPORT.
    for (
      let script: Parameters<Emulator["invoke"]>[0] = { ...output, allocateMb: 100 };
      !/REPORT .*\n$/.test(tail);
      script = output
    ) {
      const answer = await emulator.invoke(script, { "X-Amz-Log-Type": "Tail" });
      tail = Buffer.from(answer.headers.get("x-amz-log-result") ?? "", "base64").toString();
    }
    expect(Buffer.byteLength(tail)).toBe(4096);
    const [, size, used] =
      /REPORT RequestId: .*\tMemory Size: (\d+) MB\tMax Memory Used: (\d+) MB\t.*\n$/.exec(tail) ?? [];
    expect(size).toBe("512");
    // The runtime itself is a Bun of some 40 MB.
    expect(Number(used)).toBeGreaterThanOrEqual(100);
    expect(Number(used)).toBeLessThan(250);
    expect((await emulator.invoke({})).headers.has("x-amz-log-result")).toBe(false);
  });

  test("T17: that is a DryRun does not run the function", async () => {
    const emulator = await startEmulator();
    const answer = await emulator.invoke({}, { "X-Amz-Invocation-Type": "DryRun" });
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    await emulator.ask();
    await reports(emulator, 1);
    expect(count(emulator, "START")).toBe(1);
  });

  test("T24: goes on when its caller has left", async () => {
    const emulator = await startEmulator(scriptedRuntime, ample);
    await emulator.ask();
    const [leaving, gate] = [new AbortController(), new Gate()];
    const called = fetch(emulator.url + invokePath, {
      method: "POST",
      body: JSON.stringify({ print: "here\n", until: gate.path }),
      signal: leaving.signal,
    });
    await emulator.until("the function to run", ({ stdout }) => stdout.includes("here"));
    leaving.abort();
    await called.catch(() => {});
    await gate.open();
    expect((await emulator.ask()).count).toBe(3);
    await reports(emulator, 3);
    expect([count(emulator, "END"), count(emulator, "REPORT")]).toEqual([3, 3]);
  });

  test("T25, T26: passes context, tenant, identity, trace and request id on", async () => {
    const emulator = await startEmulator();
    const { headers } = await emulator.ask(
      {},
      {
        "X-Amz-Client-Context": "eyJhIjoxfQ==",
        "X-Amz-Tenant-Id": "t1",
        "X-Amzn-RequestId": givenId,
        "X-Amz-Cognito-Identity": '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}',
        "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
      },
    );
    expect(headers).toMatchObject({
      "lambda-runtime-aws-request-id": givenId,
      "lambda-runtime-client-context": '{"a":1}',
      "lambda-runtime-aws-tenant-id": "t1",
      "lambda-runtime-cognito-identity": '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}',
      "lambda-runtime-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    });
  });

  test("T27: under the id of a running one is refused, and does that one no harm", async () => {
    const emulator = await startEmulator(scriptedRuntime, ample);
    const gate = new Gate();
    const script = { print: "here\n", until: gate.path, respond: "first" };
    const first = emulator.invoke(script, { "X-Amzn-RequestId": givenId });
    await emulator.until("the function to run", ({ stdout }) => stdout.includes("here"));
    expect((await emulator.invoke({}, { "X-Amzn-RequestId": givenId })).status).toBe(400);
    await gate.open();
    expect(await (await first).text()).toBe("first");
  });
});

describe("a function that breaks", () => {
  test("T6: reports an error of init to each call, and is started once for each but the first", async () => {
    const starts = `${mkdtempSync(`${tmpdir()}/emulator-`)}/starts`;
    const emulator = await startEmulator(scriptedRuntime, { env: { SCRIPT_INIT: "error", SCRIPT_STARTS: starts } });
    const counts: number[] = [];
    for (let at = 0; at < 3; at++) {
      const answer = await emulator.ask();
      expect(answer as unknown).toEqual({ errorMessage: "bad init", errorType: "InitBroke", stackTrace: [] });
      counts.push(readFileSync(starts, "utf8").split("\n").length - 1);
    }
    expect(counts).toEqual([2, 3, 4]);
  });

  test("T7: says how it ended in its init", async () => {
    const emulator = await startEmulator(scriptedRuntime, { env: { SCRIPT_INIT: "exit 1" } });
    for (let at = 0; at < 2; at++) {
      await expectFault(await emulator.invoke({}), "Runtime.ExitError", "Runtime exited with error: exit status 1");
    }
  });

  test.skipIf(isBeyondQemu("errors of exec"))(
    "T8: because its command is missing is told so at the start and at each call, and the emulator stays",
    async () => {
      const emulator = await startEmulator(["/no/such/program"]);
      expect(emulator.stderr).toContain("/no/such/program");
      for (let at = 0; at < 2; at++) {
        const answer = await emulator.invoke({});
        expectHead(answer, true);
        expect(await answer.json()).toMatchObject({ errorType: "Runtime.InvalidEntrypoint" });
      }
      expect(emulator.process.exitCode).toBeNull();
    },
  );

  test("T9: says how it ended in the call, and serves the next one", async () => {
    const emulator = await startEmulator();
    for (const [script, reason] of [
      [{ exit: 1 }, "Runtime exited with error: exit status 1"],
      [{ exit: 0 }, "Runtime exited without providing a reason"],
      [{ kill: "SIGKILL" }, "Runtime exited with error: signal: killed"],
    ] as const) {
      await expectFault(await emulator.invoke(script), "Runtime.ExitError", reason);
      expectHead(await emulator.invoke({}), false);
    }
  });

  test("T9a: behind its answer has answered all the same", async () => {
    const emulator = await startEmulator();
    const answer = await emulator.invoke({ respond: '"answered"', exitAfterAnswer: 3 });
    expectHead(answer, false);
    expect(await answer.text()).toBe('"answered"');
    expectHead(await emulator.invoke({}), false);
    await emulator.until("the reason", ({ stdout }) => stdout.includes("exit status 3"));
  });

  test("T9b: while it is idle is nobody's fault", async () => {
    const emulator = await startEmulator(scriptedRuntime, { flags: ["--log-level", "debug"] });
    const { pid } = await emulator.ask();
    process.kill(pid, "SIGKILL");
    await emulator.until("the end to be noticed", ({ stderr }) => stderr.includes(`process ${pid} ended`));
    // It counts a few turns of the event loop later, for what the process sent before its end may still come.
    for (let turn = 0; turn < 20; turn++) await (await fetch(`${emulator.url}/nothing`)).text();
    const next = await emulator.ask();
    expect([next.count, next.pid === pid]).toEqual([1, false]);
  });

  test("T10: takes no longer than its timeout, and serves the next one", async () => {
    const emulator = await startEmulator(scriptedRuntime, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" } });
    await emulator.ask();
    const [calledAt, elapsed] = [performance.now(), stopwatch()];
    const answer = await emulator.invoke({ hang: true });
    expect(elapsed()).toBeLessThan(5800);
    expect(performance.now() - calledAt).toBeGreaterThanOrEqual(5000);
    await expectFault(answer, "Sandbox.Timedout", "Task timed out after 5.00 seconds");
    expectHead(await emulator.invoke({}), false);
  });

  test("E7: may take longer to start than its timeout allows a call", async () => {
    const env = { AWS_LAMBDA_FUNCTION_TIMEOUT: "1", SCRIPT_INIT: "sleep 1500" };
    const emulator = await startEmulator(scriptedRuntime, { env });
    expectHead(await emulator.invoke({}), false);
    await reports(emulator, 1);
    const [, duration, billed, init] =
      /REPORT .*\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t.*\tInit Duration: ([\d.]+) ms/.exec(
        emulator.stdout,
      ) ?? [];
    expect(Number(init)).toBeGreaterThanOrEqual(1500);
    // Rounded up before the two are written with two digits.
    expect(Number(duration) + Number(init)).toBeWithin(Number(billed) - 1 - 0.01, Number(billed) + 0.011);
  });
});

describe("an Event", () => {
  test("T13: is answered before it has run", async () => {
    const emulator = await startEmulator(scriptedRuntime, ample);
    await emulator.ask();
    const gate = new Gate();
    const event = { "X-Amz-Invocation-Type": "Event", "X-Amzn-RequestId": givenId };
    const answer = await emulator.invoke({ until: gate.path }, event);
    expect([answer.status, await answer.text()]).toEqual([202, ""]);
    expect(answer.headers.has("x-amz-executed-version")).toBe(false);
    await gate.open();
    await emulator.until("its end", ({ stdout }) => stdout.includes(`END RequestId: ${givenId}`));
  });

  test("T14: that fails is tried twice more under the same id", async () => {
    const emulator = await startEmulator(scriptedRuntime, { flags: ["--event-retry-delay", "0.1"] });
    await emulator.invoke({ error: "{}" }, { "X-Amz-Invocation-Type": "Event", "X-Amzn-RequestId": givenId });
    await emulator.until("its last end", (running) => count(running, `REPORT RequestId: ${givenId}`) === 3);
    await emulator.until("the end of it", ({ stderr }) => stderr.includes("failed 3 times"));
    expect([count(emulator, `START RequestId: ${givenId}`), count(emulator, `END RequestId: ${givenId}`)]).toEqual([
      3, 3,
    ]);
    expectHead(await emulator.invoke({}, { "X-Amzn-RequestId": givenId }), false);
  });
});

describe("several calls at once", () => {
  test("T20: take turns in one environment", async () => {
    const emulator = await startEmulator(scriptedRuntime, ample);
    const { pid } = await emulator.ask();
    const gate = new Gate();
    const first = emulator.ask({ print: "here\n", until: gate.path });
    await emulator.until("the function to run", ({ stdout }) => stdout.includes("here"));
    const second = emulator.ask({ print: "there\n" });
    await gate.open();
    expect([(await first).pid, (await second).pid]).toEqual([pid, pid]);
    await reports(emulator, 3);
    expect(emulator.stdout).toMatch(/here\n(.*\n)*END (.*\n)*REPORT (.*\n)*START .*\nthere\n/);
  });

  test("T21: have as many environments as are allowed, each with a Runtime API of its own", async () => {
    const emulator = await startEmulator(scriptedRuntime, {
      flags: ["--concurrency", "8"],
      env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "30" },
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, number) => ({ number, told: await emulator.ask({ number, sleepMs: 200 }) })),
    );
    expect(answers.filter(({ number, told }) => (told.event as { number: number }).number !== number)).toEqual([]);
    expect(new Set(answers.map(({ told }) => told.pid)).size).toBe(8);
    const addresses = new Set(answers.map(({ told }) => told.env.AWS_LAMBDA_RUNTIME_API));
    expect(addresses.size).toBe(8);
    expect(addresses).toContain(`127.0.0.1:${emulator.runtimeApiPort}`);
  });

  test("T22: are refused when the queue is full", async () => {
    const emulator = await startEmulator(scriptedRuntime, { flags: ["--concurrency", "1", "--queue", "1"], ...ample });
    await emulator.ask();
    const gate = new Gate();
    const first = emulator.invoke({ print: "here\n", until: gate.path });
    await emulator.until("the function to run", ({ stdout }) => stdout.includes("here"));
    const others = [emulator.invoke({}), emulator.invoke({})];
    await Promise.race(others);
    await gate.open();
    const answers = await Promise.all([first, ...others]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429]);
    const refused = answers.find(({ status }) => status === 429) as Response;
    expect([refused.headers.get("x-amzn-errortype"), refused.headers.get("retry-after")]).toEqual([
      "TooManyRequestsException",
      "1",
    ]);
    expect(await refused.json()).toMatchObject({ Reason: "ConcurrentInvocationLimitExceeded" });
  });
});

describe("what is refused", () => {
  test("T4, T18, T19, T28, T29, T46, T64: never starts the function", async () => {
    const emulator = await startEmulator();
    const post = (headers: Record<string, string>, body = "{}", path = invokePath) =>
      emulator.post(body, headers, path);
    const rows: [answer: Promise<Response>, status: number][] = [
      [post({}, "{}", "/2015-03-31/functions/bad%20name!/invocations"), 400],
      [post({}, "{}", `/2015-03-31/functions/${"a".repeat(257)}/invocations`), 400],
      [post({ "X-Amz-Invocation-Type": "nonsense" }), 400],
      [post({}, "{not json"), 400],
      [post({ "X-Amz-Client-Context": "%%%" }), 400],
      [post({}, "{}", "/2015-03-31/functions/f/invocations/"), 404],
      [post({}, "{}", "/no/such/path"), 404],
      [post({}, "{}", "/"), 405],
      [fetch(emulator.url + invokePath), 405],
      [fetch(emulator.url + invokePath, { method: "OPTIONS" }), 405],
      [post({ Origin: "https://evil.example" }), 403],
      [fetch(emulator.url + invokePath, { method: "OPTIONS", headers: { Origin: "http://localhost:5173" } }), 204],
    ];
    for (const [at, [answer, status]] of rows.entries()) expect([at, (await answer).status]).toEqual([at, status]);
    expect(emulator.stdout).toBe("");
  });

  test("T64: is no caller without Origin, whatever it calls us, nor a page of this machine", async () => {
    const emulator = await startEmulator();
    expectHead(await emulator.invoke({}, { Host: "myfunction:8080" }), false);
    const answer = await emulator.invoke({}, { Origin: "http://localhost:5173" });
    expectHead(answer, false);
    expect(answer.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
  });
});
