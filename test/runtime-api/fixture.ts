/** The Runtime API without a socket, over a runtime whose events the test controls. */
import type { HonoBase } from "hono/hono-base";
import { Exchanges } from "../../src/environment/exchanges.ts";
import { Extensions } from "../../src/environment/extensions/extensions.ts";
import { Invocation, type InvokeRequest } from "../../src/environment/invocation.ts";
import { oneAtATime } from "../../src/environment/policy.ts";
import type { RuntimeState } from "../../src/environment/runtime-states.ts";
import { createRuntimeApi } from "../../src/runtime-api/app.ts";
import type { RuntimeApiOptions } from "../../src/runtime-api/routes.ts";
import { TelemetryService } from "../../src/telemetry/subscribers/service.ts";
import { FakeClock } from "../support/fake-clock.ts";

export const base = "/2018-06-01/runtime";
export const maxPayloadBytes = 1000;

export function requestOf(request: Partial<InvokeRequest> = {}): InvokeRequest {
  return {
    requestId: "id-1",
    invokedFunctionArn: "",
    payload: "{}",
    traceId: "",
    clientContext: "",
    cognitoIdentity: "",
    tenantId: "",
    isInitRetry: false,
    takesStream: false,
    ...request,
  };
}

export function invocationOf(request: Partial<InvokeRequest> = {}, deadlineMs = 1_795_406_282_147): Invocation {
  const invocation = new Invocation(requestOf(request));
  invocation.begin(deadlineMs);
  return invocation;
}

/** Everything the API wants, but the host. */
export function apiOptions(): Omit<RuntimeApiOptions, "host"> {
  return {
    maxPayloadBytes,
    isManaged: false,
    registration: {
      functionName: "fn",
      functionVersion: "$LATEST",
      handler: "app.handler",
      accountId: "000000000000",
    },
    telemetry: new TelemetryService(new FakeClock()),
    areExtensionsEnabled: true,
    runtimeApiPort: 9001,
    zoneId: { token: "zone-token", value: "use1-az1" },
  };
}

export class Fixture {
  firstNexts = 0;
  readonly initErrors: string[] = [];
  readonly host: { exchanges: Exchanges; extensions: Extensions } = {
    exchanges: this.newExchanges(),
    extensions: new Extensions(oneAtATime, () => {}),
  };
  readonly app: HonoBase = createRuntimeApi({ ...apiOptions(), host: this.host });
  /** The event most tests are about. */
  readonly invocation = invocationOf();

  get exchanges(): Exchanges {
    return this.host.exchanges;
  }

  newExchanges(): Exchanges {
    return new Exchanges(oneAtATime, {
      onFirstNext: () => void this.firstNexts++,
      onRestoreNext: () => {},
      onInitError: (body) => void this.initErrors.push(Buffer.from(body).toString()),
      onInitErrorLost: () => {},
    });
  }

  fetch(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return Promise.resolve(this.app.fetch(new Request(`http://127.0.0.1:9001${path}`, { method, ...init })));
  }

  next(init: RequestInit = {}): Promise<Response> {
    return this.fetch("GET", `${base}/invocation/next`, init);
  }

  respond(id: string, body: Bun.BodyInit | null = "{}", headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch("POST", `${base}/invocation/${id}/response`, { body, headers });
  }

  fail(id: string, body: Bun.BodyInit | null = "{}", headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch("POST", `${base}/invocation/${id}/error`, { body, headers });
  }

  initError(body: Bun.BodyInit | null = "{}", headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch("POST", `${base}/init/error`, { body, headers });
  }

  restoreNext(): Promise<Response> {
    return this.fetch("GET", `${base}/restore/next`);
  }

  restoreError(body: Bun.BodyInit | null = "{}", headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch("POST", `${base}/restore/error`, { body, headers });
  }

  /** Polls and hands out the event. */
  async run(): Promise<this> {
    const polled = this.next();
    this.exchanges.dispatch(this.invocation);
    await (await polled).text();
    return this;
  }

  /** Brings the runtime into a state in which `invocation` is the one reserved. */
  static async in(state: RuntimeState): Promise<Fixture> {
    const fixture = new Fixture();
    const { exchanges, invocation } = fixture;
    if (state === "Started") exchanges.dispatch(invocation);
    if (state === "InitError") {
      exchanges.dispatch(invocation);
      await fixture.initError();
    }
    if (state === "Ready") {
      const gone = new AbortController();
      const polled = fixture.next({ signal: gone.signal });
      gone.abort();
      await polled;
      exchanges.dispatch(invocation);
    }
    if (["Running", "InvocationResponse", "InvocationErrorResponse", "RuntimeResponseSentState"].includes(state)) {
      await fixture.run();
    }
    if (state === "InvocationResponse") void fixture.respond("id-1", unfinished().body);
    if (state === "InvocationErrorResponse") void fixture.fail("id-1", unfinished().body);
    if (state === "RuntimeResponseSentState") await fixture.respond("id-1");
    if (["RestoreReady", "Restoring", "RuntimeRestoreErrorState"].includes(state)) {
      const restored = fixture.restoreNext();
      await turns();
      if (state !== "RestoreReady") {
        exchanges.restore();
        await restored;
      }
      if (state === "RuntimeRestoreErrorState") await fixture.restoreError();
    }
    if (exchanges.state !== state) throw new Error(`the fixture is in ${exchanges.state} instead of ${state}`);
    return fixture;
  }
}

/** A chunked body under the test's control. */
export function unfinished(): { body: ReadableStream; push(text: string): void; end(): void; cut(): void } {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
  });
  return {
    body,
    push: (text) => controller.enqueue(Buffer.from(text)),
    end: () => controller.close(),
    cut: () => controller.error(new Error("the connection broke")),
  };
}

/** A body of these bytes in chunks, without an announced length. */
export function chunked(bytes: Uint8Array | string, chunkSize = 100): ReadableStream {
  const all = Buffer.from(bytes);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= all.length) return controller.close();
      controller.enqueue(new Uint8Array(all.subarray(at, at + chunkSize)));
      at += chunkSize;
    },
  });
}

/** Whether a promise has not settled although everything that could happen has happened. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  await turns();
  return !settled;
}

/** Lets everything happen that can. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** An answer reduced to what a client sees. */
export async function seen(response: Response): Promise<{ status: number; body: string; contentType: string | null }> {
  return { status: response.status, body: await response.text(), contentType: response.headers.get("content-type") };
}

const json = "application/json";
export const accepted = { status: 202, body: '{"status":"OK"}\n', contentType: json };
export const invalidId = {
  status: 400,
  body: '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n',
  contentType: json,
};
export const payloadTooLarge = {
  status: 413,
  body: '{"errorMessage":"Exceeded maximum allowed payload size (1000 bytes).","errorType":"RequestEntityTooLarge"}\n',
  contentType: json,
};
export const truncated = {
  status: 400,
  body: '{"errorMessage":"HTTP request detected as truncated","errorType":"TruncatedHTTPRequest"}\n',
  contentType: json,
};
export const invalidMode = {
  status: 400,
  body: '{"errorMessage":"Invalid function response mode","errorType":"InvalidFunctionResponseMode"}\n',
  contentType: json,
};

export function refused(current: RuntimeState, target: RuntimeState) {
  const text = `State transition from ${current} to ${target} failed for runtime. Error: State transition is not allowed`;
  return {
    status: 403,
    body: `{"errorMessage":"${text}","errorType":"InvalidStateTransition"}\n`,
    contentType: json,
  };
}
