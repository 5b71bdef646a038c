/** The Extensions API, version 2020-01-01: `docs/contract/runtime-api.md 5`. */
import { ApiRefusal } from "../environment/api-refusal.ts";
import type { Delivered, Extension } from "../environment/extensions/extension.ts";
import type { Extensions } from "../environment/extensions/extensions.ts";
import { PlainResponse } from "../net/listener/plain-response.ts";
import { clientSignalOf } from "./client-signal.ts";
import { accepted, escapeHtml, givenUp, toApiJson } from "./replies.ts";
import type { AddRoute, RegistrationFacts, RuntimeApiOptions } from "./routes.ts";

export const extensionsVersion = "/2020-01-01";

/** Adds the routes to the app. Checks are made in AWS's order. */
export function addExtensionRoutes({ host, registration }: RuntimeApiOptions, add: AddRoute): void {
  add("POST", `${extensionsVersion}/extension/register`, async (request) => {
    const name = request.headers.get("lambda-extension-name") ?? "";
    if (name === "") throw new ApiRefusal(403, "Extension.InvalidExtensionName", "Empty extension name");
    const body = readRegistration(await request.text().catch(() => ""));
    if (typeof body === "string") throw new ApiRefusal(403, "InvalidRequestFormat", body);
    const extension = host.extensions.register(name, body.events);
    return registered(extension, registration, request.headers.get("lambda-extension-accept-feature") ?? "");
  });

  add("GET", `${extensionsVersion}/extension/event/next`, async (request) => {
    const extension = callingExtension(host.extensions, request);
    const event = await extension.next(clientSignalOf(request));
    if (!event) throw givenUp();
    return event.kind === "invoke" ? invokeReply(event) : shutdownReply(event);
  });

  /** Both ways to report an error. The body is ignored. */
  const report = (call: "initError" | "exitError", request: Request): Response => {
    const id = identifierOf(request);
    const errorType = request.headers.get("lambda-extension-function-error-type") ?? "";
    if (errorType === "") {
      throw new ApiRefusal(403, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found");
    }
    const extension = host.extensions.withId(id);
    // AWS's text here is another one than at the poll.
    if (!extension) throw new ApiRefusal(403, unknownExtension, "Unknown Lambda-Extension-Identifier");
    extension.report(call, errorType);
    return accepted();
  };

  add("POST", `${extensionsVersion}/extension/init/error`, (request) => report("initError", request));
  add("POST", `${extensionsVersion}/extension/exit/error`, (request) => report("exitError", request));
}

const unknownExtension = "Extension.UnknownExtensionIdentifier";

/**
 * The extension whose identifier the request carries.
 * @throws {ApiRefusal} when it carries none, or one that nobody has
 */
export function callingExtension(extensions: Extensions, request: Request): Extension {
  const id = identifierOf(request);
  const extension = extensions.withId(id);
  if (!extension) throw new ApiRefusal(403, unknownExtension, `Unknown extension ${id}`);
  return extension;
}

/** The identifier in lower case with dashes, however it is spelled (`docs/contract/runtime-api.md 5.1`). */
function identifierOf(request: Request): string {
  const header = request.headers.get("lambda-extension-identifier") ?? "";
  if (header === "") {
    throw new ApiRefusal(403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header");
  }
  const id = toUuid(header);
  if (!id) throw new ApiRefusal(403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier");
  return id;
}

function toUuid(text: string): string | undefined {
  let digits = text;
  if (text.length === 45 && /^urn:uuid:/i.test(text)) digits = text.slice(9);
  // AWS takes any two characters around it for braces.
  if (text.length === 38) digits = text.slice(1, -1);
  if (/^[0-9a-f]{32}$/i.test(text)) digits = text.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(digits) ? digits.toLowerCase() : undefined;
}

/** What to register for, or what is wrong with the body. Keys match in any letter case, `null` is an empty object. */
function readRegistration(text: string): { readonly events: readonly string[] } | string {
  if (text.trim() === "") return "unexpected end of JSON input";
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return (error as Error).message;
  }
  if (body === null) return { events: [] };
  if (typeof body !== "object" || Array.isArray(body))
    return 'the body must be a JSON object such as {"events": ["INVOKE"]}';
  const field = (name: string) => Object.entries(body).findLast(([key]) => key.toLowerCase() === name)?.[1] ?? [];
  const events = field("events");
  const configurationKeys = field("configurationkeys");
  if (!isTextList(events)) return "events must be a list of texts";
  if (!isTextList(configurationKeys)) return "configurationKeys must be a list of texts";
  if (configurationKeys.length > 0) return "configurationKeys are deprecated; use environment variables instead";
  return { events };
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function registered(extension: Extension, facts: RegistrationFacts, acceptedFeatures: string): Response {
  const { functionName, functionVersion, handler, accountId } = facts;
  const wantsAccountId = acceptedFeatures.split(",").some((feature) => feature.trim() === "accountId");
  const about = { functionName, functionVersion, handler };
  return new PlainResponse(toApiJson(wantsAccountId && accountId !== "" ? { accountId, ...about } : about), {
    headers: { "Content-Type": "application/json", "Lambda-Extension-Identifier": extension.id },
  });
}

function invokeReply({ invocation }: Extract<Delivered, { kind: "invoke" }>): Response {
  const { requestId, invokedFunctionArn, traceId } = invocation.request;
  const event = {
    eventType: "INVOKE",
    deadlineMs: invocation.deadlineMs,
    requestId,
    invokedFunctionArn,
    ...(traceId === "" ? {} : { tracing: { type: "X-Amzn-Trace-Id", value: traceId } }),
  };
  return new PlainResponse(escapeHtml(JSON.stringify(event)), {
    headers: {
      "Content-Type": "application/json",
      "Lambda-Extension-Event-Identifier": crypto.randomUUID(),
    },
  });
}

/** On AWS it has no event identifier, and a content type of text. */
function shutdownReply({ deadlineMs, reason }: Extract<Delivered, { kind: "shutdown" }>): Response {
  const event = { eventType: "SHUTDOWN", deadlineMs, shutdownReason: reason };
  return new PlainResponse(JSON.stringify(event), { headers: { "Content-Type": "text/plain; charset=utf-8" } });
}
