/** The page at `/`, and what it asks for (docs/contract/emulator.md E22 says who may). */
import { type Context, Hono } from "hono";
import { messageOf } from "../../../errors.ts";
import { log } from "../../../log.ts";
import { PlainResponse } from "../../../net/listener/plain-response.ts";
import { AwsError } from "../aws-errors.ts";
import type { History } from "../history.ts";
import type { OriginRules } from "../origin.ts";
import { assetAt, securityHeaders } from "./assets.ts";
import { eventSource } from "./event-source.ts";
import { Feed } from "./feed.ts";
import { pagePrefix } from "./lazy-page.ts";
import type { PageOptions } from "./options.ts";
import { samples } from "./samples/samples.ts";
import { readSavedName, SavedEvents, textOfSavedEvent } from "./saved-events.ts";
import { repeatEntry, sendEvent } from "./send.ts";

export { savedEventsName } from "./saved-events.ts";

export function createPage(options: PageOptions): Hono {
  const { history, origins, functionName } = options;
  const feed = new Feed(history, () => options.capacity.load, options.clock);
  const saved = new SavedEvents(options.savedEventsFile);
  const app = new Hono();

  app.use(async (c, next) => {
    checkCaller(origins, c.req.raw);
    await next();
  });
  app.get("/", () => assetAt("/") as Response);
  const at = (path: string) => `${pagePrefix}${path}`;
  app.get(at("/events"), (c) => eventSource(feed, options.clock, seenBy(c)));
  app.get(at("/about"), () => json({ functionName, savedEventsFile: options.savedEventsFile }));
  app.get(at("/samples"), () => json(samples));
  app.get(at("/entries/:number"), (c) => json(entryOf(history, c)));
  app.post(at("/entries/:number/repeat"), (c) => json(repeatEntry(options, entryOf(history, c)), 202));
  app.post(at("/send"), async (c) => json(await sendEvent(options, c.req.raw), 202));
  app.post(at("/clear"), () => {
    history.clear();
    return json({});
  });
  app.get(at("/saved"), async () => json(await saved.list()));
  app.put(at("/saved/:name"), async (c) => {
    const event = await textOfSavedEvent(c.req.raw);
    return json(await saved.save(readSavedName(c.req.param("name") ?? ""), event));
  });
  app.delete(at("/saved/:name"), async (c) => json(await saved.remove(readSavedName(c.req.param("name") ?? ""))));
  app.get(at("/*"), (c) => assetAt(c.req.path) ?? notFound(c).toResponse(crypto.randomUUID()));
  app.notFound((c) => notFound(c).toResponse(crypto.randomUUID()));
  app.onError((error) => {
    const requestId = crypto.randomUUID();
    if (error instanceof AwsError) return error.toResponse(requestId);
    log.error("the page's request failed, please report this:", error);
    return new AwsError("ServiceException", messageOf(error)).toResponse(requestId);
  });
  return app;
}

/**
 * The page itself may always ask, by whatever address of this machine it was opened; others by the rules of the Invoke API.
 * @throws {AwsError}
 */
function checkCaller(origins: OriginRules, request: Request): void {
  origins.checkHost(request);
  if (request.headers.get("origin") !== `http://${request.headers.get("host")}`) origins.check(request);
}

function json(value: unknown, status = 200): Response {
  return new PlainResponse(JSON.stringify(value), {
    status,
    headers: { "Content-Type": "application/json", "Cache-Control": "no-store", ...securityHeaders },
  });
}

/** @throws {AwsError} for one that was dropped, or never was */
function entryOf(history: History, c: Context) {
  const number = c.req.param("number") ?? "";
  const entry = history.entry(Number(number));
  if (entry) return entry;
  throw new AwsError("ResourceNotFoundException", `Invocation ${number} is not kept any more: only the last ones are`);
}

/** Where a browser that was connected before left off; in the URL where it had to begin a new connection. */
function seenBy(c: Context): string {
  return c.req.header("last-event-id") ?? c.req.query("after") ?? "";
}

function notFound({ req }: Context): AwsError {
  return new AwsError("ResourceNotFoundException", `There is nothing at ${req.method} ${req.path}`);
}
