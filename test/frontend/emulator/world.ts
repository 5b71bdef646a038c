/** An emulator over environments that do as a test says. */
import { spyOn } from "bun:test";
import type { Hono } from "hono";
import type { Invocation, InvokeRequest, Outcome } from "../../../src/environment/invocation.ts";
import { AsyncEvents } from "../../../src/frontend/emulator/async-events.ts";
import type { LogText, Member } from "../../../src/frontend/emulator/capacity.ts";
import { History } from "../../../src/frontend/emulator/history.ts";
import { createInvokeApi } from "../../../src/frontend/emulator/invoke-api.ts";
import { Invoker } from "../../../src/frontend/emulator/invoker.ts";
import { OriginRules } from "../../../src/frontend/emulator/origin.ts";
import { Pool } from "../../../src/frontend/emulator/pool.ts";
import { log } from "../../../src/log.ts";
import { FakeClock } from "../../support/fake-clock.ts";

export const bytes = (text: string) => new TextEncoder().encode(text);

export function response(text: string, contentType = "application/json"): Outcome {
  return { kind: "response", body: bytes(text), contentType };
}

export const crash: Outcome = {
  kind: "fault",
  fault: { type: "Runtime.ExitError", reason: "Runtime exited with error: exit status 1" },
};

export const timeout: Outcome = {
  kind: "timeout",
  fault: { type: "Sandbox.Timedout", reason: "Task timed out after 1.00 seconds" },
};

export function handlerError(text: string, errorType = "Error"): Outcome {
  return { kind: "error", body: bytes(text), contentType: "application/json", errorType };
}

/** A log as the environment's buffer gives it. */
export function logText(text: string, pieceBytes = 32 * 1024): LogText {
  const escaped = Buffer.from(JSON.stringify(text).slice(1, -1));
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < escaped.length; at += pieceBytes) pieces.push(escaped.subarray(at, at + pieceBytes));
  return { pieces, byteLength: escaped.length, text: () => text };
}

/** An invocation whose end is the test's to decide. */
export class FakeInvocation {
  readonly #answer = Promise.withResolvers<Outcome>();
  readonly #settled = Promise.withResolvers<void>();
  readonly answer = this.#answer.promise;
  readonly settled = this.#settled.promise;
  isSettled = false;

  constructor(readonly request: InvokeRequest) {}

  respond(outcome: Outcome): void {
    this.#answer.resolve(outcome);
  }

  settle(): void {
    this.isSettled = true;
    this.#settled.resolve();
  }

  end(outcome: Outcome): void {
    this.respond(outcome);
    this.settle();
  }
}

export class FakeMember implements Member {
  readonly invocations: FakeInvocation[] = [];
  readonly ready = Promise.withResolvers<{ kind: string }>();
  logs = "";
  isDisposed = false;
  reloads = 0;

  constructor(
    private readonly world: World,
    readonly slot: number,
  ) {}

  readonly environment = {
    init: () => this.ready.promise,
    invoke: (request: InvokeRequest): Invocation => {
      const invocation = new FakeInvocation(request);
      this.invocations.push(invocation);
      this.world.invoked(invocation, this);
      return invocation as unknown as Invocation;
    },
    reload: () => {
      this.reloads++;
    },
  };

  takeLogs(): LogText {
    const text = this.logs;
    this.logs = "";
    return logText(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
  }
}

export interface WorldOptions {
  readonly concurrency?: number;
  readonly queue?: number;
  readonly cors?: readonly string[];
  readonly isNameStrict?: boolean;
  readonly retryDelayMs?: number;
  /** Environments stay in their init until the test ends it. */
  readonly initIsSlow?: boolean;
  /** What an invocation comes to, at once; without it the test ends each. */
  readonly outcome?: (request: InvokeRequest) => Outcome;
}

export const invokePath = "/2015-03-31/functions/function/invocations";
export const streamPath = "/2021-11-15/functions/fn/response-streaming-invocations";

export class World {
  readonly clock = new FakeClock();
  readonly history = new History(this.clock);
  readonly members: FakeMember[] = [];
  readonly invocations: FakeInvocation[] = [];
  readonly pool: Pool;
  readonly invoker: Invoker;
  readonly asyncEvents: AsyncEvents;
  readonly app: Hono;

  constructor(private readonly options: WorldOptions = {}) {
    this.pool = new Pool({
      concurrency: options.concurrency ?? 1,
      queue: options.queue ?? 100,
      clock: this.clock,
      newMember: async (slot) => {
        const member = new FakeMember(this, slot);
        this.members.push(member);
        if (!options.initIsSlow) member.ready.resolve({ kind: "ready" });
        return member;
      },
    });
    this.invoker = new Invoker({ capacity: this.pool, clock: this.clock, history: this.history });
    this.asyncEvents = new AsyncEvents({
      invoker: this.invoker,
      clock: this.clock,
      concurrency: options.concurrency ?? 1,
      retryDelayMs: options.retryDelayMs,
    });
    this.app = createInvokeApi({
      invoker: this.invoker,
      asyncEvents: this.asyncEvents,
      origins: new OriginRules(options.cors ?? []),
      identity: {
        functionName: "test_function",
        region: "us-east-1",
        accountId: "012345678912",
        isNameStrict: options.isNameStrict ?? false,
      },
      functionVersion: "$LATEST",
    });
  }

  get requests(): InvokeRequest[] {
    return this.invocations.map(({ request }) => request);
  }

  invoked(invocation: FakeInvocation, member: FakeMember): void {
    this.invocations.push(invocation);
    const outcome = this.options.outcome?.(invocation.request);
    if (!outcome) return;
    member.logs += `START ${invocation.request.requestId}\nREPORT ${invocation.request.requestId}\n`;
    invocation.end(outcome);
  }

  async post(path: string, body?: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    return this.app.request(path, {
      method: "POST",
      headers,
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> | string }),
    });
  }

  async invoke(body = "{}", headers: Record<string, string> = {}): Promise<Response> {
    return this.post(invokePath, body, headers);
  }

  /** Lets everything happen that needs no time. Reading a body takes several turns of the event loop. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await this.clock.advance(0);
  }
}

/** Keeps a level of init's log out of the test's output; `mockRestore` ends it. */
export function silence(level: "warn" | "error") {
  return spyOn(log, level).mockImplementation((() => {}) as never);
}
