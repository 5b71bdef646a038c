/** Whatever happens, in whatever order: each invocation is settled, and processes never stand beside each other. */
import { expect, test } from "bun:test";
import { ApiRefusal } from "../../src/environment/api-refusal.ts";
import type { Exchange } from "../../src/environment/exchange.ts";
import type { Invocation } from "../../src/environment/invocation.ts";
import { managedInstance, oneAtATime, type Policy } from "../../src/environment/policy.ts";
import { type SeededRandom, seededRandom } from "../support/seeded-random.ts";
import { response, World } from "./world.ts";

const policies: [name: string, policy: Policy, extensions: readonly string[]][] = [
  ["one at a time", oneAtATime, []],
  ["one at a time, with an extension", oneAtATime, ["a"]],
  [
    "a failed init tried again",
    {
      ...oneAtATime,
      afterFailedInit: "resetting",
      initLimitMs: 5000,
      isInitInvocationsTime: false,
      hasInitReports: true,
    },
    ["a"],
  ],
  ["an idle crash forgotten", { ...oneAtATime, afterFailedInit: "resetting", afterIdleCrash: "resetting" }, []],
  ["three at once", managedInstance(3, 5000), []],
  ["one at once, on a managed instance", managedInstance(1, 5000), ["a"]],
];

const walks = 150;
const steps = 60;

/** What can happen in a walk, with how often it does. */
class Walk {
  readonly world: World;
  readonly handles: Invocation[] = [];
  /** For whoever has to understand a find. */
  readonly trace: string[] = [];
  readonly #unread: (() => void)[] = [];

  constructor(
    policy: Policy,
    private readonly extensions: readonly string[],
    private readonly random: SeededRandom["random"],
  ) {
    this.world = new World({ policy, extensions });
    if (random(10) > 0) void this.world.environment.init();
  }

  readonly #actions: [weight: number, name: string, action: () => unknown][] = [
    [8, "invoke", () => this.invoke()],
    [10, "poll", () => this.world.poll()],
    [1, "poll and go", () => this.#pollAndGo()],
    [8, "answer", () => this.#answer((id) => response(id))],
    [2, "answer an error", () => this.#answer((id) => ({ ...failure, body: id }))],
    [2, "begin to answer", () => this.#exchange()?.begin("response")],
    [2, "stream", () => this.#stream()],
    [2, "end", () => this.#process("runtime")?.exit({ code: this.random(3) })],
    [1, "end of an extension", () => this.#process("a")?.exit({ code: 1 })],
    [3, "register", () => this.#extension(() => this.world.register("a", "SHUTDOWN", ...this.#invokeEvents))],
    [6, "extension polls", () => this.#extension(() => this.world.ask("a"))],
    [1, "extension reports", () => this.#extension(() => this.world.extension("a").report("exitError", "E"))],
    [1, "init error begins", () => this.world.exchanges.beginInitError()],
    [1, "init error", () => this.#initError()],
    [1, "snapshot", () => this.world.exchanges.restoreNext()],
    [1, "reload", () => this.world.environment.reload()],
    [1, "output", () => this.#write()],
    [3, "output received", () => this.#unread.shift()?.()],
    [6, "a little time", () => this.world.clock.advance(this.random(600))],
    [2, "much time", () => this.world.clock.advance(this.random(6000))],
  ];

  async go(): Promise<void> {
    const weights = this.#actions.reduce((sum, [weight]) => sum + weight, 0);
    for (let step = 0; step < steps; step++) {
      let at = this.random(weights);
      const chosen = this.#actions.find(([weight]) => {
        at -= weight;
        return at < 0;
      });
      if (!chosen) throw new Error("no action was chosen");
      await this.#do(chosen[1], chosen[2]);
    }
  }

  /** Everything that waits for time to pass gets it, without another act of any process. */
  async letTimePass(): Promise<void> {
    for (let round = 0; round < 2 * steps; round++) {
      for (const receive of this.#unread.splice(0)) receive();
      await this.world.clock.advance(6000);
    }
  }

  invoke(): void {
    const handle = this.world.start({ requestId: `id-${this.handles.length}`, takesStream: this.random(4) === 0 });
    this.handles.push(handle);
  }

  async #do(name: string, action: () => unknown): Promise<void> {
    this.trace.push(`${this.world.clock.now()} ${this.world.environment.state}: ${name}`);
    try {
      const acted = action();
      if (acted instanceof Promise) {
        // A poll need not end; time has to.
        if (name.endsWith("time")) await acted;
        else acted.catch(() => {});
      }
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
    }
    // Half of what happens happens in one turn with the next.
    if (this.random(2) === 0) {
      await this.world.flush();
      this.#expectNobodyWaitsForTheDead();
    }
    const alive = this.world.processes.filter(({ isAlive }) => isAlive).length;
    if (alive > 1 + this.extensions.length) throw new Error(`${alive} processes stand beside each other`);
  }

  /** What the runtime was given fails with it, at once. */
  #expectNobodyWaitsForTheDead(): void {
    const { dispatched, exchanges } = this.world;
    const runtime = this.#process("runtime");
    if (!runtime || runtime.isAlive || exchanges.isReportingInitError) return;
    const waiting = this.handles.filter(
      ({ request, isWaiting }) => isWaiting && dispatched.includes(request.requestId),
    );
    if (waiting.length > 0) throw new Error(`${waiting[0]?.request.requestId} waits for a runtime that has ended`);
  }

  get #invokeEvents(): ["INVOKE"] | [] {
    return this.world.environment.extensions.all.length > 0 && this.#hasInvokeEvents ? ["INVOKE"] : [];
  }

  get #hasInvokeEvents(): boolean {
    return this.extensions.length > 0 && this.random(2) === 0;
  }

  #exchange(): Exchange | undefined {
    const taken = this.handles
      .map(({ request }) => request.requestId)
      .filter((id) => this.world.dispatched.includes(id))
      .slice(-4);
    const found = this.world.exchanges.find(taken[this.random(Math.max(1, taken.length))] ?? "");
    return found === "timed out" ? undefined : found;
  }

  #answer(make: (id: string) => ReturnType<typeof response>): void {
    const exchange = this.#exchange();
    if (!exchange) return;
    if (exchange.state === "Running") exchange.begin("response");
    if (exchange.state === "InvocationResponse") exchange.finish(make(exchange.request.requestId));
  }

  #stream(): void {
    const exchange = this.#exchange();
    if (!exchange?.request.takesStream || exchange.state !== "Running") return;
    exchange.begin("response");
    void exchange.beginStream("text/plain").write(Buffer.from(exchange.request.requestId));
  }

  #initError(): void {
    const { exchanges } = this.world;
    if (exchanges.isReportingInitError) {
      exchanges.finishInitError(this.random(3) === 0 ? undefined : Buffer.from("why"), "Runtime.Why");
    }
  }

  #pollAndGo(): void {
    const gone = new AbortController();
    void this.world.exchanges.next(gone.signal).catch(() => {});
    gone.abort();
  }

  #extension(act: () => unknown): unknown {
    return this.world.environment.extensions.all.length > 0 ? act() : undefined;
  }

  #process(name: string) {
    return this.world.started.includes(name) ? this.world.processOf(name) : undefined;
  }

