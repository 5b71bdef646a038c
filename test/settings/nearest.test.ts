import { expect, test } from "bun:test";
import { nearest } from "../../src/settings/nearest.ts";

const names = ["--timeout", "--no-timeout", "--host", "--port"];

test.each([
  ["--tiemout", "--timeout"],
  ["--time-out", "--timeout"],
  ["--notimeout", "--no-timeout"],
  ["--prot", "--port"],
  ["-port", "--port"],
  ["--ports", "--port"],
  ["--something-else", undefined],
  ["-x", undefined],
])("%s is meant to be %p", (name, meant) => {
  expect(nearest(name, names)).toBe(meant as string);
});
