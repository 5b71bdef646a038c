/** What Go's server takes and refuses, recorded from Go 1.23's `net/http`; differences are named. */
import { describe, expect, test } from "bun:test";
import { ProtocolError, parseHead, parseTrailers } from "../../../src/net/listener/request-head.ts";

const host = "Host: init";

/** A head of these lines, each ended by CRLF. */
function headOf(...lines: string[]) {
  return parseHead(`${lines.join("\r\n")}\r\n\r\n`);
}

function refusal(...lines: string[]): unknown {
  try {
    return headOf(...lines);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error.message === "" ? error.status : `${error.status} ${error.message}`;
  }
}

test("a request line and headers, names in any letter case", () => {
  const head = headOf("POST /a/b?c=d HTTP/1.1", host, "Content-LENGTH: 12", "X-Blanks: \t b c\t ", "x-empty:");
  expect(head).toEqual({
    method: "POST",
    target: "/a/b?c=d",
    fields: expect.anything(),
    isHttp10: false,
    keepsAlive: true,
    expectsContinue: false,
    bodyLength: 12,
  });
  expect([...head.fields]).toEqual([
    ["host", "init"],
    ["content-length", "12"],
    ["x-blanks", "b c"],
    ["x-empty", ""],
  ]);
});

test("lines may be ended by LF alone, or some of them", () => {
  expect([...parseHead("GET / HTTP/1.1\nHost: init\r\nA: b\n\n").fields]).toEqual([
    ["host", "init"],
    ["a", "b"],
  ]);
});

test("a byte above ASCII stays one character", () => {
  const utf8 = Buffer.from("\u00fc\u00a0").toString("latin1");
  expect(headOf("GET / HTTP/1.1", host, `A: ${utf8}`).fields.get("a")).toBe(utf8);
});

test("of a repeated header the first value counts", () => {
  expect(headOf("GET / HTTP/1.1", host, "A: 1", "a: 2").fields.get("a")).toBe("1");
});

test("a value may go on in the next line", () => {
  const { fields } = headOf("GET / HTTP/1.1", host, "A: b", "\t c ", " d", "E: f");
  expect([fields.get("a"), fields.get("e")]).toEqual(["b c d", "f"]);
});

describe("the method is anybody's business", () => {
  test.each(["GET", "FOO", "get", "M-SEARCH"])("%s is passed on", (method) => {
    expect(headOf(`${method} / HTTP/1.1`, host).method).toBe(method);
  });
});

test.each(["/", "//a//b", "/%70ing", "/a/../b", "/?", "/a|b", "http://other/ping"])(
  "the target %s stays as it is",
  (target) => {
    expect(headOf(`GET ${target} HTTP/1.1`, host).target).toBe(target);
  },
);

describe("refused", () => {
  const rows: [what: string, expected: unknown, ...lines: string[]][] = [
    ["nothing but a word", 400, "hello"],
    ["a method that is no word", 400, "G@T / HTTP/1.1", host],
    ["two blanks", 400, "GET  / HTTP/1.1", host],
    ["no version", 400, "GET /", host],
    ["a version in lower case", 400, "GET / http/1.1", host],
    ["HTTP/2", "505 unsupported protocol version", "GET / HTTP/2.0", host],
    ["a target that is no path", 400, "GET ping HTTP/1.1", host],
    ["a control character in the target", 400, "GET /\x01 HTTP/1.1", host],
    ["no host", "400 missing required Host header", "GET / HTTP/1.1"],
    ["two hosts", "400 too many Host headers", "GET / HTTP/1.1", host, host],
    ["a host that is none", "400 malformed Host header", "GET / HTTP/1.1", "Host: a b/c"],
    ["a blank before the colon", "400 invalid header name", "GET / HTTP/1.1", host, "A : b"],
    ["a line without a colon", 400, "GET / HTTP/1.1", host, "Abc"],
    ["a header without a name", 400, "GET / HTTP/1.1", host, ": b"],
    ["a first header that goes on", 400, "GET / HTTP/1.1", " a: b", host],
    ["a NUL", 400, "GET / HTTP/1.1", host, "A: b\0c"],
    ["another control character", 400, "GET / HTTP/1.1", host, "A: b\x01c"],
    ["a carriage return in a value", 400, "GET / HTTP/1.1", host, "A: b\rC: d"],
    ["a carriage return too many", 400, "GET / HTTP/1.1\r", host],
    ["an unknown expectation", 417, "POST / HTTP/1.1", host, "Expect: bananas", "Content-Length: 1"],
  ];
  test.each(rows)("%s", (_, expected, ...lines) => {
    expect(refusal(...lines)).toBe(expected);
  });
});

