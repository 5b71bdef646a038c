import { describe, expect, test } from "bun:test";
import { withRequestId } from "../../../src/frontend/localstack/results.ts";

const told = (body: Uint8Array) => {
  const result = withRequestId(body, "id");
  return typeof result === "string" ? result : new TextDecoder().decode(result);
};

describe("an init error", () => {
  test.each([
    [
      '{"errorMessage":"m","errorType":"t","stackTrace":["a"]}',
      '{"errorMessage":"m","errorType":"t","stackTrace":["a"],"requestId":"id"}',
    ],
    ['{"errorType":"t","requestId":"","trace":[1]}', '{"errorType":"t","requestId":"id","trace":[1]}'],
    ["{}", '{"requestId":"id"}'],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1},"requestId":"id"}'],
    ["[1]", "[1]"],
    ["null", "null"],
    ['"text"', '"text"'],
    ["{broken", "{broken"],
    ["", ""],
  ])("%s is posted as %s", (body, posted) => {
    expect(told(new TextEncoder().encode(body))).toBe(posted);
  });

  test("that is no UTF-8 stays as it is, to the byte", () => {
    const body = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
    expect(withRequestId(body, "id")).toBe(body);
  });
});
