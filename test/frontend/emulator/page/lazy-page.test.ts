import { expect, test } from "bun:test";
import { Hono } from "hono";
import { lazyPage } from "../../../../src/frontend/emulator/page/lazy-page.ts";

test("the page is loaded once, by the first who asks for it, and not by others", async () => {
  let loads = 0;
  const app = new Hono();
  app.route(
    "/",
    lazyPage(async () => {
      loads++;
      return new Hono().all("*", (c) => c.text(`${c.req.method} ${c.req.path}`));
    }),
  );
  const ask = async (method: string, path: string) => {
    const answer = await app.request(path, { method });
    return [answer.status, answer.status === 200 ? await answer.text() : ""];
  };
  expect(await ask("GET", "/2015-03-31/functions/function/invocations")).toEqual([404, ""]);
  expect(await ask("POST", "/")).toEqual([404, ""]);
  expect(loads).toBe(0);
  const answers = await Promise.all([
    ask("GET", "/"),
    ask("PUT", "/_page/saved/a"),
    ask("GET", "/_page/events?after=1"),
  ]);
  expect(answers).toEqual([
    [200, "GET /"],
    [200, "PUT /_page/saved/a"],
    [200, "GET /_page/events"],
  ]);
  expect(loads).toBe(1);
});
