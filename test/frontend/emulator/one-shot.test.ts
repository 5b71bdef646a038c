import { describe, expect, test } from "bun:test";
import { invokeOnce } from "../../../src/frontend/emulator/one-shot.ts";
import { crash, handlerError, response, World } from "./world.ts";

const functionArn = "arn:aws:lambda:us-east-1:012345678912:function:fn";

describe("one call from the command line", () => {
  test.each([
    ["a response", response('{"a": 1}'), '{"a": 1}', false],
    ["a handler's error", handlerError('{"errorType":"V"}'), '{"errorType":"V"}', true],
  ])("that ends in %s", async (_, outcome, body, hasFailed) => {
    const world = new World({ outcome: () => outcome });
    const result = await invokeOnce({ invoker: world.invoker, functionArn, event: '{"x":1}' });
    expect([Buffer.from(result.body as Uint8Array).toString(), result.hasFailed]).toEqual([body, hasFailed]);
    expect(world.requests[0]).toMatchObject({ payload: '{"x":1}', invokedFunctionArn: functionArn });
  });

  test("that ends in a crash has its two keys", async () => {
    const world = new World({ outcome: () => crash });
    const { body, hasFailed } = await invokeOnce({ invoker: world.invoker, functionArn, event: "" });
    expect([Object.keys(JSON.parse(String(body))).sort(), hasFailed]).toEqual([["errorMessage", "errorType"], true]);
    expect(world.requests[0]?.payload).toBe("{}");
  });

  test("is over when its log is", async () => {
    const world = new World();
    let isOver = false;
    const called = invokeOnce({ invoker: world.invoker, functionArn, event: "{}" }).then(() => {
      isOver = true;
    });
    await world.settle();
    world.invocations[0]?.respond(response("1"));
    await world.clock.advance(10_000);
    expect(isOver).toBe(false);
    world.invocations[0]?.settle();
    await called;
  });
});
