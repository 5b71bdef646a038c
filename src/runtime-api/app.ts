/** The HTTP API the function's processes talk to. It knows no listener: `fetch` can be served by any. */
import { Hono } from "hono";
import { LinearRouter } from "hono/router/linear-router";
import type { Exchanges } from "../environment/exchanges.ts";
import { ExtensionRefusal } from "../environment/extensions/extension-states.ts";
import type { Extensions } from "../environment/extensions/extensions.ts";
import { StateTransitionError } from "../environment/runtime-states.ts";
import { log, logLevels } from "../log.ts";
import { PlainResponse } from "../net/listener/plain-response.ts";
import type { TelemetryService } from "../telemetry/subscribers/service.ts";
import { addExtensionRoutes, extensionsVersion, type RegistrationFacts } from "./extension-routes.ts";
import { apiError, methodNotAllowed, notFound } from "./replies.ts";
import { addRuntimeRoutes } from "./runtime-routes.ts";
import { addTelemetryRoutes, logsVersion, telemetryVersion } from "./telemetry-routes.ts";

/** What the API needs of the environment: the processes that may call now. A reset puts others in their place. */
export interface RuntimeHost {
  readonly exchanges: Exchanges;
  readonly extensions: Extensions;
}

export interface RuntimeApiOptions {
  readonly host: RuntimeHost;
  /** Bytes an event, a response or an error may have. */
  readonly maxPayloadBytes: number;
  readonly registration: RegistrationFacts;
  readonly telemetry: TelemetryService;
  /** Without extensions their APIs do not exist. */
  readonly areExtensionsEnabled: boolean;
  /** The port of this API: no destination for telemetry. */
  readonly runtimeApiPort: number;
}

export type Handler = (request: Request, path: string) => Response | Promise<Response>;

export type AddRoute = (method: string, path: string, handler: Handler) => void;

export function createRuntimeApi(options: RuntimeApiOptions): Hono {
  const app = new Hono({ router: new LinearRouter(), getPath: rawPath });
  // Hono answers HEAD with the GET handler, which for `/next` would be a poll: methods are told apart here instead.
  const add: AddRoute = (method, path, handler) =>
    app.all(path, (c) => {
      if (log.level >= logLevels.trace) log.trace(c.req.raw.method, c.req.path);
      return c.req.raw.method === method ? handler(c.req.raw, c.req.path) : methodNotAllowed();
    });
  addRuntimeRoutes(options, add);
  if (options.areExtensionsEnabled) {
    addExtensionRoutes(options, add);
    addTelemetryRoutes(options, add);
  } else {
    for (const version of [extensionsVersion, telemetryVersion, logsVersion]) {
      app.all(`${version}/*`, () => new PlainResponse(null, { status: 404 }));
    }
  }
  app.notFound(notFound);
  app.onError((error) => {
    if (error instanceof StateTransitionError) return apiError(403, "InvalidStateTransition", error.message);
    if (error instanceof ExtensionRefusal) return apiError(403, error.type, error.message);
    log.error("a request to the Runtime API failed, please report this:", error);
    return apiError(500, "InternalServerError", "Internal Server Error");
  });
  return app;
}

/**
 * The path as sent: percent-encoded, with every slash, without the query. HTTP/1.0 without a host has nothing before
 * it.
 *
 * Hono's router for few routes takes a path with a slash behind it for the same; AWS does not. Two slashes it leaves
 * alone.
 */
export function rawPath(request: Request): string {
  const { url } = request;
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  const path = query < 0 ? url.slice(start) : url.slice(start, query);
  return path.endsWith("/") ? `${path}/` : path;
}
