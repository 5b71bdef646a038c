import { describe, expect, test } from "bun:test";
import { lastChunk, trailerLine, withTrailers } from "../../../src/net/listener/response-trailers.ts";

describe("trailers of an answer", () => {
  test("are announced, and stand behind the last chunk", async () => {
    const response = withTrailers(new Response("x"), ["X-A", "X-B"], Promise.resolve({ "X-A": "1" }));
    expect(trailerLine(response)).toBe("Trailer: X-A, X-B\r\n");
    expect(await lastChunk(response)).toBe("0\r\nX-A: 1\r\n\r\n");
  });

  test("are not there where nobody asked for any", async () => {
    expect([trailerLine(new Response("x")), await lastChunk(new Response("x"))]).toEqual(["", "0\r\n\r\n"]);
  });
});
