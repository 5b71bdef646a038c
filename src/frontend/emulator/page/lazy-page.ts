/** The page as the Invoke API has it: nothing of it is loaded before somebody asks for it. */
import { Hono } from "hono";

/** Everything of the page but `/` itself lies below it, where no path of the Lambda API begins. */
export const pagePrefix = "/_page";

/** @param load called once, for the first request */
export function lazyPage(load: () => Promise<Hono>): Hono {
  let loading: Promise<Hono> | undefined;
  const app = new Hono();
  const pass = async (request: Request): Promise<Response> => {
    loading ??= load();
    return (await loading).fetch(request);
  };
  app.get("/", (c) => pass(c.req.raw));
  app.all(`${pagePrefix}/*`, (c) => pass(c.req.raw));
  return app;
}
