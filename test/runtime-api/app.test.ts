import { describe, expect, test } from "bun:test";
import { Extensions } from "../../src/environment/extensions/extensions.ts";
import { oneAtATime } from "../../src/environment/policy.ts";
import { createRuntimeApi, rawPath } from "../../src/runtime-api/app.ts";
import { accepted, apiOptions, Fixture, seen } from "./fixture.ts";

const version = "/2018-06-01";

async function all(response: Response) {
  return { status: response.status, body: await response.text(), headers: Object.fromEntries(response.headers) };
}

const notFound = {
  status: 404,
  body: "404 page not found\n",
  headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
};
const methodNotAllowed = { status: 405, body: "", headers: {} };

describe("ping", () => {
  test.each(["/ping", "/ping?x=1", "/ping?"])("%s is answered", async (path) => {
    expect(await all(await new Fixture().fetch("GET", version + path))).toEqual({
      status: 200,
      body: "pong",
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  });
});

describe("a path that is not there", () => {
  const paths = [
    "/",
    "",
    "/ping",
    version,
    `${version}/`,
    `${version}/ping/`,
    `${version}//ping`,
    `/${version}/ping`,
    `${version}/%70ing`,
    `${version}/PING`,
    `${version}/ping/x`,
    "/2018-06-02/ping",
    `${version}/runtime`,
    `${version}/runtime/invocation`,
    `${version}/runtime/invocation/`,
    `${version}/runtime/invocation/next/`,
    `${version}/runtime//invocation/next`,
    `${version}/runtime/invocation/id-1`,
    `${version}/runtime/invocation/id-1/response/`,
    `${version}/runtime/invocation/id-1/respons%65`,
    `${version}/runtime/invocation/id-1/x/response`,
    `${version}/runtime/invocation/id-1/results`,
    `${version}/runtime/init`,
    `${version}/runtime/init/error/`,
    `${version}/runtime/init/ERROR`,
  ];
  const cases = paths.flatMap((path) => ["GET", "POST", "HEAD"].map((method) => [method, path] as const));

  test.each(cases)("%s %s is told in plain text", async (method, path) => {
    const fixture = await Fixture.in("Running");
    const reply = await all(await fixture.fetch(method, path));
    expect(reply).toEqual(method === "HEAD" ? { ...notFound, body: expect.any(String) } : notFound);
    expect(fixture.exchanges.state).toBe("Running");
  });
});

describe("another method", () => {
  const routes: [path: string, method: string][] = [
    ["/ping", "GET"],
    ["/runtime/invocation/next", "GET"],
    ["/runtime/invocation/id-1/response", "POST"],
    ["/runtime/invocation/id-1/error", "POST"],
    ["/runtime/init/error", "POST"],
  ];
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
  const cases = routes.flatMap(([path, right]) =>
    methods.filter((method) => method !== right).map((method) => [method, path] as const),
  );

  test.each(cases)("%s %s is not allowed, and changes nothing", async (method, path) => {
    const fixture = await Fixture.in("Running");
    expect(await all(await fixture.fetch(method, version + path))).toEqual(methodNotAllowed);
    expect(fixture.exchanges.state).toBe("Running");
    const fresh = new Fixture();
    expect(await all(await fresh.fetch(method, version + path))).toEqual(methodNotAllowed);
    expect([fresh.exchanges.state, fresh.firstNexts]).toEqual(["Started", 0]);
  });
});

describe("ids in paths", () => {
  test.each([
    ["a%20b", "a%20b", true],
    ["a b", "a%20b", false],
    ["a%2Fb", "a%2Fb", true],
    ["a+b~c_d.e:f@g", "a+b~c_d.e:f@g", true],
    ["next", "next", true],
  ])("the id %s is compared undecoded with %s", async (id, inPath, matches) => {
    const fixture = new Fixture();
    Object.assign(fixture.invocation.request, { requestId: id });
    await fixture.run();
    expect((await fixture.respond(inPath)).status).toBe(matches ? 202 : 400);
  });

  test("a query is no part of the id", async () => {
    const fixture = await Fixture.in("Running");
    const reply = await fixture.fetch("POST", `${version}/runtime/invocation/id-1/response?x=/error`, { body: "1" });
    expect(await seen(reply)).toEqual(accepted);
  });
});

test("the path of a request of HTTP/1.0 has no host before it", () => {
  const pathOf = (url: string) => rawPath({ url } as Request);
  expect(pathOf("/2018-06-01/ping?x")).toBe("/2018-06-01/ping");
  expect(pathOf("http://127.0.0.1:9001/2018-06-01/ping")).toBe("/2018-06-01/ping");
});

test("a fault of our own is answered as AWS does, without details", async () => {
  const host = {
    get exchanges(): never {
      throw new Error("secret");
    },
    extensions: new Extensions(oneAtATime, () => {}),
  };
  const app = createRuntimeApi({ ...apiOptions(), host });
  const reply = await app.fetch(new Request(`http://localhost${version}/runtime/invocation/next`));
  expect(await seen(reply)).toEqual({
    status: 500,
    body: '{"errorMessage":"Internal Server Error","errorType":"InternalServerError"}\n',
    contentType: "application/json",
  });
});
