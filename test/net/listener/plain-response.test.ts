import { describe, expect, spyOn, test } from "bun:test";
import { log } from "../../../src/log.ts";
import { PlainResponse } from "../../../src/net/listener/plain-response.ts";
import { Fixture, get } from "./support.ts";

describe("an answer whose body is at hand is a Response to those who ask", () => {
  const made = () => new PlainResponse('{"a":1}', { status: 202, headers: { "Content-Type": "application/json" } });

  test("by its class, status and headers", () => {
    const { status, statusText, ok, headers, bodyUsed } = made();
    expect(made() instanceof Response).toBe(true);
    expect([status, statusText, ok, bodyUsed]).toEqual([202, "", true, false]);
    expect(headers.get("content-type")).toBe("application/json");
  });

  test("by its body, which is there once", async () => {
    expect(await made().json()).toEqual({ a: 1 });
    expect(await made().text()).toBe('{"a":1}');
    expect(Buffer.from(await made().bytes()).toString()).toBe('{"a":1}');
    expect(Buffer.from(await made().arrayBuffer()).toString()).toBe('{"a":1}');
    const response = made();
    await response.text();
    expect(response.bodyUsed).toBe(true);
  });

  test("whose body may be copied into another one", async () => {
    const response = made();
    expect(await new Response(response.body, response).json()).toEqual({ a: 1 });
    expect(new Response(null, made()).status).toBe(202);
  });

  test("without a body it has none, and a large one is not copied", () => {
    expect(new PlainResponse(null).body).toBeNull();
    expect(new PlainResponse("x".repeat(65_537)).body).toBeNull();
    expect(new PlainResponse("").status).toBe(200);
  });

  test("of status 400 is not ok", () => {
    expect(new PlainResponse("", { status: 400 }).ok).toBe(false);
  });
});

test.each(["a\r\nX: y", "a\nX: y", "a\r"])(
  "a header %j, which would bring others along, is not sent",
  async (value) => {
    const error = spyOn(log, "error").mockImplementation(() => {});
    const fixture = new Fixture(() => new PlainResponse("x", { headers: { A: value } }));
    fixture.receive(get("/"));
    expect(await fixture.sent()).toStartWith("HTTP/1.1 500 Internal Server Error\r\n");
    expect(error).toHaveBeenCalledTimes(1);
    error.mockRestore();
  },
);
