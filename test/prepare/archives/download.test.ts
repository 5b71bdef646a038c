import { afterEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { CodeArchiveError } from "../../../src/prepare/archives/code-archives.ts";
import { idleTimeoutMs, overallTimeoutMs } from "../../../src/prepare/archives/download.ts";
import { freePort } from "../../support/free-port.ts";
import { waitUntil } from "../../support/within.ts";
import { writeZip } from "../../support/zip-writer.ts";
import { app, serve, serveSockets, stopServers, unpack, WatchedClock } from "./archive-server.ts";
import { filesIn } from "./archive-world.ts";

afterEach(stopServers);

describe("the server's answer", () => {
  test("a redirect is followed", async () => {
    const root = serve((path) =>
      path === "/old" ? new Response("", { status: 307, headers: { Location: "/new" } }) : app("new"),
    );
    const unpacked = unpack([`${root}/old`]);
    await unpacked.done();
    expect(unpacked.app()).toBe("new");
  });

  test.each([404, 403, 500, 503])("status %d is an error that names url and status, asked for once", async (status) => {
    let asked = 0;
    const root = serve(() => {
      asked++;
      return new Response("<html>", { status });
    });
    const { done, failure, outer } = unpack([`${root}/code.zip?x=1`]);
    expect(await failure()).toContain(`${root}/code.zip?x=1 cannot be used: the server answered ${status}`);
    expect(await done().catch((error) => error)).toBeInstanceOf(CodeArchiveError);
    expect(asked).toBe(1);
    expect(filesIn(outer)).toEqual(["tmp"]);
  });

  test("an empty answer is no archive", async () => {
    const root = serve(() => new Response(null, { status: 204 }));
    expect(await unpack([root]).failure()).toContain("not a zip file");
  });

  test("what is compressed on its way is uncompressed", async () => {
    const bytes = new Uint8Array(gzipSync(writeZip([{ name: "app", content: "x" }])));
    const root = serve(() => new Response(bytes, { headers: { "Content-Encoding": "gzip" } }));
    const unpacked = unpack([root]);
    await unpacked.done();
    expect(unpacked.app()).toBe("x");
  });

  test.each(["file:///etc/passwd", "data:,x", "nonsense", ""])("the url %j is refused", async (url) => {
    expect(await unpack([url]).failure()).toContain("no http:// or https:// address");
  });

  test.each([
    ["to a file of ours", "file:///etc/passwd", "UnsupportedRedirectProtocol"],
    ["to itself", "/", "TooManyRedirects"],
  ])("a redirect %s is refused at once", async (_, location, problem) => {
    const root = serve(() => new Response("", { status: 302, headers: { Location: location } }));
    expect(await unpack([root]).failure()).toContain(`its redirects lead nowhere: ${problem}`);
  });
});

describe("the connection", () => {
  test("is tried again when it is refused at first", async () => {
    const port = freePort();
    const clock = new WatchedClock();
    const unpacked = unpack([`http://127.0.0.1:${port}/`], clock);
    await clock.begun(50);
    serve(() => app("late"), port);
    await clock.advance(50);
    await unpacked.done();
    expect(unpacked.app()).toBe("late");
  });

  test("is given up after 3 seconds of refusals", async () => {
    const clock = new WatchedClock();
    const { failure } = unpack(["http://127.0.0.1:1/code.zip"], clock);
    for (const wait of [50, 100, 200, 400, 750, 1500]) {
      await clock.begun(wait);
      await clock.advance(wait);
    }
    expect(await failure()).toMatch(/127\.0\.0\.1:1\/code\.zip cannot be used: ECONNREFUSED, in 7 attempts/);
    expect(clock.now()).toBe(3000);
  });

  test.each([
    ["of a known length", `Content-Length: 1000\r\n\r\n${"x".repeat(500)}`],
    ["in pieces", `Transfer-Encoding: chunked\r\n\r\n1f4\r\n${"x".repeat(500)}\r\n`],
    ["in the middle of a piece", `Transfer-Encoding: chunked\r\n\r\n3e8\r\n${"x".repeat(500)}`],
  ])("that breaks in the middle of an answer %s: everything once more", async (_, start) => {
    const bytes = new Uint8Array(writeZip([{ name: "app", content: "whole" }]));
    const root = serveSockets((socket, request) => {
      if (request < 3) socket.end(`HTTP/1.1 200 OK\r\n${start}`);
      else
        socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`), bytes]));
    });
    const clock = new WatchedClock();
    const unpacked = unpack([root], clock);
    for (const wait of [50, 100]) {
      await clock.begun(wait);
      await clock.advance(wait);
    }
    await unpacked.done();
    expect(unpacked.app()).toBe("whole");
  });

  test.each([
    ["before its status", ""],
    ["behind its headers", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"],
    ["in the middle", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nPK"],
  ])("to a server that goes silent %s is given up, and not made again", async (_, start) => {
    let requests = 0;
    const root = serveSockets((socket, request) => {
      requests = request;
      socket.write(start);
    });
    const clock = new WatchedClock();
    const { failure, outer } = unpack([root], clock);
    await clock.begun(idleTimeoutMs, start.endsWith("PK") ? 2 : 1);
    await waitUntil("the request is there", () => requests > 0);
    await clock.advance(idleTimeoutMs);
    expect(await failure()).toContain(`${root} cannot be used: the server sent nothing for 10 s`);
    expect(requests).toBe(1);
    expect(filesIn(outer)).toEqual(["tmp"]);
  });

  test("that drips is given up at the overall deadline", async () => {
    let send = () => {};
    const root = serveSockets((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
      send = () => socket.write("x");
      send();
    });
    const clock = new WatchedClock();
    const { failure } = unpack([root], clock);
    const step = idleTimeoutMs - 1;
    let chunks = 1;
    for (; clock.now() + step < overallTimeoutMs; chunks++) {
      await clock.begun(idleTimeoutMs, chunks + 1);
      await clock.advance(step);
      send();
    }
    await clock.begun(idleTimeoutMs, chunks + 1);
    await clock.advance(overallTimeoutMs - clock.now());
    expect(await failure()).toContain("not fetched within 300 s");
  });
});
