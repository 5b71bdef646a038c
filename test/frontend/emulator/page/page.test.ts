import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { OriginRules } from "../../../../src/frontend/emulator/origin.ts";
import { createPage } from "../../../../src/frontend/emulator/page/page.ts";
import { response, World } from "../world.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/init-page-`);
});
afterEach(() => rmSync(directory, { recursive: true }));

function newPage(world: World, cors: string[] = []) {
  const page = createPage({
    history: world.history,
    capacity: world.pool,
    invoker: world.invoker,
    asyncEvents: world.asyncEvents,
    clock: world.clock,
    origins: new OriginRules(cors),
    functionName: "fn",
    functionArn: "arn:aws:lambda:us-east-1:012345678912:function:fn",
    savedEventsFile: `${directory}/lambda-events.json`,
  });
  return async (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
    page.request(path, {
      method,
      headers: { host: "localhost:8080", ...headers },
      ...(body === undefined ? {} : { body }),
    });
}

describe("the files of the page", () => {
  test("all that the page asks for is there, and nothing comes from elsewhere", async () => {
    const ask = newPage(new World());
    const seen = new Set<string>();
    const open = ["/"];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      const answer = await ask("GET", path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      const text = await answer.text();
      expect(text.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:\/\/|innerHTML|\sstyle=|\son\w+="/);
      for (const [, found] of text.matchAll(/(?:href|src)="(\/[^"]+)"/g)) open.push(found as string);
      for (const [, found] of text.matchAll(/from "\.\/([^"]+)"/g)) open.push(`/_page/${found}`);
    }
    expect(seen.size).toBeGreaterThan(10);
  });

  test("what is not there is a 404 in JSON", async () => {
    const answer = await newPage(new World())("GET", "/_page/nothing");
    expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/json"]);
  });
});

describe("who may ask (E22)", () => {
  test.each([
    ["localhost:8080", undefined, 200],
    ["127.0.0.1:8080", undefined, 200],
    ["192.168.1.5:8080", undefined, 200],
    ["192.168.1.5:8080", "http://192.168.1.5:8080", 200],
    ["localhost:8080", "http://localhost:5173", 200],
    ["stranger.example:8080", undefined, 403],
    ["stranger.example:8080", "http://stranger.example:8080", 403],
    ["localhost:8080", "http://stranger.example", 403],
    ["192.168.1.5:8080", "http://192.168.1.5:9090", 403],
    ["localhost:8080", "null", 403],
  ])("host %p, origin %p: %p", async (host, origin, status) => {
    const ask = newPage(new World());
    const headers: Record<string, string> = { host, ...(origin === undefined ? {} : { origin }) };
    for (const [method, path] of [
      ["GET", "/"],
      ["GET", "/_page/saved"],
      ["POST", "/_page/clear"],
    ] as const) {
      expect([path, (await ask(method, path, undefined, headers)).status]).toEqual([path, status]);
    }
  });
});

describe("sending", () => {
  test("an event is answered with its id at once, and runs", async () => {
    const world = new World();
    const answer = await newPage(world)("POST", "/_page/send", '{"a":1}');
    expect(answer.status).toBe(202);
    await world.settle();
    expect(world.requests).toMatchObject([{ ...((await answer.json()) as object), payload: '{"a":1}' }]);
    expect(world.history.entries[0]).toMatchObject({ source: "invoke", state: "running" });
  });

  test("an asynchronous one has its retries", async () => {
    const world = new World({ outcome: () => ({ kind: "too large" }), retryDelayMs: 10 });
    await newPage(world)("POST", "/_page/send", "{}", { "x-amz-invocation-type": "Event" });
    await world.settle();
    await world.clock.advance(10);
    await world.settle();
    expect(world.history.entries.map(({ source, attempt }) => [source, attempt])).toEqual([
      ["event", 1],
      ["event", 2],
    ]);
  });

  test.each([
    ["no JSON", "{a}", {}, 400, /parse/],
    ["too many bytes", `"${"x".repeat(1024 * 1024)}"`, { "x-amz-invocation-type": "Event" }, 413, /too large/],
    ["a dry run", "{}", { "x-amz-invocation-type": "DryRun" }, 400, /nothing to see/],
  ])("%s is refused", async (_, body, headers, status, message) => {
    const world = new World();
    const answer = await newPage(world)("POST", "/_page/send", body, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(((await answer.json()) as { message: string }).message).toMatch(message);
    expect(world.history.entries).toHaveLength(0);
  });

  test("an invocation is repeated with what it had", async () => {
    const world = new World({ outcome: () => response("1") });
    const ask = newPage(world);
    const context = Buffer.from('{"custom":1}').toString("base64");
    await world.invoke('{"a": 1}', { "x-amz-client-context": context, "x-amz-tenant-id": "t" });
    await world.settle();
    expect((await ask("POST", "/_page/entries/1/repeat")).status).toBe(202);
    await world.settle();
    const { requestId: first, ...rest } = world.requests[0] as (typeof world.requests)[0];
    const { requestId: second, ...again } = world.requests[1] as (typeof world.requests)[0];
    expect({ ...again, traceId: rest.traceId }).toEqual(rest);
    expect(second).not.toBe(first);
  });

  test("what was not kept as a whole is not repeated, and what is gone neither", async () => {
    const world = new World({ outcome: () => response("1") });
    const ask = newPage(world);
    await world.invoke(`"${"x".repeat(2 * 1024 * 1024)}"`);
    expect((await ask("POST", "/_page/entries/1/repeat")).status).toBe(400);
    expect((await ask("POST", "/_page/entries/2/repeat")).status).toBe(404);
    await ask("POST", "/_page/clear");
    expect((await ask("GET", "/_page/entries/1")).status).toBe(404);
  });
});

test("samples are at least a dozen events, each with a name of its own", async () => {
  const samples = (await (await newPage(new World())("GET", "/_page/samples")).json()) as { name: string }[];
  expect(new Set(samples.map(({ name }) => name)).size).toBe(samples.length);
  expect(samples.length).toBeGreaterThan(12);
});
