import { describe, expect, test } from "bun:test";
import type { InitOutcome } from "../../../src/environment/init-outcome.ts";
import type { InvokeRequest, Outcome, Settlement } from "../../../src/environment/invocation.ts";
import type { Fault } from "../../../src/errors.ts";
import type { LogPieces } from "../../../src/frontend/localstack/callbacks.ts";
import type { Fate } from "../../../src/frontend/localstack/delivery.ts";
import { LocalStackFrontend, type LocalStackFrontendOptions } from "../../../src/frontend/localstack/frontend.ts";
import type { Result } from "../../../src/frontend/localstack/results.ts";
import type { FailureProtocol } from "../../../src/frontend/localstack/start-status.ts";
import { FakeClock } from "../../support/fake-clock.ts";
// The front end loads this where it first needs an id, from the disk: tests that let it have its turn do not wait for that.
import "uuid";

type Ending = Pick<Settlement, "outcome" | "faultAfterAnswer">;

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (body: Uint8Array | string) => (typeof body === "string" ? body : new TextDecoder().decode(body));
const gone: Fault = { type: "Runtime.ExitError", reason: "gone" };
const crash: Outcome = { kind: "fault", fault: gone };
const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
const response = (text = "result"): Outcome => ({ kind: "response", body: bytes(text), contentType: "" });
const isFirst = (line: string) => line.split(" ")[0];

/** A front end between an environment and a LocalStack that do as the test says. */
class World {
  readonly clock = new FakeClock();
  /** What was handed to the callbacks, in order. */
  readonly told: string[] = [];
  readonly invoked: string[] = [];
  readonly init = Promise.withResolvers<InitOutcome>();
  readonly runtimeExit = Promise.withResolvers<void>();
  readonly #invocations = new Map<string, PromiseWithResolvers<Settlement>>();
  /** What becomes of each callback, and when. */
  fate: Promise<Fate> = Promise.resolve("told");
  takeLogs: (requestId: string) => LogPieces = (id) => ({ pieces: [bytes("text of "), bytes(id)] });
  isStopped = false;
  onStop: () => void = () => {};
  readonly frontend: LocalStackFrontend;

  constructor(
    options: Partial<FailureProtocol & Pick<LocalStackFrontendOptions, "postInvokeWaitMs" | "beforeReady">> = {},
  ) {
    const tell = (line: string) => {
      this.told.push(line);
      return this.fate;
    };
    const world = this;
    this.frontend = new LocalStackFrontend({
      initFailure: "status",
      initializationType: "on-demand",
      postInvokeWaitMs: 0,
      ...options,
      clock: this.clock,
      callbacks: {
        ready: () => tell("ready"),
        startError: (body: Uint8Array | string) => tell(`start-error ${textOf(body)}`),
        statusError: (body: Uint8Array | string) => tell(`status ${textOf(body)}`),
        invocation: (id: string, { pieces }: LogPieces, { channel, body }: Result) =>
          tell(`${channel} ${id} ${textOf(body)} | ${Buffer.concat(pieces)}`),
        get idle() {
          return world.fate;
        },
      },
      maxPayloadBytes: 100,
      takeLogs: (id) => this.takeLogs(id),
      environment: {
        runtimeExited: this.runtimeExit.promise,
        invoke: ({ requestId }) => {
          this.invoked.push(requestId);
          const ending = Promise.withResolvers<Settlement>();
          this.#invocations.set(requestId, ending);
          return { settled: ending.promise };
        },
        stop: async () => {
          this.isStopped = true;
          this.init.resolve({ kind: "cancelled" });
          this.onStop();
        },
      },
    });
  }

  static async ready(options?: ConstructorParameters<typeof World>[0]): Promise<World> {
    const world = new World(options);
    world.init.resolve({ kind: "ready" });
    await world.frontend.start(world.init.promise);
    world.told.length = 0;
    return world;
  }

  invoke(requestId: string): boolean {
    return this.frontend.accept({ requestId } as InvokeRequest);
  }

  async settle(requestId: string, ending: Ending): Promise<void> {
    this.#invocations.get(requestId)?.resolve({ isRuntimeReady: true, ...ending });
    await this.turn();
  }

  async breakInside(requestId: string, error: Error): Promise<void> {
    this.#invocations.get(requestId)?.reject(error);
    await this.turn();
  }

