import { describe, expect, test } from "bun:test";
import { apiError, escapeHtml, toApiJson, toHeaderValue } from "../../src/runtime-api/replies.ts";

describe("the JSON of an answer", () => {
  test.each([
    [{ a: "<b>&" }, '{"a":"\\u003cb\\u003e\\u0026"}\n'],
    [{ "<": 1 }, '{"\\u003c":1}\n'],
    ["\u2028\u2029", '"\\u2028\\u2029"\n'],
    ["\\u003c \" / '", '"\\\\u003c \\" / \'"\n'],
    ["ü😀", '"ü😀"\n'],
  ])("escapes what could be taken for HTML, and nothing else: %j", (value, text) => {
    expect(toApiJson(value)).toBe(text);
    expect(JSON.parse(toApiJson(value))).toEqual(value);
  });

  test("is the same for a text that is JSON already", () => {
    expect(escapeHtml('{"a":"<"}')).toBe('{"a":"\\u003c"}');
  });
});

test("an error has its message before its type, and a content type without a charset", async () => {
  const reply = apiError({ status: 400, type: "InvalidRequestID", message: "a <b>" });
  expect(reply.headers.get("content-type")).toBe("application/json");
  expect(await reply.text()).toBe('{"errorMessage":"a \\u003cb\\u003e","errorType":"InvalidRequestID"}\n');
});

test.each([
  ["", ""],
  [" ", ""],
  ["\r\n", ""],
  ["a", "a"],
  ["a\tb", "a\tb"],
  ["é", "\u00c3\u00a9"],
])("the header value of %j is %j", (text, value) => {
  expect(toHeaderValue(text)).toBe(value);
});
