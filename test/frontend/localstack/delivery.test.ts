import { afterEach, describe, expect, test } from "bun:test";
import { Delivery, type Fate, type Post } from "../../../src/frontend/localstack/delivery.ts";
import { BodyPieces } from "../../../src/net/line-fetch.ts";
import { type RawConnection, RawServer } from "../../net/raw-server.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { freePort } from "../../support/free-port.ts";

let server: RawServer;
afterEach(() => server.stop());

function open(port = 0) {
  server = new RawServer({ port });
  const clock = new FakeClock();
  return { clock, delivery: new Delivery({ endpoint: server.url.href, clock }) };
}

const logs: Post = { path: "logs", body: "L" };
const result: Post = { path: "result", body: "R" };

async function next(connection: RawConnection, answer?: string): Promise<string> {
  const { head, body } = await connection.answer(answer);
  return `${/^POST \/base\/(\S+) /.exec(head)?.[1]} ${body}`;
}

/** What comes over a second connection, for which the delivery waits by its clock. */
async function onTheSecond(clock: FakeClock, count: number): Promise<string[]> {
  const seen = (async () => {
    const connection = await server.connection();
    const posts: string[] = [];
    while (posts.length < count) posts.push(await next(connection));
    return posts;
  })();
  while (server.count === 1) await clock.advance(50);
  return seen;
}

describe("posts", () => {
  test("posts arrive in the order they were given, each with its body", async () => {
    const { delivery } = open();
    delivery.connect();
    const pieces = new BodyPieces([Buffer.from("pie"), Buffer.from("ces")]);
    const told = Promise.all([
      delivery.deliver([
        { path: "1", body: "text ü" },
        { path: "2", body: Buffer.from("bytes") },
      ]),
      delivery.deliver([
        { path: "3", body: "" },
        { path: "4", body: pieces },
      ]),
    ]);
    const connection = await server.connection();
    const seen = [];
    for (let count = 0; count < 4; count++) seen.push(await next(connection));
    expect(seen).toEqual(["1 text ü", "2 bytes", "3 ", "4 pieces"]);
    expect(await told).toEqual(["told", "told"]);
    expect(server.count).toBe(1);
  });

  test.each([400, 404, 500, 503])("HTTP %d is an answer, and the connection is kept", async (status) => {
    const { delivery } = open();
    const told = delivery.deliver([logs, result]);
    const connection = await server.connection();
    const answer = `HTTP/1.1 ${status} No\r\nContent-Length: 3\r\n\r\nwhy`;
    expect([await next(connection, answer), await next(connection, answer)]).toEqual(["logs L", "result R"]);
    expect(await told).toBe("told");
    expect(server.count).toBe(1);
  });

  test.each([0, 1])(
    "a connection that breaks after %d answers costs another one, and the order is kept",
    async (answered) => {
      const { clock, delivery } = open();
      const told = delivery.deliver([logs, result]);
      const first = await server.connection();
      if (answered === 1) await next(first);
      await first.request();
      first.reset();
      expect(await onTheSecond(clock, 2 - answered)).toEqual(answered === 1 ? ["result R"] : ["logs L", "result R"]);
      expect(await told).toBe("told");
    },
  );

  test("a LocalStack that took a post on a fresh connection and is silent is not asked again; what follows is told", async () => {
    const { clock, delivery } = open();
    const told = delivery.deliver([logs, result]);
    await (await server.connection()).request();
    await clock.advance(10_000);
    const connection = await server.connection();
    expect(await next(connection)).toBe("result R");
    expect(await told).toBe("silent");
    expect(server.count).toBe(2);
  });

  test("silence on a connection that had worked costs one more try, on a new one", async () => {
    const { clock, delivery } = open();
    const ready = delivery.deliver([{ path: "ready", body: "" }]);
    const first = await server.connection();
    await next(first);
    expect(await ready).toBe("told");
    const told = delivery.deliver([logs, result]);
    await first.request();
    await clock.advance(10_000);
    const second = await server.connection();
    expect([await next(second), await next(second)]).toEqual(["logs L", "result R"]);
    expect(await told).toBe("told");
    expect(server.count).toBe(2);
  });

  test("a LocalStack that is silent on both is not asked a third time", async () => {
    const { clock, delivery } = open();
    const ready = delivery.deliver([{ path: "ready", body: "" }]);
    const first = await server.connection();
    await next(first);
    await ready;
    const told = delivery.deliver([logs]);
    await first.request();
    await clock.advance(10_000);
    await (await server.connection()).request();
    await clock.advance(10_000);
    expect(await told).toBe("silent");
    expect(server.count).toBe(2);
  });

  test("one that answers late, but answers, is told once", async () => {
    const { clock, delivery } = open();
    const told = delivery.deliver([logs]);
    const connection = await server.connection();
    await connection.request();
    await clock.advance(9_900);
    connection.send("HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n");
    expect(await told).toBe("told");
    expect([server.count, connection.hasMore]).toEqual([1, false]);
  });
});

