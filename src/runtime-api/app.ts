/** The HTTP API the function's processes talk to. It knows no listener: `fetch` can be served by any. */
import { Hono } from "hono";
import { LinearRouter } from "hono/router/linear-router";
import { log } from "../log.ts";
import type { Runtime } from "../sandbox/runtime.ts";
import { StateTransitionError } from "../sandbox/runtime-states.ts";
import { apiError, methodNotAllowed, notFound } from "./replies.ts";
import { addRuntimeRoutes } from "./runtime-routes.ts";

/** What the API needs of the sandbox: the runtime that may call now. A reset puts another in its place. */
export interface RuntimeHost {
  readonly runtime: Runtime;
}

export interface RuntimeApiOptions {
  readonly host: RuntimeHost;
  /** Bytes an event, a response or an error may have. */
  readonly maxPayloadBytes: number;
}

export type Handler = (request: Request, path: string) => Response | Promise<Response>;

export function createRuntimeApi(options: RuntimeApiOptions): Hono {
  const app = new Hono({ router: new LinearRouter(), getPath: rawPath });
  // Hono answers HEAD with the GET handler, which for `/next` would be a poll: methods are told apart here instead.
  addRuntimeRoutes(options, (method, path, handler) =>
    app.all(path, (c) => (c.req.raw.method === method ? handler(c.req.raw, c.req.path) : methodNotAllowed())),
  );
  app.notFound(notFound);
  app.onError((error) => {
    if (error instanceof StateTransitionError) return apiError(403, "InvalidStateTransition", error.message);
    log.error("a request to the Runtime API failed, please report this:", error);
    return apiError(500, "InternalServerError", "Internal Server Error");
  });
  return app;
}

/**
 * The path as sent: percent-encoded, with every slash, without the query. HTTP/1.0 without a host has nothing before it.
 *
 * Hono's router for few routes takes a path with a slash behind it for the same; AWS does not. Two slashes it leaves alone.
 */
export function rawPath(request: Request): string {
  const { url } = request;
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  const path = query < 0 ? url.slice(start) : url.slice(start, query);
  return path.endsWith("/") ? `${path}/` : path;
}