  #write(): void {
    const process = this.#process("runtime");
    if (process?.isAlive) this.#unread.push(process.write());
  }
}

const failure = { kind: "error", contentType: "", errorType: "Function.X" } as const;

/** The outcome of each handle that was settled. */
async function settledOf(handles: readonly Invocation[]): Promise<Map<string, string>> {
  const kinds = new Map<string, string>();
  for (const { request, settled } of handles) {
    void settled.then(({ outcome }) => kinds.set(request.requestId, outcome.kind));
  }
  await new Promise(setImmediate);
  return kinds;
}

/** What is told of invocations, by id: each has a start and an end, in that order. */
function expectBalanced(world: World): void {
  const told = new Map<string, string[]>();
  for (const what of world.told) {
    const [event, id] = /^(start|end) (\S+)$/.exec(what)?.slice(1) ?? [];
    if (event && id) told.set(id, [...(told.get(id) ?? []), event]);
  }
  expect([...told.values()].filter((events) => events.join() !== "start,end")).toEqual([]);
}

test.each(policies)(
  "%s",
  async (_, policy, extensions) => {
    const { seed, random } = seededRandom();
    for (let count = 0; count < walks; count++) {
      const walk = new Walk(policy, extensions, random);
      const { world, handles, trace } = walk;
      try {
        await walk.go();
        await walk.letTimePass();
        expect(await settledOf(handles)).toHaveProperty("size", handles.length);
        for (const { request, settled, answer, isOver } of handles) {
          const { outcome } = await settled;
          expect([isOver, await answer]).toEqual([true, outcome]);
          if (outcome.kind === "response") expect(Buffer.from(outcome.body).toString()).toBe(request.requestId);
          if (outcome.kind === "error") expect(outcome.body).toBe(request.requestId);
        }
        const stopped = world.environment.stop();
        await world.clock.advance(6000);
        await stopped;
        expect([world.environment.state, world.clock.pendingTimers]).toEqual(["stopped", 0]);
        expect(world.processes.filter(({ isAlive }) => isAlive)).toEqual([]);
        expectBalanced(world);

        const { length } = world.processes;
        walk.invoke();
        world.environment.reload();
        await world.clock.advance(6000);
        expect(world.processes).toHaveLength(length);
        expect(await settledOf(handles)).toHaveProperty("size", handles.length);
      } catch (error) {
        console.error(`walk ${count} of seed ${seed}:\n${trace.join("\n")}\n${world.told.join("\n")}`);
        throw error;
      }
    }
  },
  60_000,
);
