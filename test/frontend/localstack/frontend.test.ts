import { describe, expect, test } from "bun:test";
import type { InitOutcome } from "../../../src/environment/generation.ts";
import type { InvokeRequest, Outcome } from "../../../src/environment/invocation.ts";
import type { Callbacks } from "../../../src/frontend/localstack/callbacks.ts";
import { type InvokeResult, LocalStackFrontend } from "../../../src/frontend/localstack/frontend.ts";
import type { Result } from "../../../src/frontend/localstack/results.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (body: Uint8Array | string) => (typeof body === "string" ? body : new TextDecoder().decode(body));
const response: Outcome = { kind: "response", body: bytes("result"), contentType: "" };
const crash: Outcome = { kind: "fault", fault: { type: "Runtime.ExitError", reason: "gone" } };
const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

/** A front end between an environment and a LocalStack that do as the test says. */
class World {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  readonly invoked: string[] = [];
  readonly init = Promise.withResolvers<InitOutcome>();
  /** What each invocation comes to; those without an entry wait. */
  outcomes = new Map<string, InvokeResult | Error>();
  /** Set to hold every callback back. */
  hold: Promise<void> = Promise.resolve();
  isShutDown = false;
  readonly frontend: LocalStackFrontend;

  constructor(postInvokeWaitMs = 0) {
    const tell = async (line: string) => {
      await this.hold;
      this.told.push(line);
      return true;
    };
    const callbacks = {
      ready: () => tell("ready"),
      statusError: (body: Uint8Array | string) => tell(`status ${textOf(body)}`),
      invocation: async (id: string, text: string, result: Result | undefined) => {
        await tell(`logs ${id} ${text}`);
        if (result) await tell(`${result.channel} ${id} ${textOf(result.body)}`);
      },
    } as unknown as Callbacks;
    this.frontend = new LocalStackFrontend({
      clock: this.clock,
      callbacks,
      maxPayloadBytes: 100,
      postInvokeWaitMs,
      takeLogs: () => "text",
      environment: {
        runtimeExited: Promise.resolve(),
        init: () => this.init.promise,
        invoke: ({ requestId }) => {
          this.invoked.push(requestId);
          const outcome = this.outcomes.get(requestId);
          if (outcome instanceof Error) throw outcome;
          return { settled: outcome ? Promise.resolve({ isRuntimeReady: true, ...outcome }) : new Promise(() => {}) };
        },
        stop: async () => {
          this.isShutDown = true;
        },
      },
    });
  }

  static async ready(postInvokeWaitMs = 0): Promise<World> {
    const world = new World(postInvokeWaitMs);
    world.init.resolve({ kind: "ready" });
    await world.frontend.start();
    world.told.length = 0;
    return world;
  }

  invoke(requestId: string, result?: InvokeResult | Error): boolean {
    if (result) this.outcomes.set(requestId, result);
    return this.frontend.accept({ requestId } as InvokeRequest);
  }

  settle(): Promise<void> {
    return this.clock.advance(0);
  }
}

describe("a boot", () => {
  test.each([
    [{ kind: "ready" }, /^ready$/, false],
    [
      { kind: "init error", body: bytes('{"errorType":"E","x":1}') },
      /^status \{"errorType":"E","x":1,"requestId":""\}$/,
      true,
    ],
    [{ kind: "init error", body: bytes("raw"), errorType: "Runtime.Unknown" }, /^status raw$/, true],
    [
      { kind: "fault", fault: { type: "Runtime.ExitError", reason: "gone" } },
      new RegExp(`^status \\{"errorMessage":"RequestId: ${uuid} Error: gone","errorType":"Runtime.ExitError"\\}$`),
      true,
    ],
  ] as [InitOutcome, RegExp, boolean][])("that came to %j is told once", async (outcome, told, hasFailed) => {
    const world = new World();
    world.init.resolve(outcome);
    await world.frontend.start();
    expect(world.told).toHaveLength(1);
    expect(world.told[0]).toMatch(told);
    expect(world.frontend.hasFailed).toBe(hasFailed);
  });

  test("that was cancelled is nobody's business", async () => {
    const world = new World();
    world.init.resolve({ kind: "cancelled" });
    await world.frontend.start();
    expect([world.told, world.frontend.hasFailed]).toEqual([[], false]);
  });

  test("that fails for a reason of init's own is told that, and never a ready", async () => {
    const world = new World();
    const started = world.frontend.start();
    await world.frontend.fail({ type: "Sandbox.Failure", reason: "port taken" });
    world.init.resolve({ kind: "ready" });
    await started;
    expect(world.told).toHaveLength(1);
    expect(world.told[0]).toContain("port taken");
    expect(world.frontend.hasFailed).toBe(true);
  });

  test("that failed is told before the invocations that waited for it, and only once as a status", async () => {
    const world = new World();
    const started = world.frontend.start();
    world.invoke("a", { outcome: crash });
    await world.settle();
    world.init.resolve({ kind: "fault", fault: { type: "Runtime.ExitError", reason: "gone" } });
    await started;
    await world.settle();
    expect(world.told.map((line) => line.split(" ")[0])).toEqual(["status", "logs", "error"]);
  });
});

