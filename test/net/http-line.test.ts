import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { systemClock } from "../../src/clock.ts";
import { HttpLine } from "../../src/net/http-line.ts";
import { LineBrokenError, LineSilentError } from "../../src/net/line-connection.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { freePort } from "../support/free-port.ts";
import { waitUntil } from "../support/within.ts";
import { RawServer } from "./raw-server.ts";
import { cert, key } from "./self-signed.ts";

const accepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

let server: RawServer;
let line: HttpLine;
afterEach(() => {
  line.close();
  server.stop();
});

function open(clock = new FakeClock(), port = 0): FakeClock {
  server = new RawServer({ port });
  line = new HttpLine({ url: server.url, clock });
  return clock;
}

function post(...pieces: (string | Uint8Array)[]) {
  const body = pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece));
  const length = body.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return line.post({ head: `POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`, body });
}

/** What became of a post, as a word. */
async function fateOf(posted: Promise<unknown>): Promise<string> {
  return posted.then(
    () => "answered",
    (error) => (error instanceof LineBrokenError ? error.code : String(error.name)),
  );
}

test("posts go over one connection, in turn", async () => {
  open();
  line.connect();
  const connection = await server.connection();
  for (const body of ["", "one", "two"]) {
    const answer = post(body);
    expect((await connection.answer()).body.toString()).toBe(body);
    expect((await answer).status).toBe(202);
  }
  expect(server.count).toBe(1);
});

test("posts sent ahead arrive in order and get their own answers, also when these come in one piece", async () => {
  open();
  const answers = Promise.all([post("a"), post("b"), post("c")]);
  const connection = await server.connection();
  const bodies = [];
  for (let count = 0; count < 3; count++) bodies.push((await connection.request()).body.toString());
  connection.send(
    "HTTP/1.1 201 A\r\nContent-Length: 1\r\n\r\naHTTP/1.1 202 B\r\nContent-Length: 0\r\n\r\nHTTP/1.1 503 C\r\nCon",
  );
  connection.send("tent-Length: 0\r\n\r\n");
  expect(bodies).toEqual(["a", "b", "c"]);
  expect((await answers).map(({ status }) => status)).toEqual([201, 202, 503]);
});

test("a body of many megabytes in many pieces is written as the server takes it", async () => {
  open();
  const pieces = Array.from({ length: 400 }, (_, at) => Buffer.alloc(at % 2 ? 32_768 : 70_001, at));
  const answer = post(...pieces, "end");
  const connection = await server.connection();
  connection.pause();
  await server.roundTrip();
  connection.resume();
  const { body } = await connection.answer();
  expect(Buffer.compare(body, Buffer.concat([...pieces, Buffer.from("end")]))).toBe(0);
  expect((await answer).status).toBe(202);
  expect(connection.hasMore).toBe(false);
});

test("an answer may come in any pieces", async () => {
  open();
  const answer = post("x");
  const connection = await server.connection();
  await connection.request();
  for (const letter of "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    connection.send(letter);
  expect(Buffer.from((await answer).body).toString()).toBe("ok");
  const next = post("y");
  await connection.answer();
  expect((await next).status).toBe(202);
});

describe("a connection is left", () => {
  test("when the server says so", async () => {
    open();
    const first = post("1");
    await (await server.connection()).answer("HTTP/1.1 202 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    await first;
    const second = post("2");
    await (await server.connection()).answer();
    expect((await second).status).toBe(202);
  });

  test("when the server has closed it meanwhile", async () => {
    open();
    const first = post("1");
    const connection = await server.connection();
    await connection.answer();
    await first;
    connection.end();
    await server.roundTrip();
    const second = post("2");
    await (await server.connection()).answer();
    expect((await second).status).toBe(202);
  });

  test("when it was idle for long, also if nothing was sent on it yet", async () => {
    const clock = open();
    line.connect();
    await server.connection();
    await clock.advance(30_001);
    const first = post("1");
    const connection = await server.connection();
    await connection.answer();
    await first;
    await clock.advance(30_000);
    const second = post("2");
    await connection.answer();
    expect((await second).status).toBe(202);
  });

  test("when something comes that nobody asked for", async () => {
    open();
    line.connect();
    const connection = await server.connection();
    connection.send(accepted);
    await waitUntil("it was closed", () => connection.isClosed);
    const answer = post("x");
    await (await server.connection()).answer("HTTP/1.1 500 Own\r\nContent-Length: 0\r\n\r\n");
    expect((await answer).status).toBe(500);
  });

  test("when the answer came before the request was sent", async () => {
    open();
    const answer = post(Buffer.alloc(40_000_000));
    const connection = await server.connection();
    connection.pause();
    connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    expect((await answer).status).toBe(413);
    const next = post("x");
    await (await server.connection()).answer();
    expect((await next).status).toBe(202);
  });
});

describe("an answer that does not end costs its connection, not its status", () => {
  const start = "HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  test("when it is longer than the bound", async () => {
    open();
    const answer = post("x");
    const connection = await server.connection();
    await connection.request();
    connection.send(`${start}20000\r\n${"y".repeat(0x20000)}`);
    const { status, body } = await answer;
    expect(status).toBe(202);
    expect(body.length).toBeLessThan(0x20000 + 1);
    await waitUntil("it was closed", () => connection.isClosed);
  });

  test("when it takes more than a second, however it drips", async () => {
    const clock = open();
    const answer = fateOf(post("x"));
    const connection = await server.connection();
    await connection.request();
    connection.send(start);
    for (let turn = 0; turn < 100 && !connection.isClosed; turn++) {
      connection.send("1\r\nz\r\n");
      await clock.advance(100);
    }
    expect(await answer).toBe("answered");
    expect(clock.now()).toBeLessThan(3000);
  });

  test("when the connection ends before it", async () => {
    open();
    const answer = post("x");
    const connection = await server.connection();
    await connection.answer("HTTP/1.1 202 OK\r\nContent-Length: 100\r\n\r\nhalf");
    connection.end();
    expect((await answer).status).toBe(202);
  });

  test("nor does one that ends with its connection", async () => {
    open();
    const answer = post("x");
    const connection = await server.connection();
    await connection.answer("HTTP/1.0 500 Old\r\n\r\nwhy");
    connection.end();
    expect(Buffer.from((await answer).body).toString()).toBe("why");
  });
});

