/** The HTTP API the function's processes talk to, as an app for the listener that sends a `PlainResponse` (`net/listener/`). */
import { HonoBase } from "hono/hono-base";
import { ApiRefusal } from "../environment/api-refusal.ts";
import { log, logLevels } from "../log.ts";
import { TableRouter } from "../net/table-router.ts";
import { addCredentialsRoutes } from "./credentials-routes.ts";
import { addExtensionRoutes, extensionsVersion } from "./extension-routes.ts";
import { addInitRoutes } from "./init-routes.ts";
import { addMetadataRoutes } from "./metadata-routes.ts";
import { apiError, emptyNotFound, methodNotAllowed, notFound } from "./replies.ts";
import type { AddRoute, RuntimeApiOptions } from "./routes.ts";
import { addRuntimeRoutes } from "./runtime-routes.ts";
import { addTelemetryRoutes, logsVersion, telemetryVersion } from "./telemetry-routes.ts";

export function createRuntimeApi(options: RuntimeApiOptions): HonoBase {
  const app = new HonoBase({ router: new TableRouter(), getPath: rawPath });
  // Hono answers HEAD with the GET handler, which for `/next` would be a poll: methods are told apart here instead.
  const add: AddRoute = (method, path, handler, otherwise = methodNotAllowed) =>
    app.all(path, (c) => {
      const request = c.req.raw;
      if (log.level >= logLevels.trace) log.trace(request.method, c.req.path);
      return (request.method === method ? handler : otherwise)(request, c.req.path);
    });
  addRuntimeRoutes(options, add);
  addInitRoutes(options, add);
  addMetadataRoutes(options, add);
  addCredentialsRoutes(options, add);
  if (options.areExtensionsEnabled) {
    addExtensionRoutes(options, add);
    addTelemetryRoutes(options, add);
  }
  app.notFound((c) => (isSwitchedOff(c.req.path, options) ? emptyNotFound() : notFound()));
  app.onError((error) => {
    if (error instanceof ApiRefusal) return apiError(error);
    log.error("a request to the Runtime API failed, please report this:", error);
    return apiError({ status: 500, type: "InternalServerError", message: "Internal Server Error" });
  });
  return app;
}

/** The APIs of extensions, where there are no extensions. */
function isSwitchedOff(path: string, { areExtensionsEnabled }: RuntimeApiOptions): boolean {
  if (areExtensionsEnabled) return false;
  return [extensionsVersion, telemetryVersion, logsVersion].some(
    (version) => path === version || path.startsWith(`${version}/`),
  );
}

/**
 * The path as sent: percent-encoded, with every slash, without the query. HTTP/1.0 without a host has nothing before
 * it.
 */
export function rawPath(request: Request): string {
  const { url } = request;
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  return query < 0 ? url.slice(start) : url.slice(start, query);
}
