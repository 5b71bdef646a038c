import { describe, expect, test } from "bun:test";
import { Fixture } from "./fixture.ts";

const path = "/2026-01-15/metadata/execution-environment";

async function ask(method: string, authorization: string | undefined, at = path) {
  const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
  const reply = await new Fixture().fetch(method, at, { headers });
  return { status: reply.status, headers: Object.fromEntries(reply.headers), body: await reply.text() };
}

const plainText = { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" };

describe("E3: the metadata endpoint", () => {
  test("tells the zone to whoever has the token", async () => {
    expect(await ask("GET", "Bearer zone-token")).toEqual({
      status: 200,
      headers: { "content-type": "application/json", "cache-control": "private, max-age=43200, immutable" },
      body: '{"AvailabilityZoneID":"use1-az1"}',
    });
  });

  test.each([undefined, "", "zone-token", "Bearer", "Bearer other", "bearer zone-token", "Basic zone-token"])(
    "tells nothing for %j",
    async (authorization) => {
      expect(await ask("GET", authorization)).toEqual({ status: 401, headers: plainText, body: "Unauthorized\n" });
    },
  );

  test.each(["POST", "HEAD", "PUT", "OPTIONS"])("is not for %s", async (method) => {
    expect(await ask(method, "Bearer zone-token")).toEqual({
      status: 405,
      headers: plainText,
      body: method === "HEAD" ? "" : "Method Not Allowed\n",
    });
  });

  test.each(["/2026-01-15/metadata", `${path}/`, "/2026-01-16/metadata/execution-environment"])(
    "is nowhere else: %s",
    async (at) => {
      expect(await ask("GET", "Bearer zone-token", at)).toMatchObject({ status: 404, body: "404 page not found\n" });
    },
  );
});
