import { describe, expect, test } from "bun:test";
import { TableRouter } from "../../src/net/table-router.ts";

const router = new TableRouter<string>();
router.add("ALL", "/2018-06-01/ping", "ping");
router.add("ALL", "/2018-06-01/runtime/invocation/next", "next");
router.add("ALL", "/2018-06-01/runtime/invocation/:id/response", "response");
router.add("ALL", "/2018-06-01/runtime/invocation/:id/error", "error");

function found(path: string): string | undefined {
  return (router.match("GET", path)[0] as [string, unknown][])[0]?.[0];
}

test.each([
  ["/2018-06-01/ping", "ping"],
  ["/2018-06-01/runtime/invocation/next", "next"],
  ["/2018-06-01/runtime/invocation/a/response", "response"],
  ["/2018-06-01/runtime/invocation/next/response", "response"],
  ["/2018-06-01/runtime/invocation/%2F/error", "error"],
  ["/2018-06-01/runtime/invocation/:id/error", "error"],
])("%s leads to %s", (path, route) => {
  expect(found(path)).toBe(route);
});

describe("nothing is at", () => {
  test.each([
    "",
    "/",
    "/2018-06-01/ping/",
    "//2018-06-01/ping",
    "/2018-06-01/runtime/invocation//response",
    "/2018-06-01/runtime/invocation/a/b/response",
    "/2018-06-01/runtime/invocation/a/response/",
    "/2018-06-01/runtime/:id/a/response",
    "/2018-06-01/runtime/invocation/a",
  ])("%j", (path) => {
    expect(found(path)).toBeUndefined();
  });
});

test("a path has one route, for all methods", () => {
  expect(() => router.add("ALL", "/2018-06-01/ping", "again")).toThrow("one route for each path");
  expect(() => router.add("GET", "/2018-06-01/pong", "other")).toThrow("one route for each path");
});
