import { describe, expect, test } from "bun:test";
import type { Outcome } from "../../../src/environment/invocation.ts";
import { PlainResponse } from "../../../src/net/listener/plain-response.ts";
import { bytes, crash, handlerError, invokePath, response, silence, timeout, World } from "./world.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const givenId = "0f8fad5b-d9cb-469f-a165-70867728950e";

describe("a synchronous call", () => {
  test("T1: gets the runtime's bytes under AWS's head", async () => {
    const world = new World({ outcome: () => response('{"a": 1}', "text/x") });
    const answer = await world.invoke('{"do":"ok"}');
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-amzn-requestid")).toMatch(uuid);
    expect(answer.headers.get("x-amz-executed-version")).toBe("$LATEST");
    expect(answer.headers.get("content-type")).toBe("text/x");
    expect(answer.headers.has("x-amz-function-error")).toBe(false);
    expect(answer.headers.has("x-amz-log-result")).toBe(false);
    expect(await answer.text()).toBe('{"a": 1}');
    expect(world.requests[0]?.payload).toBe('{"do":"ok"}');
  });

  const failures: [name: string, outcome: Outcome, body: (id: string) => string][] = [
    [
      "T5: a handler's error",
      handlerError('{"errorMessage": "bad", "errorType": "V"}'),
      () => '{"errorMessage": "bad", "errorType": "V"}',
    ],
    [
      "T6: an error of init",
      { kind: "init error", body: bytes('{"errorType":"I","x":[1]}'), errorType: "I" },
      () => '{"errorType":"I","x":[1]}',
    ],
    [
      "T7: a crash",
      crash,
      (id) =>
        `{"errorMessage":"RequestId: ${id} Error: Runtime exited with error: exit status 1","errorType":"Runtime.ExitError"}`,
    ],
    [
      "T10: a timeout",
      timeout,
      (id) =>
        `{"errorMessage":"RequestId: ${id} Error: Task timed out after 1.00 seconds","errorType":"Sandbox.Timedout"}`,
    ],
    [
      "T11: a response that is too large",
      { kind: "too large" },
      () =>
        '{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}',
    ],
  ];
  test.each(failures)("%s is a 200 that says so", async (_, outcome, body) => {
    const answer = await new World({ outcome: () => outcome }).invoke();
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-amz-function-error")).toBe("Unhandled");
    expect(answer.headers.get("x-amz-executed-version")).toBe("$LATEST");
    expect(await answer.text()).toBe(body(answer.headers.get("x-amzn-requestid") ?? ""));
  });

  test("T3: tells the function the name, the ARN and the qualifier it was invoked by", async () => {
    const world = new World({ outcome: () => response("1") });
    const arn = "arn:aws:lambda:us-east-1:012345678912:function";
    const rows = [
      ["function", `${arn}:test_function`],
      ["fn", `${arn}:fn`],
      ["fn:live", `${arn}:fn:live`],
      [
        "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Afn%3Alive",
        "arn:aws:lambda:us-east-1:123456789012:function:fn:live",
      ],
      ["123456789012:function:fn", "arn:aws:lambda:us-east-1:123456789012:function:fn"],
      ["fn", `${arn}:fn:live`, "?Qualifier=live"],
      ["function", `${arn}:test_function:7`, "?Qualifier=7"],
    ];
    for (const [name, expected, query = ""] of rows) {
      const answer = await world.post(`/2015-03-31/functions/${name}/invocations${query}`, "{}");
      expect([name, answer.status]).toEqual([name, 200]);
      expect(world.requests.at(-1)?.invokedFunctionArn).toBe(expected as string);
    }
  });

  test.each(["bad name!", "a".repeat(257), "fn:live:live"])("T4: for the name %j is refused", async (name) => {
    const world = new World();
    const answer = await world.post(`/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, "{}");
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([400, "ValidationException"]);
    expect(await answer.json()).toHaveProperty("message");
    expect(world.invocations).toHaveLength(0);
  });

  test("for two qualifiers that differ is refused", async () => {
    const answer = await new World().post("/2015-03-31/functions/fn:a/invocations?Qualifier=b", "{}");
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([400, "InvalidParameterValueException"]);
  });

  test("for another name is refused where names are strict, but never for the emulator's own", async () => {
    const world = new World({ isNameStrict: true, outcome: () => response("1") });
    const answer = await world.post("/2015-03-31/functions/other/invocations", "{}");
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([404, "ResourceNotFoundException"]);
    expect(await answer.json()).toEqual({
      Type: "User",
      Message: "Function not found: arn:aws:lambda:us-east-1:012345678912:function:other:$LATEST",
    });
    expect((await world.post("/2015-03-31/functions/test_function/invocations", "{}")).status).toBe(200);
    expect((await world.invoke()).status).toBe(200);
  });

  test("T12: takes an event of exactly the limit and refuses one more byte", async () => {
    const world = new World({ outcome: () => response("1") });
    const text = (size: number) => `"${"x".repeat(size - 2)}"`;
    expect((await world.invoke(text(6_291_456))).status).toBe(200);
    const answer = await world.invoke(text(6_291_457));
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([413, "RequestEntityTooLargeException"]);
    expect(await answer.text()).toContain(
      "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    );
    const event = await world.invoke(text(1_048_577), { "X-Amz-Invocation-Type": "Event" });
    expect(event.status).toBe(413);
    expect(await event.text()).toContain(
      "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
    );
    expect(world.invocations).toHaveLength(1);
  });

  test.each(["{not json", "{}x", " ", Buffer.from([0x22, 0xff, 0x22])])("T19: refuses the body %j", async (body) => {
    const world = new World();
    const answer = await world.post(invokePath, body);
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([400, "InvalidRequestContentException"]);
    const { Type, message } = (await answer.json()) as Record<string, string>;
    expect(Type).toBe("User");
    expect(message).toStartWith("Could not parse request body into json: Could not parse payload into json: ");
    expect(world.invocations).toHaveLength(0);
  });

  test("T19: without a body has the event {}", async () => {
    const world = new World({ outcome: () => response("1") });
    expect((await world.post(invokePath)).status).toBe(200);
    expect(world.requests[0]?.payload).toBe("{}");
  });

  test("whose body breaks off runs nothing, and is no fault of ours", async () => {
    const said = silence("error");
    const world = new World();
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
    const answer = await world.app.request(invokePath, { method: "POST", body });
    expect([answer.status, world.invocations.length, said.mock.calls.length]).toEqual([400, 0, 0]);
    said.mockRestore();
  });

  test("T15: gets the end of the log when it asks for it", async () => {
    const world = new World();
    const called = world.invoke("{}", { "X-Amz-Log-Type": "Tail" });
    await world.settle();
    const member = world.members[0];
    if (member) member.logs = `${"x".repeat(10_000)}\nREPORT\n`;
    world.invocations[0]?.end(response("1"));
    const tail = Buffer.from((await called).headers.get("x-amz-log-result") ?? "", "base64").toString();
    expect(tail).toHaveLength(4096);
    expect(tail).toEndWith("x\nREPORT\n");
  });

  test("T15: gets no log with None, nor with an Event", async () => {
    const world = new World({ outcome: () => response("1") });
    expect((await world.invoke("{}", { "X-Amz-Log-Type": "None" })).headers.has("x-amz-log-result")).toBe(false);
    const event = await world.invoke("{}", { "X-Amz-Log-Type": "Tail", "X-Amz-Invocation-Type": "Event" });
    expect([event.status, event.headers.has("x-amz-log-result")]).toEqual([202, false]);
  });

  test("waits for its REPORT, but not for a runtime that does not poll again (E30)", async () => {
    const world = new World();
    let isAnswered = false;
    const called = world.invoke("{}", { "X-Amz-Log-Type": "Tail" }).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await world.settle();
    const member = world.members[0];
    if (member) member.logs = "so far\n";
    world.invocations[0]?.respond(response("1"));
    await world.settle();
    expect(isAnswered).toBe(false);
    await world.clock.advance(1000);
    const answer = await called;
    expect(Buffer.from(answer.headers.get("x-amz-log-result") ?? "", "base64").toString()).toBe("so far\n");
  });

  test("T17: that is a DryRun is not run", async () => {
    const world = new World();
    const answer = await world.invoke("{}", { "X-Amz-Invocation-Type": "DryRun" });
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(answer.headers.get("x-amzn-requestid")).toMatch(uuid);
    expect(world.invocations).toHaveLength(0);
  });

  test.each([
    ["X-Amz-Invocation-Type", "nonsense"],
    ["X-Amz-Log-Type", "Head"],
  ])("T18: with %s %j is refused", async (name, value) => {
    const world = new World();
    const answer = await world.invoke("{}", { [name]: value });
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([400, "InvalidParameterValueException"]);
    expect(world.invocations).toHaveLength(0);
  });

  test("T25: passes the client context on, decoded", async () => {
    const world = new World({ outcome: () => response("1") });
    expect((await world.invoke("{}", { "X-Amz-Client-Context": "eyJhIjoxfQ==" })).status).toBe(200);
    expect(world.requests[0]?.clientContext).toBe('{"a":1}');
    for (const broken of ["%%%", "===", "A".repeat(3584)]) {
      const answer = await world.invoke("{}", { "X-Amz-Client-Context": broken });
      expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([400, "InvalidRequestContentException"]);
    }
    expect(world.invocations).toHaveLength(1);
  });

  test("T26: passes tenant, identity, trace and request id on", async () => {
    const world = new World({ outcome: () => response("1") });
    const answer = await world.invoke("{}", {
      "X-Amz-Tenant-Id": "t1",
      "X-Amzn-RequestId": givenId,
      "X-Amz-Cognito-Identity": '{"CognitoIdentityId":"i","cognitoidentitypoolid":"p","other":1}',
      "X-Amzn-Trace-Id": "Root=1-2-3",
    });
    expect(answer.headers.get("x-amzn-requestid")).toBe(givenId);
    expect(world.requests[0]).toMatchObject({
      requestId: givenId,
      tenantId: "t1",
      cognitoIdentity: '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}',
      traceId: "Root=1-2-3",
      isInitRetry: false,
      takesStream: false,
    });
  });

  test.each(["not json", "[]", "bnVsbA=="])("T26: with the identity %j is refused", async (identity) => {
    const world = new World();
    expect((await world.invoke("{}", { "X-Amz-Cognito-Identity": identity })).status).toBe(400);
    expect(world.invocations).toHaveLength(0);
  });

  test("gets a new request id for one that is no UUID", async () => {
    const world = new World({ outcome: () => response("1") });
    const answer = await world.invoke("{}", { "X-Amzn-RequestId": "../next" });
    expect(answer.headers.get("x-amzn-requestid")).toMatch(uuid);
  });

  test("T27: with the id of a running one is refused, and runs once that has ended", async () => {
    const world = new World();
    const first = world.invoke("1", { "X-Amzn-RequestId": givenId });
    await world.settle();
    for (const id of [givenId, givenId.toUpperCase()]) {
      const second = await world.invoke("2", { "X-Amzn-RequestId": id });
      expect([second.status, second.headers.get("x-amzn-errortype")]).toEqual([400, "InvalidParameterValueException"]);
    }
    world.invocations[0]?.end(response("1"));
    expect(await (await first).text()).toBe("1");
    const third = world.invoke("3", { "X-Amzn-RequestId": givenId });
    await world.settle();
    expect(world.requests.map(({ payload }) => payload)).toEqual(["1", "3"]);
    world.invocations[1]?.end(response("3"));
    await third;
  });

  test("that fails inside the emulator is told so, and the next one works", async () => {
    const said = silence("error");
    let isBroken = true;
    const world = new World({
      outcome: () => {
        if (isBroken) throw new Error("broken");
        return response("1");
      },
    });
    const answer = await world.invoke();
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([500, "ServiceException"]);
    expect(said).toHaveBeenCalledTimes(1);
    said.mockRestore();
    isBroken = false;
    expect((await world.invoke()).status).toBe(200);
  });
});

describe("an Event", () => {
  test("T13: is answered at once, and run", async () => {
    const world = new World();
    const answer = await world.invoke("{}", { "X-Amz-Invocation-Type": "Event", "X-Amzn-RequestId": givenId });
    expect([answer.status, await answer.text()]).toEqual([202, ""]);
    expect(answer.headers.get("x-amzn-requestid")).toBe(givenId);
    expect(answer.headers.has("x-amz-executed-version")).toBe(false);
    await world.settle();
    expect(world.requests.map(({ requestId }) => requestId)).toEqual([givenId]);
  });

  test("by the older route has an answer of its own", async () => {
    const world = new World();
    const answer = await world.post("/2014-11-13/functions/fn/invoke-async", '{"a":1}');
    expect([answer.status, await answer.json()]).toEqual([202, { Status: 202 }]);
    await world.settle();
    expect(world.requests.map(({ payload }) => payload)).toEqual(['{"a":1}']);
  });

  test("with the id of a running call is refused", async () => {
    const world = new World();
    const first = world.invoke("{}", { "X-Amzn-RequestId": givenId });
    await world.settle();
    const event = await world.invoke("{}", { "X-Amzn-RequestId": givenId, "X-Amz-Invocation-Type": "Event" });
    expect(event.status).toBe(400);
    world.invocations[0]?.end(response("1"));
    await first;
  });
});

describe("what is no call", () => {
  test.each([
    ["GET", "/nothing", 404],
    ["POST", "/2015-03-31/functions/f/invocations/", 404],
    ["POST", "/2015-03-31/functions/f", 404],
    ["POST", "//2015-03-31/functions/f/invocations", 404],
    ["GET", invokePath, 405],
    ["HEAD", invokePath, 405],
    ["PUT", invokePath, 405],
  ])("T28: %s %s answers %d in JSON", async (method, path, status) => {
    const world = new World();
    const answer = await world.app.request(path, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("x-amzn-errortype")).toMatch(/Exception$/);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(world.invocations).toHaveLength(0);
  });

  test("T46: POST / has some answer, and starts nothing", async () => {
    const world = new World();
    expect((await world.post("/", "{}")).status).toBe(405);
    expect(world.members).toHaveLength(0);
  });
});

describe("a browser", () => {
  test.each([
    ["https://evil.example", []],
    ["null", []],
    ["https://127.evil.example", []],
    ["http://localhost.evil.example", []],
    ["https://other.example", ["https://good.example"]],
  ])("T64: on a page of %s may not call", async (origin, cors) => {
    const world = new World({ cors });
    const answer = await world.invoke("{}", { Origin: origin });
    expect([answer.status, answer.headers.get("x-amzn-errortype")]).toEqual([403, "AccessDeniedException"]);
    expect(answer.headers.has("access-control-allow-origin")).toBe(false);
    expect((await world.app.request(invokePath, { method: "OPTIONS", headers: { Origin: origin } })).status).toBe(403);
    expect(world.members).toHaveLength(0);
  });

  test.each([
    ["http://localhost:5173", []],
    ["http://app.localhost", []],
    ["http://127.0.0.1:3000", []],
    ["http://[::1]:3000", []],
    ["https://good.example", ["https://good.example"]],
    ["https://any.example", ["*"]],
  ])("T29, T64: on a page of %s may call, and read the answer", async (origin, cors) => {
    const world = new World({ cors, outcome: () => response("1") });
    const answer = await world.invoke("{}", { Origin: origin });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
    const preflight = await world.app.request(invokePath, {
      method: "OPTIONS",
      headers: { Origin: origin, "Access-Control-Request-Headers": "x-amz-log-type" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
    expect(preflight.headers.get("access-control-allow-methods")).toContain("POST");
    expect(preflight.headers.get("access-control-allow-headers")).toBe("x-amz-log-type");
    expect(world.invocations).toHaveLength(1);
  });

  test("gets a large answer whole", async () => {
    const large = JSON.stringify("x".repeat(200_000));
    const world = new World({ outcome: () => response(large) });
    const answer = await world.invoke("{}", { Origin: "http://localhost:5173" });
    expect(answer).toBeInstanceOf(PlainResponse);
    const { plainBody, plainHeaders } = answer as PlainResponse;
    expect(Buffer.from(plainBody).toString()).toBe(large);
    expect(plainHeaders).toMatchObject({ "Access-Control-Allow-Origin": "http://localhost:5173", Vary: "Origin" });
  });

  test("T64: callers without Origin are never refused, whatever they call us", async () => {
    const world = new World({ outcome: () => response("1") });
    expect((await world.invoke("{}", { Host: "myfunction:8080" })).status).toBe(200);
  });

  test("T29: OPTIONS of no browser is no preflight", async () => {
    const world = new World({ cors: ["*"] });
    expect((await world.app.request(invokePath, { method: "OPTIONS" })).status).toBe(405);
    expect(world.members).toHaveLength(0);
  });
});
