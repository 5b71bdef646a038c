import { expect, test } from "bun:test";
import { Fields } from "../../../src/net/listener/fields.ts";

const fields = new Fields("Host: init\r\nX-A:1\nx-a: 2\r\nX-A-B: \t c: d \r\nEmpty:\r\n");

test("a field is found by its whole name, in any letter case", () => {
  expect(["host", "HOST", "x-a", "X-A-B", "empty", "a", "x-", "c"].map((name) => fields.get(name))).toEqual([
    "init",
    "init",
    "1",
    "c: d",
    "",
    null,
    null,
    null,
  ]);
  expect(["Host", "empty", "none"].map((name) => fields.has(name))).toEqual([true, true, false]);
});

test("all values of a repeated field are there for who asks for them", () => {
  expect([fields.getAll("x-a"), fields.getAll("none")]).toEqual([["1", "2"], []]);
});

test("it is read as a Headers is", () => {
  const headers = fields.asHeaders();
  expect(headers).toBeInstanceOf(Headers);
  const all = [
    ["host", "init"],
    ["x-a", "1"],
    ["x-a-b", "c: d"],
    ["empty", ""],
  ];
  expect([...headers]).toEqual(all as [string, string][]);
  expect([...headers.keys()]).toEqual(all.map(([name]) => name as string));
  expect([...headers.values()]).toEqual(all.map(([, value]) => value as string));
  const seen: string[][] = [];
  headers.forEach((value, name) => void seen.push([name, value]));
  expect(seen).toEqual(all);
});

test("and not changed", () => {
  expect(() => fields.asHeaders().set("a", "b")).toThrow();
});