describe("small posts go together to a server that names itself Twisted", () => {
  const accepted = (server: string) => `HTTP/1.1 202 Accepted\r\n${server}Content-Length: 0\r\n\r\n`;
  const fromTwisted = accepted("Server: TwistedWeb/24.3.0\r\n");

  /** A delivery whose connection has brought one answer. */
  async function known(answer = fromTwisted) {
    const { clock, delivery } = open();
    const ready = delivery.deliver([{ path: "ready", body: "" }]);
    const connection = await server.connection();
    await next(connection, answer);
    await ready;
    return { clock, delivery, connection };
  }

  /** A post that comes without an answer to the one before. */
  async function unanswered(connection: RawConnection): Promise<string> {
    const { head, body } = await connection.request();
    return `${/^POST \/base\/(\S+) /.exec(head)?.[1]} ${body}`;
  }

  test("in one write, in their order", async () => {
    const { delivery, connection } = await known();
    const told = delivery.deliver([logs, result]);
    expect(await unanswered(connection)).toBe("logs L");
    // It came with the first one.
    expect(connection.hasMore).toBe(true);
    expect(await unanswered(connection)).toBe("result R");
    connection.send(fromTwisted + fromTwisted);
    expect([await told, server.count]).toEqual(["told", 1]);
  });

  test("and what is delivered next waits for both answers", async () => {
    const { delivery, connection } = await known();
    const first = delivery.deliver([logs, result]);
    const second = delivery.deliver([{ path: "next", body: "" }]);
    for (const seen of ["logs L", "result R"]) expect(await unanswered(connection)).toBe(seen);
    connection.send(fromTwisted);
    await server.roundTrip();
    expect(connection.hasMore).toBe(false);
    connection.send(fromTwisted);
    expect(await next(connection)).toBe("next ");
    expect(await Promise.all([first, second])).toEqual(["told", "told"]);
  });

  test.each([
    ["another server", accepted("Server: hypercorn-h11\r\n"), [logs, result]],
    ["one that says nothing", accepted(""), [logs, result]],
    ["one that speaks of Twisted elsewhere", accepted("Via: Server: TwistedWeb/1\r\n"), [logs, result]],
    ["Twisted, where they are large", fromTwisted, [logs, { path: "result", body: "R".repeat(20_000) }]],
  ] as [string, string, Post[]][])("but not to %s", async (_, answer, posts) => {
    const { delivery, connection } = await known(answer);
    const told = delivery.deliver(posts);
    await unanswered(connection);
    await server.roundTrip();
    expect(connection.hasMore).toBe(false);
    connection.send(answer);
    await next(connection, answer);
    expect(await told).toBe("told");
  });

  test("nor on a new connection, before its first answer", async () => {
    const { clock, delivery, connection } = await known();
    connection.reset();
    const told = delivery.deliver([logs, result]);
    const waiting = server.connection();
    while (server.count === 1) await clock.advance(50);
    const second = await waiting;
    expect(await unanswered(second)).toBe("logs L");
    await server.roundTrip();
    expect(second.hasMore).toBe(false);
    second.send(fromTwisted);
    expect(await next(second)).toBe("result R");
    expect(await told).toBe("told");
  });

  test.each([0, 1])(
    "a connection that breaks after %d of their answers: the rest comes again, in order, one after the other",
    async (answered) => {
      const { clock, delivery, connection } = await known();
      const told = delivery.deliver([logs, result]);
      await unanswered(connection);
      await unanswered(connection);
      if (answered === 1) connection.send(fromTwisted);
      connection.end();
      expect(await onTheSecond(clock, 2 - answered)).toEqual(answered === 1 ? ["result R"] : ["logs L", "result R"]);
      expect(await told).toBe("told");
    },
  );

  test.each([400, 500])("an answer %d to the first is an answer", async (status) => {
    const { delivery, connection } = await known();
    const told = delivery.deliver([logs, result]);
    await unanswered(connection);
    await unanswered(connection);
    connection.send(`HTTP/1.1 ${status} No\r\nContent-Length: 3\r\n\r\nwhy${fromTwisted}`);
    expect([await told, server.count]).toEqual(["told", 1]);
  });

  test("a server that ends the connection with the first answer gets the second post anew", async () => {
    const { delivery, clock, connection } = await known();
    const told = delivery.deliver([logs, result]);
    await unanswered(connection);
    await unanswered(connection);
    connection.send("HTTP/1.1 202 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    const waiting = server.connection();
    while (server.count === 1) await clock.advance(50);
    expect(await next(await waiting)).toBe("result R");
    expect(await told).toBe("told");
  });

  test("silence costs one more try, in which they go one after the other", async () => {
    const { clock, delivery, connection } = await known();
    const told = delivery.deliver([logs, result]);
    await unanswered(connection);
    await unanswered(connection);
    await clock.advance(10_000);
    const second = await server.connection();
    expect([await next(second), await next(second)]).toEqual(["logs L", "result R"]);
    expect([await told, server.count]).toEqual(["told", 2]);
  });
});

describe("a LocalStack that cannot be reached", () => {
  /** Delivers to nobody; returns when that was given up, milliseconds. */
  async function givenUpAfter(patienceMs?: number): Promise<number> {
    const { clock, delivery } = open(freePort());
    server.stop();
    let told: Fate | undefined;
    delivery.deliver([logs], patienceMs).then((delivered) => {
      told = delivered;
    });
    // Each attempt is a real connection, each pause is the fake clock's.
    while (told === undefined) await clock.advance(50);
    expect(told).toBe("unreachable");
    return clock.now();
  }

  test("is tried for three seconds", async () => {
    const ms = await givenUpAfter();
    expect(ms).toBeGreaterThanOrEqual(3000);
    expect(ms).toBeLessThan(4000);
  });

  test("is tried for longer where that was asked for", async () => {
    const ms = await givenUpAfter(20_000);
    expect(ms).toBeGreaterThanOrEqual(18_000);
    expect(ms).toBeLessThan(22_000);
  });

  test("gets everything in order once it is there", async () => {
    const port = freePort();
    const { clock, delivery } = open(port);
    server.stop();
    const told = Promise.all([
      delivery.deliver([{ path: "ready", body: "" }], 20_000),
      delivery.deliver([logs, result]),
    ]);
    for (let turn = 0; turn < 100; turn++) await clock.advance(50);
    server = new RawServer({ port });
    const arrived = server.connection();
    while (server.count === 0) await clock.advance(50);
    const connection = await arrived;
    const seen = [];
    for (let count = 0; count < 3; count++) seen.push(await next(connection));
    expect(seen).toEqual(["ready ", "logs L", "result R"]);
    expect(await told).toEqual(["told", "told"]);
  });
});