describe("a post fails", () => {
  test("where nobody listens", async () => {
    open(new FakeClock(), freePort());
    server.stop();
    expect(await fateOf(post("x"))).toBe("ECONNREFUSED");
  });

  test("where the name is unknown", async () => {
    open();
    // Longer than a name may be: known to be none without asking a server, so with and without a network.
    line = new HttpLine({ url: new URL(`http://${"x".repeat(64)}.invalid`), clock: new FakeClock() });
    expect(await fateOf(post("x"))).toBe("ENOTFOUND");
  });

  test.each(["reset", "end"] as const)(
    "when the connection ends by %s before the answer, with all behind it",
    async (how) => {
      open();
      const fates = [post("a"), post("b")].map(fateOf);
      const connection = await server.connection();
      await connection.request();
      connection[how]();
      expect(await Promise.all(fates)).toEqual(["ECONNRESET", "ECONNRESET"]);
    },
  );

  test("when what comes is no HTTP", async () => {
    open();
    const fate = fateOf(post("x"));
    await (await server.connection()).answer("220 mail.example.com ESMTP\r\n");
    expect(await fate).toBe("EPROTO");
  });

  test("when the head of the answer does not end", async () => {
    open();
    const fate = fateOf(post("x"));
    await (await server.connection()).answer(`HTTP/1.1 200 OK\r\nX: ${"y".repeat(70_000)}`);
    expect(await fate).toBe("EMSGSIZE");
  });

  test("after ten seconds of silence, and tells whether the connection had worked before", async () => {
    const clock = open();
    for (const wasReused of [false, true]) {
      if (wasReused) {
        const first = post("1");
        await (await server.connection()).answer();
        await first;
      }
      const silent = post("2").catch((error) => error);
      if (wasReused) await clock.advance(0);
      else await (await server.connection()).request();
      await clock.advance(9_999);
      expect(await Promise.race([silent, "waits"])).toBe("waits");
      await clock.advance(1);
      const error = await silent;
      expect(error).toBeInstanceOf(LineSilentError);
      expect([error.message, error.wasReused]).toEqual(["no answer within 10 s", wasReused]);
    }
  });
});

test("a server that takes a large body slowly is not silent", async () => {
  const clock = open();
  const step = 16_000_000; // More than the kernel holds between the two: what was read since, was sent since.
  const answer = fateOf(post(Buffer.alloc(5 * step)));
  const connection = await server.connection();
  for (let steps = 1; steps <= 4; steps++) {
    connection.resume(steps * step);
    await waitUntil("some of it was read", () => connection.size >= steps * step);
    await clock.advance(6000);
  }
  connection.resume();
  await connection.answer();
  expect(await answer).toBe("answered");
});

describe("https", () => {
  /** Posts twice from a process of its own: the engine reads at its start whom it trusts. */
  async function postFrom(hostname: string, env: Record<string, string>): Promise<string> {
    const { port } = server.url;
    const code = `
      import { HttpLine } from "${import.meta.dir}/../../src/net/http-line.ts";
      import { systemClock } from "${import.meta.dir}/../../src/clock.ts";
      const line = new HttpLine({ url: new URL("https://${hostname}:${port}"), clock: systemClock });
      const body = new Uint8Array(3_000_000);
      const post = () => line.post({ head: "POST / HTTP/1.1\\r\\nContent-Length: 3000000\\r\\n\\r\\n", body: [body] });
      try {
        await post();
        console.log((await post()).status);
      } catch (error) {
        console.log(error.code);
      }
      process.exit(0);`;
    const child = Bun.spawn([process.execPath, "-e", code], { env: { ...process.env, ...env }, stdout: "pipe" });
    return (await new Response(child.stdout).text()).trim();
  }

  async function serve(): Promise<void> {
    server = new RawServer({ tls: { key, cert } });
    line = new HttpLine({ url: server.url, clock: systemClock });
    const connection = await server.connection();
    for (;;) await connection.answer();
  }

  test("carries posts over one connection to a server whose certificate is trusted", async () => {
    const directory = mkdtempSync(`${tmpdir()}/http-line-`);
    writeFileSync(`${directory}/ca.pem`, cert);
    serve().catch(() => {});
    expect(await postFrom("localhost", { NODE_EXTRA_CA_CERTS: `${directory}/ca.pem` })).toBe("202");
    expect(server.count).toBe(1);
    rmSync(directory, { recursive: true });
  });

  test.each([
    ["is not trusted", "localhost", false, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["is for another name", "127.0.0.1", true, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("tells nothing to a server whose certificate %s", async (_, hostname, isTrusted, code) => {
    const directory = mkdtempSync(`${tmpdir()}/http-line-`);
    writeFileSync(`${directory}/ca.pem`, isTrusted ? cert : "");
    serve().catch(() => {});
    expect(await postFrom(hostname, { NODE_EXTRA_CA_CERTS: `${directory}/ca.pem` })).toBe(code);
    rmSync(directory, { recursive: true });
  });
});
