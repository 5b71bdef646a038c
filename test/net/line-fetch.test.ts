import { afterEach, expect, test } from "bun:test";
import { HttpLine } from "../../src/net/http-line.ts";
import { BodyPieces, LineHeaders, lineFetch } from "../../src/net/line-fetch.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { RawServer } from "./raw-server.ts";

let server: RawServer;
let line: HttpLine;
afterEach(() => {
  line.close();
  server.stop();
});

function open() {
  server = new RawServer();
  line = new HttpLine({ url: server.url, clock: new FakeClock() });
  return lineFetch(line, server.url);
}

test("a request carries its path, its headers and the length of its body in bytes", async () => {
  const post = open();
  const headers = new Headers({ "X-One": "1" });
  const answer = post(`${server.url}/p?q=1`, { headers, body: "ü" });
  const { head, body } = await (await server.connection()).answer("HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nwhy");
  const [first, ...others] = head.trimEnd().split("\r\n");
  expect(first).toBe("POST /base/p?q=1 HTTP/1.1");
  expect(others.sort()).toEqual(["Content-Length: 2", `Host: ${server.url.host}`, "x-one: 1"]);
  expect(body.toString()).toBe("ü");
  expect([(await answer).status, await (await answer).text()]).toEqual([500, "why"]);
});

test.each([
  ["nothing", undefined, ""],
  ["an empty text", "", ""],
  ["bytes", Buffer.from([1, 0, 255]), "\x01\0\xff"],
  ["pieces", new BodyPieces([Buffer.from("a"), Buffer.from(""), Buffer.from("b")]), "ab"],
])("a body may be %s", async (_, given, sent) => {
  const post = open();
  const answer = post(`${server.url}`, { headers: new Headers(), body: given as string });
  expect((await (await server.connection()).answer()).body.toString("latin1")).toBe(sent);
  expect((await answer).body).toBeNull();
});

test("each answer has its own status and body, whether the one before was empty or not", async () => {
  const post = open();
  let connection: Awaited<ReturnType<RawServer["connection"]>> | undefined;
  const answered = async (answer: string) => {
    const response = post(`${server.url}`, { headers: new Headers() });
    connection ??= await server.connection();
    await connection.answer(`HTTP/1.1 ${answer}`);
    return [(await response).status, await (await response).text()];
  };
  expect(await answered("202 Yes\r\nContent-Length: 0\r\n\r\n")).toEqual([202, ""]);
  expect(await answered("202 Yes\r\nContent-Length: 0\r\n\r\n")).toEqual([202, ""]);
  expect(await answered("202 Yes\r\nContent-Length: 3\r\n\r\nwhy")).toEqual([202, "why"]);
  expect(await answered("500 No\r\nContent-Length: 0\r\n\r\n")).toEqual([500, ""]);
});

test("headers are found whatever their case, and each is there once", () => {
  const headers = new LineHeaders({ "Content-Type": "a/b", "X-One": "1" });
  headers.set("x-ONE", "2");
  const all: string[] = [];
  headers.forEach((value, name) => void all.push(`${name}: ${value}`));
  expect(all).toEqual(["content-type: a/b", "x-one: 2"]);
  expect([headers.get("CONTENT-TYPE"), headers.has("x-One"), headers.has("y"), headers.get("y")]).toEqual([
    "a/b",
    true,
    false,
    null,
  ]);
  expect(new LineHeaders().has("x-one")).toBe(false);
});

test("another server, and a body it cannot send, are refused", async () => {
  const post = open();
  const headers = new Headers();
  await expect(post("http://127.0.0.1:1/x", { headers })).rejects.toThrow("is not on the line's server");
  await expect(post(`${server.url}`, { headers, body: new FormData() })).rejects.toThrow(
    "texts, bytes and pieces only",
  );
});
