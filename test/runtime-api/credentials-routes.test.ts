import { describe, expect, test } from "bun:test";
import { addCredentialsRoutes, credentialsPath } from "../../src/runtime-api/credentials-routes.ts";
import type { Handler } from "../../src/runtime-api/routes.ts";
import { Fixture } from "./fixture.ts";

const value = { accessKeyId: "AKIA", secretAccessKey: "secret+/", sessionToken: "session" };

/** The one route, as the app would find it. */
function route(): Handler {
  const found: Handler[] = [];
  addCredentialsRoutes(
    { credentials: { token: "the-token", value } },
    (method, path, handler) => {
      expect([method, path]).toEqual(["GET", credentialsPath]);
      found.push(handler);
    },
    () => Date.parse("2026-11-25T12:00:00.789Z"),
  );
  return found[0] as Handler;
}

async function ask(authorization?: string) {
  const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
  const reply = await route()(new Request(`http://localhost${credentialsPath}`, { headers }), credentialsPath);
  return { status: reply.status, headers: Object.fromEntries(reply.headers), body: await reply.text() };
}

describe("C10: the credentials of a function with a snapshot", () => {
  test("are for whoever has the token", async () => {
    expect(await ask("the-token")).toEqual({
      status: 200,
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: '{"AccessKeyId":"AKIA","SecretAccessKey":"secret+/","Token":"session","Expiration":"2026-11-25T18:00:00Z"}',
    });
  });

  test.each([undefined, "", "other", "Bearer the-token", "THE-TOKEN"])("and for nobody with %j", async (token) => {
    expect(await ask(token)).toEqual({
      status: 404,
      headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
      body: "cannot get credentials for the provided token\n",
    });
  });

  test("are not there for any other function", async () => {
    const reply = await new Fixture().fetch("GET", credentialsPath, { headers: { Authorization: "the-token" } });
    expect([reply.status, await reply.text()]).toEqual([404, "404 page not found\n"]);
  });
});
