/** The Extensions API without a socket, over extensions whose events and ends the test controls. */
import type { Delivered, Extension, LifecycleEvent } from "../../src/environment/extensions/extension.ts";
import type { ExtensionState } from "../../src/environment/extensions/extension-states.ts";
import { Fixture, invocationOf } from "./fixture.ts";

export const extensionBase = "/2020-01-01/extension";

export const bothEvents = '{"events":["INVOKE","SHUTDOWN"]}';
export const invokeOnly = '{"events":["INVOKE"]}';

/** A fresh identifier that nobody was given. */
export const unknownId = "0f8fad5b-d9cb-469f-a165-70867728950e";

export const shutdownEvent: Delivered = { kind: "shutdown", deadlineMs: 1_795_406_371_250, reason: "timeout" };

export function invokeEvent(request: Parameters<typeof invocationOf>[0] = {}): Delivered {
  return { kind: "invoke", invocation: invocationOf(request) };
}

type Kind = "external" | "internal";

export class ExtensionFixture extends Fixture {
  /** The one most tests are about. */
  extension!: Extension;

  get id(): string {
    return this.extension.id;
  }

  /** @param name `undefined`: the header is left out */
  register(
    name: string | undefined,
    body: Bun.BodyInit | null = bothEvents,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const named = name === undefined ? headers : { "Lambda-Extension-Name": name, ...headers };
    return this.fetch("POST", `${extensionBase}/register`, { body, headers: named });
  }

  /** The extension's long poll. */
  ask(id = this.id, signal?: AbortSignal): Promise<Response> {
    const headers = { "Lambda-Extension-Identifier": id };
    return this.fetch("GET", `${extensionBase}/event/next`, signal ? { headers, signal } : { headers });
  }

  /** @param errorType `null`: the header is left out */
  report(
    call: "init" | "exit",
    id = this.id,
    errorType: string | null = "Fatal.Why",
    body: Bun.BodyInit | null = null,
  ): Promise<Response> {
    const headers: Record<string, string> = { "Lambda-Extension-Identifier": id };
    if (errorType !== null) headers["Lambda-Extension-Function-Error-Type"] = errorType;
    return this.fetch("POST", `${extensionBase}/${call}/error`, { headers, body });
  }

  /** Brings an extension named `ext` into this state, by calls and events as they come. */
  static async withExtension(state: ExtensionState, kind: Kind = "external"): Promise<ExtensionFixture> {
    const fixture = new ExtensionFixture();
    const { extensions } = fixture.host;
    if (kind === "external") fixture.extension = extensions.expect("ext");
    if (state === "LaunchError") fixture.extension.launchFailed();
    if (state !== "Started" && state !== "LaunchError") {
      const registered = await fixture.register("ext", kind === "external" ? bothEvents : invokeOnly);
      const id = registered.headers.get("lambda-extension-identifier") ?? "";
      const extension = extensions.withId(id);
      if (!extension) throw new Error("the fixture's extension was not registered");
      fixture.extension = extension;
    }
    if (["Ready", "Running", "Exited", "ShutdownFailed"].includes(state)) {
      const polled = fixture.ask();
      if (state !== "Ready") {
        fixture.extension.dispatch(invokeEvent());
        await polled;
      }
    }
    if (state === "InitError") await fixture.report("init", fixture.id, "Fatal.First");
    if (state === "ExitError") await fixture.report("exit", fixture.id, "Fatal.First");
    if (state === "Exited" || state === "ShutdownFailed") fixture.extension.ended(state === "Exited");
    if (fixture.extension.state !== state) {
      throw new Error(`the fixture is in ${fixture.extension.state} instead of ${state}`);
    }
    return fixture;
  }
}

/** Registers an internal extension without a request. */
export function internal(fixture: Fixture, name: string, events: readonly LifecycleEvent[] = []): Extension {
  return fixture.host.extensions.register(name, events);
}

/** An answer with everything a client sees. */
export async function all(
  response: Response,
): Promise<{ status: number; body: string; headers: Record<string, string> }> {
  return { status: response.status, body: await response.text(), headers: Object.fromEntries(response.headers) };
}

const json = { "content-type": "application/json" };

export const taken = { status: 202, body: '{"status":"OK"}\n', headers: json };

/** A refusal of the Extensions API, byte for byte. */
export function refusal(errorType: string, errorMessage: string) {
  return { status: 403, body: `{"errorMessage":"${errorMessage}","errorType":"${errorType}"}\n`, headers: json };
}

export function refusedMove(
  from: ExtensionState,
  to: ExtensionState,
  who: string,
  why = "State transition is not allowed",
) {
  return refusal(
    "Extension.InvalidExtensionState",
    `State transition from ${from} to ${to} failed for extension ${who}. Error: ${why}`,
  );
}
