import { describe, expect, test } from "bun:test";
import { withRequestId } from "../../../src/frontend/localstack/request-id.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const told = (body: string, id = "id") => Buffer.from(withRequestId(Buffer.from(body), id)).toString();

describe("an init error keeps every byte, and gets its id at the end, or where it had one", () => {
  test.each([
    [
      '{"errorMessage":"m","errorType":"t","stackTrace":["a"]}',
      '{"errorMessage":"m","errorType":"t","stackTrace":["a"],"requestId":"id"}',
    ],
    [
      '{"errorMessage":"m","errorType":"T","orderId":12345678901234567890,"2":"b","1":"a","x":1.10}',
      '{"errorMessage":"m","errorType":"T","orderId":12345678901234567890,"2":"b","1":"a","x":1.10,"requestId":"id"}',
    ],
    ['{"errorType":"t","requestId":"","trace":[1]}', '{"errorType":"t","requestId":"id","trace":[1]}'],
    ['{"requestId" :\t{"a":[1,"]}"]}\n,"x":1e400}', '{"requestId" :\t"id"\n,"x":1e400}'],
    ['{"requestId":null}', '{"requestId":"id"}'],
    ['{"requestId":1,"a":2,"requestId":3 }', '{"requestId":"id","a":2,"requestId":"id" }'],
    ['{"request\\u0049d":"old"}', '{"request\\u0049d":"id"}'],
    [
      '{"a":{"requestId":"inner"},"b":["requestId"],"c":"requestId"}',
      '{"a":{"requestId":"inner"},"b":["requestId"],"c":"requestId","requestId":"id"}',
    ],
    ['{"a":"\\"requestId\\":\\"x\\\\"}', '{"a":"\\"requestId\\":\\"x\\\\","requestId":"id"}'],
    ['{"a":"\\\\\\"}{,:"}', '{"a":"\\\\\\"}{,:","requestId":"id"}'],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1},"requestId":"id"}'],
    ['{"ü":"\\ud800 \u{1F600}"}', '{"ü":"\\ud800 \u{1F600}","requestId":"id"}'],
    ["{}", '{"requestId":"id"}'],
    [" { } \n", ' { "requestId":"id"} \n'],
  ])("%s becomes %s", (body, posted) => {
    expect(told(body)).toBe(posted);
  });

  test("the id is written as JSON", () => {
    expect(told("{}", 'a"\\\n')).toBe('{"requestId":"a\\"\\\\\\n"}');
  });

  test.each([
    ["arrays", "[", "]"],
    ["objects", '{"a":', "}"],
  ])("however deep its %s are", (_, open, close) => {
    const depth = 40_000;
    const deep = `${open.repeat(depth)}${open === "[" ? "" : "1"}${close.repeat(depth)}`;
    expect(told(`{"errorMessage":"m","cause":${deep}}`)).toBe(`{"errorMessage":"m","cause":${deep},"requestId":"id"}`);
  });
});

test.each(["[1]", "null", '"text"', "{broken", "", "{} {}", '{"a":1,}', "\u{FEFF}{}", "{'a':1}"])(
  "%j is no JSON object and stays as it is",
  (body) => {
    expect(told(body)).toBe(body);
  },
);

test("what is no UTF-8 stays as it is, to the byte", () => {
  const body = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
  expect(withRequestId(body, "id")).toBe(body);
});

test("a body that is a part of a larger buffer is read alone", () => {
  const body = new TextEncoder().encode('xx{"a":1}xx').subarray(2, 9);
  expect(Buffer.from(withRequestId(body, "id")).toString()).toBe('{"a":1,"requestId":"id"}');
});

test("any object means the same afterwards, but for its id, and nothing else was written anew", () => {
  const { random, seed } = seededRandom();
  const pick = <T>(of: readonly T[]) => of[random(of.length)] as T;
  const blank = () => pick(["", "", "", " ", "\n", "\t \r\n"]);
  const text = () => pick(['"a"', '"requestId"', '"request\\u0049d"', '"\\\\"', '"\\"{"', '"},["', '"ü"', '""']);
  const value = (depth: number): string => {
    const kind = random(depth > 3 ? 3 : 5);
    if (kind === 3) return list("[", "]", () => value(depth + 1));
    if (kind === 4) return object(depth + 1);
    return pick([text(), "1.10", "-0", "true", "null", "1e5"]);
  };
  const list = (open: string, close: string, item: () => string) =>
    open + blank() + Array.from({ length: random(4) }, () => item() + blank()).join(`,${blank()}`) + close;
  const object = (depth: number): string => list("{", "}", () => `${text()}${blank()}:${blank()}${value(depth)}`);
  for (let count = 0; count < 3000; count++) {
    const body = object(0);
    const result = told(body, "THE-ID");
    const meaning = JSON.parse(result);
    expect(meaning, `seed ${seed}: ${body}`).toEqual({ ...JSON.parse(body), requestId: "THE-ID" });
    if ("requestId" in JSON.parse(body)) continue;
    expect(result.replace(/,?"requestId":"THE-ID"/, ""), `seed ${seed}: ${body}`).toBe(body);
  }
});
