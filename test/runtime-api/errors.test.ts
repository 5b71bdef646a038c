/** What runtimes report: errors of an invocation, and of init. */
import { describe, expect, test } from "bun:test";
import { catchLines } from "../support/log-lines.ts";
import { accepted, chunked, Fixture, isPending, seen, truncated, unfinished } from "./fixture.ts";

const structured = "application/vnd.aws.lambda.error.cause+json";

async function outcomeOf(body: string | Uint8Array, headers: Record<string, string>): Promise<Record<string, unknown>> {
  const fixture = await Fixture.in("Running");
  expect(await seen(await fixture.fail("id-1", chunked(body), headers))).toEqual(accepted);
  void fixture.next();
  const { outcome } = await fixture.invocation.over;
  if (outcome.kind !== "error") throw new Error(`the outcome is ${outcome.kind}`);
  return { ...outcome, body: Buffer.from(outcome.body).toString() };
}

describe("an error", () => {
  test.each(['{"errorMessage":"m","errorType":"T","trace":[1]}', "", "not JSON", '"<&>"'])(
    "of any other content type stands verbatim: %j",
    async (body) => {
      expect(await outcomeOf(body, { "Content-Type": "application/json" })).toEqual({
        kind: "error",
        body,
        contentType: "application/json",
        errorType: "Runtime.Unknown",
      });
      expect(await outcomeOf(body, {})).toMatchObject({ body, contentType: "" });
    },
  );

  test.each([`${structured}; charset=utf-8`, structured.toUpperCase(), `${structured};`])(
    "of the content type %s is not the structured form",
    async (contentType) => {
      const body = '{"errorMessage":"m","other":1}';
      expect(await outcomeOf(body, { "Content-Type": contentType })).toMatchObject({ body, contentType });
    },
  );

  const forms: [given: string, stored: string][] = [
    [
      '{"stackTrace":["a","b"],"errorType":"T","errorMessage":"m","errorCause":{"message":"c"},"more":1}',
      '{"errorMessage":"m","errorType":"T","stackTrace":["a","b"]}',
    ],
    ['{"errorMessage":"m","errorType":"T","stackTrace":[]}', '{"errorMessage":"m","errorType":"T"}'],
    ['{"errorMessage":"m","errorType":"T"}', '{"errorMessage":"m","errorType":"T"}'],
    ["{}", '{"errorMessage":"","errorType":""}'],
    ['{"errorMessage":"m","errorType":"T","errorCause":"whatever"}', '{"errorMessage":"m","errorType":"T"}'],
    [
      '{"errorMessage":"<a>&\u2028\u2029","errorType":"😀","stackTrace":["<"]}',
      '{"errorMessage":"\\u003ca\\u003e\\u0026\\u2028\\u2029","errorType":"😀","stackTrace":["\\u003c"]}',
    ],
  ];

  test.each(forms)("in the structured form keeps what the invoker gets: %s", async (given, stored) => {
    expect(await outcomeOf(given, { "Content-Type": structured })).toMatchObject({
      body: stored,
      contentType: "application/json",
    });
  });

  test("in the structured form with bytes that are not UTF-8 keeps the rest", async () => {
    const bytes = Buffer.concat([Buffer.from('{"errorMessage":"a'), Buffer.from([0xff]), Buffer.from('b"}')]);
    const { body } = await outcomeOf(bytes, { "Content-Type": structured });
    expect(body).toBe('{"errorMessage":"a\ufffdb","errorType":""}');
  });

  test.each([
    "",
    "not JSON",
    "[]",
    '"text"',
    "7",
    '{"errorMessage":1}',
    '{"errorType":{}}',
    '{"stackTrace":"a"}',
    '{"stackTrace":["a",1]}',
  ])("in the structured form that is none is stored as invalid: %s", async (given) => {
    expect(await outcomeOf(given, { "Content-Type": structured })).toMatchObject({
      body: '"Invalid error body"',
      contentType: "application/octet-stream",
    });
  });

  test.each([
    ["Function.MyError", "Function.MyError"],
    ["Runtime.ImportModuleError", "Runtime.ImportModuleError"],
    ["xFunction.Ab foo", "xFunction.Ab foo"],
    ["Function.", "Function.Unknown"],
    ["Function.a", "Function.Unknown"],
    ["Function.A", "Function.Unknown"],
    ["Runtime.a", "Runtime.Unknown"],
    ["ValueError", "Runtime.Unknown"],
    ["", "Runtime.Unknown"],
  ])("of the type %j is stored as %s", async (given, errorType) => {
    expect(await outcomeOf("{}", { "Lambda-Runtime-Function-Error-Type": given })).toMatchObject({ errorType });
  });

  test.each(["not JSON", "{}", '{"message":"m"}', "x".repeat(100_000)])(
    "with any X-Ray cause is taken: %.20s",
    async (cause) => {
      expect(await outcomeOf("{}", { "Lambda-Runtime-Function-XRay-Error-Cause": cause })).toMatchObject({
        body: "{}",
      });
    },
  );
});

describe("an init error", () => {
  test.each(['{"errorMessage":"m"}', "", "not JSON", "\u0000\u0001", `"${"x".repeat(100_000)}"`])(
    "is handed over as it is, whatever its body: %.20j",
    async (body) => {
      const fixture = new Fixture();
      expect(await seen(await fixture.initError(chunked(body, 5000)))).toEqual(accepted);
      expect(fixture.initErrors).toEqual([body]);
      expect(fixture.exchanges.state).toBe("InitError");
      expect(fixture.firstNexts).toBe(0);
    },
  );

  test("whose body breaks off is refused and may be sent again", async () => {
    const fixture = new Fixture();
    const { body, push, cut } = unfinished();
    const reply = fixture.initError(body);
    push("half");
    expect(await isPending(reply)).toBe(true);
    cut();
    expect(await seen(await reply)).toEqual(truncated);
    expect(await seen(await fixture.initError("whole"))).toEqual(accepted);
    expect(fixture.initErrors).toEqual(["whole"]);
  });
});

test("whoever waits for an init error has told of it before the runtime has its answer", async () => {
  const fixture = new Fixture();
  const order: string[] = [];
  const push = fixture.initErrors.push.bind(fixture.initErrors);
  const told = Promise.withResolvers<void>();
  fixture.initErrors.push = (body) => {
    // As many steps, without a turn of the event loop, as telling LocalStack can take.
    void (async () => {
      for (let step = 0; step < 100; step++) await undefined;
      order.push("told");
      told.resolve();
    })();
    return push(body);
  };
  await fixture.initError().then(() => order.push("answered"));
  await told.promise;
  expect(order).toEqual(["told", "answered"]);
});

describe("what the runtime calls itself", () => {
  test("is what the request says", async () => {
    const caught = catchLines();
    await new Fixture().initError("{}", { "User-Agent": "aws-lambda-python/3.13 more" });
    caught.release();
    expect(caught.lines.join("\n")).toContain("aws-lambda-python/3.13");
  });
});
