import { describe, expect, test } from "bun:test";
import { ProtocolError } from "../../../src/net/listener/request-head.ts";
import { maxHeadBytes, RequestParser } from "../../../src/net/listener/request-parser.ts";
import { seededRandom } from "../../support/seeded-random.ts";

/** What the parser found, as text: pieces of a body that were cut otherwise are the same body. */
class Found {
  readonly lines: string[] = [];
  #body = "";
  readonly parser = new RequestParser({
    onHead: ({ method, target }) => void this.lines.push(`${method} ${target}`),
    onBody: (bytes, from, to) => {
      this.#body += bytes.toString("latin1", from, to);
    },
    onEnd: (trailers) => {
      this.lines.push(`body ${JSON.stringify(this.#body)}`, ...Array.from(trailers ?? [], ([a, b]) => `${a}=${b}`));
      this.#body = "";
    },
  });

  feed(bytes: Buffer): this {
    for (let at = 0; at < bytes.length; ) {
      try {
        at = this.parser.parse(bytes, at);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.lines.push(`refused ${error.status}`);
        break;
      }
    }
    return this;
  }

  get isRefused(): boolean {
    return this.lines.at(-1)?.startsWith("refused") ?? false;
  }
}

function found(...pieces: Buffer[]): string[] {
  const parser = new Found();
  for (const piece of pieces) if (!parser.isRefused) parser.feed(piece);
  return parser.lines;
}

const host = "Host: init\r\n";
const chunked = `POST /c HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n`;

const rows: [what: string, text: string, expected: string[]][] = [
  ["a request without a body", `GET /a HTTP/1.1\r\n${host}\r\n`, ["GET /a", 'body ""']],
  ["a body", `POST /a HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`, ["POST /a", 'body "hello"']],
  [
    "line breaks behind a body, and the next request",
    `POST /a HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nhi\r\n\n\r\nGET /b HTTP/1.1\r\n${host}\r\n`,
    ["POST /a", 'body "hi"', "GET /b", 'body ""'],
  ],
  [
    "three requests at once",
    `GET /a HTTP/1.1\r\n${host}\r\nPOST /b HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\n\nGET /c HTTP/1.1\r\n${host}\r\n`,
    ["GET /a", 'body ""', "POST /b", 'body "\\n"', "GET /c", 'body ""'],
  ],
  [
    "lines ended by LF alone, and a request with CRLF behind it",
    `POST /a HTTP/1.1\nHost: init\nContent-Length: 2\n\nhiGET /b HTTP/1.1\nHost: init\n\nGET /c HTTP/1.1\r\n${host}\r\n`,
    ["POST /a", 'body "hi"', "GET /b", 'body ""', "GET /c", 'body ""'],
  ],
  ["chunks", `${chunked}5\r\nhello\r\nA\r\n, world\r\n!\r\n0\r\n\r\n`, ["POST /c", 'body "hello, world\\r\\n!"']],
  [
    "chunks with extensions, and trailers",
    `${chunked}2;a="b"\r\nhi\r\n2 \r\nho\r\n000\r\nT: v\r\nU: w\r\n\r\nGET /d HTTP/1.1\r\n${host}\r\n`,
    ["POST /c", 'body "hiho"', "t=v", "u=w", "GET /d", 'body ""'],
  ],
  ["a size that is no number", `${chunked}zz\r\nhi\r\n`, ["POST /c", "refused 400"]],
  ["a size with a prefix", `${chunked}0x2\r\nhi\r\n`, ["POST /c", "refused 400"]],
  ["a size too large for a number", `${chunked}fffffffffffffff\r\nhi\r\n`, ["POST /c", "refused 400"]],
  ["an empty size", `${chunked}\r\nhi\r\n`, ["POST /c", "refused 400"]],
  ["a chunk that is longer than its size", `${chunked}2\r\nhix\r\n0\r\n\r\n`, ["POST /c", "refused 400"]],
  // As Go: here a line break that others do not see would hide a request.
  ["a size ended by LF alone", `${chunked}2\nhi\r\n0\r\n\r\n`, ["POST /c", "refused 400"]],
  ["a chunk ended by LF alone", `${chunked}2\r\nhi\n0\r\n\r\n`, ["POST /c", "refused 400"]],
  ["a trailer that is none", `${chunked}0\r\nT\r\n\r\n`, ["POST /c", "refused 400"]],
  [
    "a second request that is none",
    `GET /a HTTP/1.1\r\n${host}\r\nhello\r\n\r\n`,
    ["GET /a", 'body ""', "refused 400"],
  ],
];

