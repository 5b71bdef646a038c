import { describe, expect, test } from "bun:test";
import { NotHttpError, readHttpAnswer } from "../../src/net/http-answer.ts";

const read = (text: string) => {
  const answer = readHttpAnswer(Buffer.from(text, "latin1"));
  return answer && { ...answer, body: Buffer.from(answer.body).toString("latin1") };
};

describe("an answer is whole", () => {
  const rows: [what: string, text: string, status: number, body: string][] = [
    ["with a length", "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok", 202, "ok"],
    ["with an empty body", "HTTP/1.1 202 Accepted\r\nServer: x\r\ncontent-length:0\r\n\r\n", 202, ""],
    ["without a reason phrase", "HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n", 500, ""],
    ["without even the blank", "HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n", 500, ""],
    ["without a body by its status", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""],
    [
      "in chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n",
      200,
      "abc0123456789",
    ],
    [
      "in chunks with extensions and trailers",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n1;x=y\r\na\r\n0\r\nT: 1\r\nU: 2\r\n\r\n",
      200,
      "a",
    ],
    [
      "in chunks that hold line breaks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n",
      200,
      "\r\n\r\n",
    ],
    ["with bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, "x"],
    [
      "behind 100 Continue",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n",
      202,
      "",
    ],
  ];
  test.each(rows)("%s", (_, text, status, body) => {
    expect(read(text)).toEqual({ status, head: expect.any(String), body, length: text.length, isLast: false });
    // What follows belongs to the next answer.
    expect(read(`${text}HTTP/1.1 500 Next`)?.length).toBe(text.length);
  });

  test.each(rows)("%s, and before its last byte it is not", (_, text) => {
    for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end))?.length).toBeUndefined();
  });
});

describe("a connection takes no further request", () => {
  test.each([
    "HTTP/1.1 202 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 202 OK\r\nContent-Length: 0\r\nconnection: Keep-Alive, Close\r\n\r\n",
    "HTTP/1.0 202 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 204 OK\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
  ])("after %j", (text) => {
    expect(read(text)).toMatchObject({ length: text.length, isLast: true });
  });

  test("but HTTP/1.0 can ask for more", () => {
    expect(read("HTTP/1.0 202 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")?.isLast).toBe(false);
  });
});

test.each([
  "HTTP/1.1 200 OK\r\n\r\nsome",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nsome",
  "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nsome",
])("%j ends with its connection", (text) => {
  expect(read(text)).toEqual({ status: 200, head: expect.any(String), body: "some", length: undefined, isLast: true });
});

test.each([
  ["HTTP/1.1 202 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\n", "ok"],
  ["HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nok\r\n0\r\n\r\n"],
  ["HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", "ok"],
  ["HTTP/1.1 204 OK\r\nServer: x\r\n\r\n", ""],
])("%j is the head, without %j behind it or what precedes it", (head, body) => {
  expect(read(`HTTP/1.1 103 Early Hints\r\nServer: y\r\n\r\n${head}${body}`)?.head).toBe(head);
});

test("a broken chunk leaves the status, and no end", () => {
  expect(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")).toMatchObject({
    status: 200,
    length: undefined,
  });
});

test.each([
  "HTTP/2 200\r\n\r\n",
  "SSH-2.0-OpenSSH_9\r\n",
  "\x15\x03\x01\x00\x02\x02\x16",
  "HTTP/1.1 99 Low\r\n\r\n",
  "HTTP/1.1 abc\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\n\r\n",
])("%j is not HTTP", (text) => {
  expect(() => read(text)).toThrow(NotHttpError);
});