  /** Lets everything happen that waits for nothing but its turn. */
  turn(): Promise<void> {
    return this.clock.advance(0);
  }
}

describe("a start", () => {
  const reported: InitOutcome = { kind: "init error", body: bytes('{"errorType":"E","x":1.0}'), errorType: "E" };
  const fault: InitOutcome = { kind: "fault", fault: gone };

  test("that went well is told once, and serves", async () => {
    const world = new World();
    world.init.resolve({ kind: "ready" });
    await world.frontend.start(world.init.promise);
    expect(world.told).toEqual(["ready"]);
    expect(world.frontend.startState).toBe("serving");
  });

  test("that went well is told when all the function may use is there, and not if it is called off meanwhile", async () => {
    for (const isStopped of [false, true]) {
      const isThere = Promise.withResolvers<void>();
      const world = new World({ beforeReady: () => isThere.promise });
      world.init.resolve({ kind: "ready" });
      const started = world.frontend.start(world.init.promise);
      await world.turn();
      expect(world.told).toEqual([]);
      if (isStopped) await world.frontend.fail(gone);
      isThere.resolve();
      await started;
      expect(world.told.map(isFirst)).toEqual([isStopped ? "start-error" : "ready"]);
    }
  });

  test.each([fault, { kind: "overdue", limitMs: 1 }, { kind: "cancelled" }] as InitOutcome[])(
    "that came to %j is told once by an error, and nothing is taken any more",
    async (outcome) => {
      const world = new World();
      world.init.resolve(outcome);
      await world.frontend.start(world.init.promise);
      expect(world.told.map(isFirst)).toEqual(["start-error"]);
      expect(world.frontend.startState).toBe("failed");
      expect(world.invoke("a")).toBe(false);
    },
  );

  test("that the runtime reported leaves it a moment for its last words", async () => {
    const world = new World();
    world.init.resolve(reported);
    let isDone = false;
    const started = world.frontend.start(world.init.promise).then(() => {
      isDone = true;
    });
    await world.clock.advance(499);
    expect([world.told, isDone]).toEqual([['start-error {"errorType":"E","x":1.0,"requestId":""}'], false]);
    await world.clock.advance(1);
    await started;
  });

  test("that LocalStack cannot be told of is over", async () => {
    for (const outcome of [{ kind: "ready" }, fault] as InitOutcome[]) {
      const world = new World();
      world.fate = Promise.resolve("unreachable");
      world.init.resolve(outcome);
      await world.frontend.start(world.init.promise);
      expect(world.frontend.startState).toBe("unreachable");
      expect(world.invoke("a")).toBe(false);
    }
  });

  test("that LocalStack was told of without an answer serves", async () => {
    const world = new World();
    world.fate = Promise.resolve("silent");
    world.init.resolve({ kind: "ready" });
    await world.frontend.start(world.init.promise);
    expect(world.frontend.startState).toBe("serving");
  });

  test("that breaks inside init is told as that", async () => {
    const world = new World();
    world.init.reject(new Error("a bug"));
    await world.frontend.start(world.init.promise);
    expect(world.told).toHaveLength(1);
    expect(world.told[0]).toMatch(/^start-error .*a bug","errorType":"Sandbox\.Failure"\}$/);
  });

  test("that fails for a reason of init's own is told that, whatever the runtime comes to", async () => {
    for (const outcome of [{ kind: "ready" }, fault] as InitOutcome[]) {
      const world = new World();
      const started = world.frontend.start(world.init.promise);
      await world.frontend.fail({ type: "Sandbox.Failure", reason: "port taken" });
      world.init.resolve(outcome);
      await started;
      expect(world.told).toHaveLength(1);
      expect(world.told[0]).toMatch(/^start-error .*port taken/);
      expect(world.frontend.startState).toBe("failed");
    }
  });

  test("is told before anything else, also before the end of a runtime that followed at once", async () => {
    const world = new World();
    const started = world.frontend.start(world.init.promise);
    world.invoke("a");
    await world.settle("a", { outcome: response() });
    // Both in the same turn, the worse one first.
    world.frontend.reportIdleFault(gone);
    world.init.resolve({ kind: "ready" });
    await started;
    await world.turn();
    expect(world.told.map(isFirst)).toEqual(["ready", "response", "status"]);
  });

  test("that failed is told before the invocations that waited for it, and they make no further status", async () => {
    for (const outcome of [fault, reported]) {
      const world = new World();
      const started = world.frontend.start(world.init.promise);
      world.invoke("a");
      world.runtimeExit.resolve();
      world.init.resolve(outcome);
      await started;
      await world.settle("a", { outcome: outcome as Outcome });
      expect(world.told.map(isFirst)).toEqual(["start-error", "error"]);
    }
  });
});

describe("an invocation", () => {
  const fault = '{"errorMessage":"RequestId: a Error: gone","errorType":"Runtime.ExitError"}';
  const rows: [what: string, ending: Ending, told: string[]][] = [
    ["with a response", { outcome: response() }, ["response a result"]],
    ["with an error", { outcome: { kind: "error", body: "why", contentType: "", errorType: "E" } }, ["error a why"]],
    [
      "that timed out is no fault of a process",
      { outcome: { kind: "timeout", fault: { type: "Sandbox.Timedout", reason: "late" } } },
      ['error a {"errorMessage":"RequestId: a Error: late","errorType":"Sandbox.Timedout"}'],
    ],
    ["whose runtime ended is a status error too", { outcome: crash }, [`status ${fault}`, `error a ${fault}`]],
    [
      "whose runtime ended after its answer keeps the answer",
      { outcome: response(), faultAfterAnswer: gone },
      [`status ${fault}`, "response a result"],
    ],
    [
      "whose response could not be read is no end of a process",
      { outcome: { kind: "fault", fault: { type: "Runtime.TruncatedResponse", reason: "cut" } } },
      ['error a {"errorMessage":"RequestId: a Error: cut","errorType":"Runtime.TruncatedResponse"}'],
    ],
    [
      "in which the runtime could not start again",
      { outcome: { kind: "init error", body: bytes('{"errorType":"E"}'), errorType: "E" } },
      ['status {"errorType":"E","requestId":"a"}', 'error a {"errorType":"E","requestId":"a"}'],
    ],
  ];
  test.each(rows)("%s", async (_, ending, told) => {
    const world = await World.ready();
    world.invoke("a");
    await world.settle("a", structuredClone(ending));
    expect(world.told.map((line) => line.replace(" | text of a", ""))).toEqual(told);
  });

  test.each(rows)("%s: none of it is a status where invocations tell of failed inits", async (_, ending, told) => {
    const world = await World.ready({ initFailure: "invoke" });
    world.invoke("a");
    await world.settle("a", structuredClone(ending));
    expect(world.told.map((line) => line.replace(" | text of a", ""))).toEqual(told.slice(-1));
  });

  test("is told with its own log, in the order in which they end", async () => {
    const world = await World.ready();
    for (const id of ["a", "b", "c"]) world.invoke(id);
    expect(world.invoked).toEqual(["a", "b", "c"]);
    await world.settle("c", { outcome: response("C") });
    await world.settle("a", { outcome: response("A") });
    await world.settle("b", { outcome: response("B") });
    expect(world.told).toEqual(["response c C | text of c", "response a A | text of a", "response b B | text of b"]);
  });

  test("does not wait for LocalStack to have heard of the one before", async () => {
    const world = await World.ready();
    world.fate = new Promise(() => {});
    world.invoke("a");
    await world.settle("a", { outcome: response() });
    world.invoke("b");
    await world.settle("b", { outcome: response() });
    expect(world.told.map(isFirst)).toEqual(["response", "response"]);
  });

  test("that comes again while it runs or has just ended is taken and not run again, later it is", async () => {
    const world = await World.ready();
    world.invoke("a");
    expect(world.invoke("a")).toBe(true);
    await world.settle("a", { outcome: response() });
    await world.clock.advance(999);
    expect(world.invoke("a")).toBe(true);
    expect(world.invoked).toEqual(["a"]);
    await world.clock.advance(1);
    world.invoke("a");
    expect(world.invoked).toEqual(["a", "a"]);
  });

  test("is told after the wait for debugging", async () => {
    const world = await World.ready({ postInvokeWaitMs: 50 });
    world.invoke("a");
    await world.settle("a", { outcome: response() });
    await world.clock.advance(49);
    expect(world.told).toEqual([]);
    await world.clock.advance(1);
    expect(world.told.map(isFirst)).toEqual(["response"]);
  });

  describe("that fails inside init is told so, and the next one runs:", () => {
    async function thenAnother(world: World, first: RegExp): Promise<void> {
      expect(world.told[0]).toMatch(first);
      world.invoke("b");
      await world.settle("b", { outcome: response() });
      expect(world.told.at(-1)).toStartWith("response b result");
      expect(world.told).toHaveLength(2);
    }

    test("the environment breaks", async () => {
      const world = await World.ready();
      world.invoke("a");
      await world.breakInside("a", new Error("a bug"));
      await thenAnother(world, /^error a .*a bug","errorType":"Sandbox\.Failure"\} \| text of a$/);
    });

    test("neither its result nor its status can be made", async () => {
      const world = await World.ready();
      world.invoke("a");
      const outcome = Object.defineProperty({ kind: "fault" }, "fault", {
        get() {
          throw new Error("a bug");
        },
      });
      await world.settle("a", { outcome: outcome as Outcome });
      await thenAnother(world, /^error a .*a bug","errorType":"Sandbox\.Failure"\} \| text of a$/);
    });

    test("its log cannot be had", async () => {
      const world = await World.ready();
      const { takeLogs } = world;
      world.takeLogs = () => {
        world.takeLogs = takeLogs;
        throw new Error("a bug");
      };
      world.invoke("a");
      await world.settle("a", { outcome: response() });
      await thenAnother(
        world,
        /^response a result \| The log of this invocation was lost by a fault inside init\.\\n$/,
      );
    });
  });
});

describe("a runtime that ends between invocations", () => {
  test("is told at once with an id of its own, and not again with the invocation that fails for it", async () => {
    const world = await World.ready();
    world.frontend.reportIdleFault(gone);
    await world.turn();
    expect(world.told).toHaveLength(1);
    expect(world.told[0]).toMatch(new RegExp(`^status .*RequestId: ${uuid} Error: gone`));
    world.invoke("a");
    await world.settle("a", { outcome: crash });
    expect(world.told.map(isFirst)).toEqual(["status", "error"]);
    expect(world.told[1]).toContain("RequestId: a Error: gone");
  });

  test("and ends again, is told again", async () => {
    const world = await World.ready();
    world.frontend.reportIdleFault({ ...gone });
    world.frontend.reportIdleFault({ ...gone });
    await world.turn();
    expect(world.told.map(isFirst)).toEqual(["status", "status"]);
  });

  test("is no status where invocations tell of failed inits", async () => {
    const world = await World.ready({ initFailure: "invoke" });
    world.frontend.reportIdleFault(gone);
    await world.turn();
    expect(world.told).toEqual([]);
  });
});

describe("stopping", () => {
  test("takes no more invocations and ends the environment", async () => {
    const world = await World.ready();
    await world.frontend.stop();
    expect(world.isStopped).toBe(true);
    expect(world.invoke("a")).toBe(false);
  });

  test("during init tells nothing", async () => {
    const world = new World();
    const started = world.frontend.start(world.init.promise);
    await world.frontend.stop();
    await started;
    expect(world.told).toEqual([]);
    expect(world.frontend.startState).toBe("starting");
  });

  test("does not hide an init that had failed", async () => {
    const world = new World();
    const started = world.frontend.start(world.init.promise);
    world.init.resolve({ kind: "fault", fault: gone });
    await world.frontend.stop();
    await started;
    expect(world.told.map(isFirst)).toEqual(["start-error"]);
    expect(world.frontend.startState).toBe("failed");
  });

  test("ends with what becomes of the invocations under way", async () => {
    const world = await World.ready();
    world.invoke("a");
    world.invoke("b");
    world.onStop = () => {
      void world.settle("a", { outcome: { kind: "stopped" } });
      void world.settle("b", { outcome: response() });
    };
    await world.frontend.stop();
    expect(world.told).toEqual([
      'error a {"errorMessage":"RequestId: a Error: The execution environment was stopped before the invocation had ended","errorType":"Sandbox.Failure"} | text of a',
      "response b result | text of b",
    ]);
  });

  test("waits for callbacks that are under way, and not for ever", async () => {
    const world = await World.ready();
    world.fate = new Promise(() => {});
    world.invoke("a");
    await world.settle("a", { outcome: response() });
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