describe("an invocation", () => {
  const fault = '{"errorMessage":"RequestId: a Error: gone","errorType":"Runtime.ExitError"}';
  const rows: [what: string, result: InvokeResult, told: string[]][] = [
    ["with a response", { outcome: response }, ["logs a text", "response a result"]],
    [
      "with an error",
      { outcome: { kind: "error", body: "why", contentType: "", errorType: "E" } },
      ["logs a text", "error a why"],
    ],
    [
      "too large",
      { outcome: { kind: "too large" } },
      [
        "logs a text",
        'error a {"errorMessage":"Response payload size exceeded maximum allowed payload size (100 bytes).","errorType":"Function.ResponseSizeTooLarge"}',
      ],
    ],
    [
      "that timed out is no fault of a process",
      { outcome: { kind: "timeout", fault: { type: "Sandbox.Timedout", reason: "late" } } },
      ["logs a text", 'error a {"errorMessage":"RequestId: a Error: late","errorType":"Sandbox.Timedout"}'],
    ],
    [
      "whose runtime ended is a status error too",
      { outcome: crash },
      [`status ${fault}`, "logs a text", `error a ${fault}`],
    ],
    [
      "whose runtime ended after its answer keeps the answer",
      { outcome: response, faultAfterAnswer: { type: "Runtime.ExitError", reason: "gone" } },
      [`status ${fault}`, "logs a text", "response a result"],
    ],
    [
      "whose response could not be read is no end of a process",
      { outcome: { kind: "fault", fault: { type: "Runtime.TruncatedResponse", reason: "cut" } } },
      ["logs a text", 'error a {"errorMessage":"RequestId: a Error: cut","errorType":"Runtime.TruncatedResponse"}'],
    ],
    [
      "in which the runtime could not start again",
      { outcome: { kind: "init error", body: bytes('{"errorType":"E"}'), errorType: "E" } },
      ['status {"errorType":"E","requestId":"a"}', "logs a text", 'error a {"errorType":"E","requestId":"a"}'],
    ],
    [
      "that was stopped says so",
      { outcome: { kind: "stopped" } },
      [
        "logs a text",
        'error a {"errorMessage":"RequestId: a Error: The execution environment was stopped before the invocation had ended","errorType":"Sandbox.Failure"}',
      ],
    ],
  ];
  test.each(rows)("%s", async (_, result, told) => {
    const world = await World.ready();
    world.invoke("a", structuredClone(result));
    await world.settle();
    expect(world.told).toEqual(told);
  });

  test("waits for the one before it, not for LocalStack to have heard of that", async () => {
    const world = await World.ready();
    const held = Promise.withResolvers<void>();
    world.hold = held.promise;
    world.invoke("a", { outcome: structuredClone(response) });
    world.invoke("b", { outcome: structuredClone(response) });
    await world.settle();
    expect([world.invoked, world.told]).toEqual([["a", "b"], []]);
    held.resolve();
    await world.settle();
    expect(world.told).toEqual(["logs a text", "response a result", "logs b text", "response b result"]);
  });

  test("that came while another runs is started when that has ended", async () => {
    const world = await World.ready();
    world.invoke("a");
    world.invoke("b", { outcome: response });
    await world.settle();
    expect(world.invoked).toEqual(["a"]);
  });

  test("that comes again while it runs, waits or has just ended is taken and not run again", async () => {
    const world = await World.ready();
    world.invoke("a", { outcome: structuredClone(response) });
    expect(world.invoke("a")).toBe(true);
    await world.settle();
    await world.clock.advance(900);
    expect(world.invoke("a")).toBe(true);
    await world.settle();
    expect(world.invoked).toEqual(["a"]);
  });

  test("that LocalStack asks for again later, as it does for asynchronous ones, runs again", async () => {
    const world = await World.ready();
    world.invoke("a", { outcome: structuredClone(response) });
    await world.settle();
    await world.clock.advance(1000);
    world.invoke("a");
    await world.settle();
    expect(world.invoked).toEqual(["a", "a"]);
  });

  test("is told after the wait for debugging", async () => {
    const world = await World.ready(50);
    world.invoke("a", { outcome: structuredClone(response) });
    await world.clock.advance(49);
    expect(world.told).toEqual([]);
    await world.clock.advance(1);
    expect(world.told).toEqual(["logs a text", "response a result"]);
  });

  test("that fails inside init is told so, and the next one runs", async () => {
    const world = await World.ready();
    world.invoke("a", new Error("a bug"));
    world.invoke("b", { outcome: structuredClone(response) });
    await world.settle();
    expect(world.told[1]).toBe('error a {"errorMessage":"RequestId: a Error: a bug","errorType":"Sandbox.Failure"}');
    expect(world.told.at(-1)).toBe("response b result");
  });
});

test("a crash between invocations is told at once with an id of its own", async () => {
  const world = await World.ready();
  world.frontend.reportIdleFault({ type: "Runtime.ExitError", reason: "gone" });
  await world.settle();
  expect(world.told).toHaveLength(1);
  expect(world.told[0]).toMatch(new RegExp(`RequestId: ${uuid} Error: gone`));
});

describe("stopping", () => {
  test("takes no more invocations and ends the environment", async () => {
    const world = await World.ready();
    await world.frontend.stop();
    expect(world.isShutDown).toBe(true);
    expect(world.invoke("a")).toBe(false);
  });

  test("waits for callbacks that are under way, and not for ever", async () => {
    const world = await World.ready();
    world.hold = new Promise(() => {});
    world.invoke("a", { outcome: structuredClone(response) });
    await world.settle();
    let stopped = false;
    const stopping = world.frontend.stop().then(() => {
      stopped = true;
    });
    await world.clock.advance(4499);
    expect(stopped).toBe(false);
    await world.clock.advance(1);
    await stopping;
  });
});