describe("the length of the body", () => {
  const rows: [what: string, expected: unknown, ...headers: string[]][] = [
    ["none", 0],
    ["0", 0, "Content-Length: 0"],
    ["a number", 12, "Content-Length: 0012"],
    ["the same twice", 12, "Content-Length: 12", "content-length: 12"],
    ["chunked", "chunked", "Transfer-Encoding: Chunked"],
    ["two lengths", 400, "Content-Length: 1", "Content-Length: 2"],
    ["a list", 400, "Content-Length: 1, 1"],
    ["a sign", 400, "Content-Length: +1"],
    ["negative", 400, "Content-Length: -1"],
    ["no number", 400, "Content-Length: 1x"],
    ["empty", 400, "Content-Length:"],
    ["too large for a number", 400, "Content-Length: 9999999999999999"],
    // Go takes the chunked body. Two readers could differ here, and nobody honest sends it.
    ["a length and chunked", 400, "Content-Length: 1", "Transfer-Encoding: chunked"],
    ["chunked and a length", 400, "Transfer-Encoding: chunked", "Content-Length: 1"],
    ["an encoding nobody knows", "501 unsupported transfer encoding", "Transfer-Encoding: gzip, chunked"],
    ["nearly chunked", "501 unsupported transfer encoding", "Transfer-Encoding: xchunked"],
    ["identity", "501 unsupported transfer encoding", "Transfer-Encoding: identity"],
    ["chunked twice", "501 unsupported transfer encoding", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
  ];
  test.each(rows)("%s", (_, expected, ...headers) => {
    const result = refusal("POST / HTTP/1.1", host, ...headers);
    expect(typeof result === "object" ? (result as { bodyLength: unknown }).bodyLength : result).toBe(
      expected as never,
    );
  });

  test("HTTP/1.0 knows no chunks: such a body has no end one could know", () => {
    expect(refusal("POST / HTTP/1.0", "Transfer-Encoding: chunked")).toBe(400);
  });
});

describe("whether the connection is kept", () => {
  test.each([
    ["1.1", undefined, true],
    ["1.1", "close", false],
    ["1.1", "x, CLOSE", false],
    ["1.1", "closed", true],
    ["1.0", undefined, false],
    ["1.0", "Keep-Alive", true],
  ])("HTTP/%s with Connection: %s", (version, connection, kept) => {
    const headers = connection === undefined ? [] : [`Connection: ${connection}`];
    expect(headOf(`GET / HTTP/${version}`, host, ...headers).keepsAlive).toBe(kept);
  });

  test("all Connection headers count", () => {
    expect(headOf("GET / HTTP/1.1", host, "Connection: a", "Connection: close").keepsAlive).toBe(false);
  });
});

test.each([
  ["1.1", ["Content-Length: 1"], true],
  ["1.1", ["Transfer-Encoding: chunked"], true],
  ["1.1", [], false],
  ["1.0", ["Content-Length: 1"], false],
])("a client of HTTP/%s that sends %p waits for 100 Continue: %p", (version, headers, waits) => {
  expect(headOf(`POST / HTTP/${version}`, host, "Expect: 100-Continue", ...headers).expectsContinue).toBe(waits);
});

test("trailers are fields without a request line", () => {
  expect([...parseTrailers("\r\n")]).toEqual([]);
  expect([...parseTrailers("A: b\r\nC: d\n\n")]).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
});