describe("read the same however it is cut into pieces", () => {
  test.each(rows)("%s", (_, text, expected) => {
    const bytes = Buffer.from(text, "latin1");
    expect(found(bytes)).toEqual(expected);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect([cut, ...found(bytes.subarray(0, cut), bytes.subarray(cut))]).toEqual([cut, ...expected]);
    }
    expect(found(...Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(expected);
  });

  test("any requests one after the other, in any pieces", () => {
    const { random, seed } = seededRandom();
    const requests = rows.filter(([, , expected]) => !expected.at(-1)?.startsWith("refused"));
    for (let round = 0; round < 300; round++) {
      const picked = Array.from({ length: 1 + random(5) }, () => requests[random(requests.length)] as (typeof rows)[0]);
      const bytes = Buffer.from(picked.map(([, text]) => text).join(""), "latin1");
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + random(random(2) === 0 ? 4 : bytes.length);
        pieces.push(bytes.subarray(at, end));
        at = end;
      }
      expect({ seed, round, lines: found(...pieces) }).toEqual({ seed, round, lines: picked.flatMap((row) => row[2]) });
    }
  });

  test("bytes without any sense are refused or waited for, never more", () => {
    const { random, seed } = seededRandom();
    const alphabet = [
      "\r",
      "\n",
      "\r\n",
      " ",
      ":",
      "0",
      "a",
      "GET / HTTP/1.1\r\n",
      host,
      "Transfer-Encoding: chunked\r\n",
      "\0",
      "\xff",
    ];
    for (let round = 0; round < 2000; round++) {
      const parts = Array.from({ length: 12 }, () => alphabet[random(alphabet.length)]);
      const bytes = Buffer.from(parts.join(""), "latin1");
      const whole = found(bytes);
      const cut = random(bytes.length);
      expect({ seed, round, lines: found(bytes.subarray(0, cut), bytes.subarray(cut)) }).toEqual({
        seed,
        round,
        lines: whole,
      });
    }
  });
});

describe("a head of megabytes", () => {
  const head = (size: number) => Buffer.from(`GET /a HTTP/1.1\r\n${host}A: ${"c".repeat(size)}\r\n\r\n`);
  const pieces = (bytes: Buffer) => {
    const all: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 1000) all.push(bytes.subarray(at, at + 1000));
    return all;
  };

  test("is taken up to the limit, in small pieces too", () => {
    const bytes = head(maxHeadBytes - 100);
    expect(found(bytes)).toEqual(["GET /a", 'body ""']);
    expect(found(...pieces(bytes))).toEqual(["GET /a", 'body ""']);
  });

  test("is refused above it, before its end has come", () => {
    const bytes = head(maxHeadBytes);
    expect(found(bytes)).toEqual(["refused 431"]);
    expect(found(...pieces(bytes))).toEqual(["refused 431"]);
    expect(found(bytes.subarray(0, -10))).toEqual(["refused 431"]);
  });

  test("trailers have the same limit", () => {
    const trailers = (size: number) => Buffer.from(`${chunked}0\r\nT: ${"c".repeat(size)}\r\n\r\n`);
    expect(found(trailers(1_000_000)).length).toBe(3);
    expect(found(trailers(maxHeadBytes))).toEqual(["POST /c", "refused 431"]);
  });

  test("the line before a chunk has a small one", () => {
    expect(found(Buffer.from(`${chunked}1;${"x".repeat(5000)}`))).toEqual(["POST /c", "refused 400"]);
  });
});

test("3,000 headers are taken", () => {
  const fields = Array.from({ length: 3000 }, (_, at) => `h${at}: v\r\n`).join("");
  expect(found(Buffer.from(`GET /a HTTP/1.1\r\n${host}${fields}\r\n`))).toEqual(["GET /a", 'body ""']);
});

test("between requests nothing is held, not even line breaks", () => {
  const { parser } = new Found();
  expect(parser.isBetweenRequests).toBe(true);
  parser.parse(Buffer.from("\r\n"), 0);
  expect(parser.isBetweenRequests).toBe(true);
  parser.parse(Buffer.from("G"), 0);
  expect(parser.isBetweenRequests).toBe(false);
});
