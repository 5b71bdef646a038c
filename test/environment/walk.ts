/** An environment in which anything may happen at any time: what chance chooses, the processes and the front end do. */
import { ApiRefusal } from "../../src/environment/api-refusal.ts";
import type { Exchange } from "../../src/environment/exchange.ts";
import type { Invocation } from "../../src/environment/invocation.ts";
import type { Policy } from "../../src/environment/policy.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { type FakeProcess, response, World } from "./world.ts";

const steps = 60;

/** What chance makes of a walk, beside its policy. */
export interface WalkOptions {
  readonly policy: Policy;
  readonly extensions: readonly string[];
  /** How often of ten a runtime's first call asks for its restore. */
  readonly snapshots: number;
}

export class Walk {
  readonly world: World;
  readonly handles: Invocation[] = [];
  /** For whoever has to understand a find. */
  readonly trace: string[] = [];
  /** Every poll that was taken, of runtimes and extensions. */
  readonly polls: Promise<unknown>[] = [];
  /** What polls brought, each with how often. */
  readonly handedOver = new Map<Invocation, number>();
  isStopped = false;
  readonly #settled = new Set<Invocation>();
  readonly #unread: (() => void)[] = [];
  /** Answers that are being read. */
  readonly #begun: Exchange[] = [];
  /** Clients that wait in a poll. */
  readonly #clients: AbortController[] = [];

  constructor(
    private readonly options: WalkOptions,
    private readonly random: SeededRandom["random"],
  ) {
    const { policy, extensions } = options;
    this.world = new World({ policy, extensions });
    if (random(10) > 0) void this.world.environment.init();
  }

  /** What can happen, with how often it does. */
  readonly #actions: [weight: number, name: string, action: () => unknown][] = [
    [80, "invoke", () => this.invoke()],
    [10, "invoke again", () => this.#invokeAgain()],
    [100, "poll", () => this.#poll()],
    [10, "poll and go", () => this.#poll()?.abort()],
    [10, "a client goes", () => this.#clients.splice(this.random(4), 1)[0]?.abort()],
    [80, "answer", () => this.#answer((id) => response(id))],
    [20, "answer an error", () => this.#answer((id) => ({ ...failure, body: id }))],
    [5, "answer too large", () => this.#answer(() => ({ kind: "too large" }))],
    [5, "answer cut off", () => this.#answer(() => ({ kind: "fault", fault: truncated }))],
    [20, "begin to answer", () => this.#begin()],
    [20, "late answer", () => this.#finishBegun()],
    [20, "stream", () => this.#stream()],
    [20, "end", () => this.#process("runtime")?.exit({ code: this.random(3) })],
    [5, "kill", () => this.#process("runtime")?.exit({ signal: "SIGKILL" })],
    [10, "end of an extension", () => this.#process("a")?.exit({ code: this.random(2) })],
    [10, "an end that takes long", () => this.#ignoreSignals()],
    [30, "register", () => this.#extension(() => this.world.register("a", "SHUTDOWN", ...this.#invokeEvents))],
    [3, "register inside", () => this.world.register("inside")],
    [60, "extension polls", () => this.#extension(() => this.#askExtension())],
    [10, "extension reports", () => this.#extension(() => this.world.extension("a").report("exitError", "E"))],
    [5, "extension fails", () => this.#extension(() => this.world.extension("a").report("initError", "E"))],
    [10, "init error begins", () => this.world.exchanges.beginInitError()],
    [10, "restore error begins", () => this.world.exchanges.beginInitError("restoreError")],
    [20, "init error", () => this.#initError()],
    [10, "snapshot", () => this.#keep(this.world.exchanges.restoreNext())],
    [10, "reload", () => this.world.environment.reload()],
    [2, "stop", () => this.stop()],
    [3, "nothing can start", () => this.#breakStart()],
    [5, "ending takes long", () => this.#slowEnd()],
    [10, "output", () => this.#write()],
    [30, "output received", () => this.#unread.shift()?.()],
    [60, "a little time", () => this.world.clock.advance(this.random(600))],
    [20, "much time", () => this.world.clock.advance(this.random(6000))],
    [3, "very much time", () => this.world.clock.advance(this.random(15_000))],
    [5, "a busy machine", () => this.world.clock.stall(this.random(4000))],
  ];

  async go(): Promise<void> {
    const weights = this.#actions.reduce((sum, [weight]) => sum + weight, 0);
    // Once it has stopped nobody can call it any more.
    for (let step = 0; step < steps && this.world.environment.state !== "stopped"; step++) {
      let at = this.random(weights);
      const chosen = this.#actions.find(([weight]) => {
        at -= weight;
        return at < 0;
      });
      if (!chosen) throw new Error("no action was chosen");
      await this.#do(chosen[1], chosen[2]);
    }
    this.world.launchError = undefined;
  }

  /** Everything that waits for time to pass gets it, without another act of any process. */
  async letTimePass(): Promise<void> {
    for (let round = 0; round < 2 * steps; round++) {
      for (const receive of this.#unread.splice(0)) receive();
      await this.world.clock.advance(6000);
    }
  }

  invoke(requestId = `id-${this.handles.length}`): Invocation {
    const handle = this.world.start({ requestId, takesStream: this.random(4) === 0 });
    this.handles.push(handle);
    void handle.settled.then(() => this.#settled.add(handle));
    return handle;
  }

  stop(): void {
    this.isStopped = true;
    void this.world.environment.stop();
  }

  /** From here on every process does its best. @returns whether a new invocation was served within a few attempts */
  async recovers(): Promise<boolean> {
    for (let attempt = 0; attempt < 3; attempt++) {
      const handle = this.invoke();
      // Each attempt has its own timeout, and may have to wait for the end of processes that do not go.
      for (let round = 0; round < 1000 && !this.#settled.has(handle); round++) {
        for (const act of this.#goodActs(handle)) this.#try(act);
        await this.world.clock.advance(20);
      }
      if (!this.#settled.has(handle)) throw new Error(`${handle.request.requestId} is never settled`);
      if ((await handle.settled).outcome.kind === "response") return true;
    }
    // What ends by itself has the time for it.
    await this.world.clock.advance(10_000);
    return false;
  }

  #goodActs({ request: { requestId } }: Invocation): (() => unknown)[] {
    const { world } = this;
    const poll = () => (world.exchanges.state === "Started" || world.exchanges.waitingPolls === 0 ? this.#poll() : 0);
    return [
      () => this.options.extensions.length > 0 && world.register("a", "SHUTDOWN"),
      () => !world.extension("a").isPolling && this.#askExtension(),
      () => this.#process("runtime")?.isAlive && poll(),
      () => world.answer(response(requestId), requestId),
      () => this.#process("runtime")?.isAlive && poll(),
    ];
  }

  #try(act: () => unknown): void {
    try {
      act();
    } catch {
      // It is not its turn.
    }
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
    if (alive > 1 + this.options.extensions.length) throw new Error(`${alive} processes stand beside each other`);
  }

  /** What the runtime was given, or is to be restored for, fails with it, at once. */
  #expectNobodyWaitsForTheDead(): void {
    const { exchanges, told, restores } = this.world;
    const runtime = this.#process("runtime");
    if (!runtime || runtime.isAlive || exchanges.isReportingInitError) return;
    const waiting = this.handles.filter((handle) => handle.isWaiting && this.#isDispatched(handle));
    if (waiting.length > 0) throw new Error(`${waiting[0]?.request.requestId} waits for a runtime that has ended`);
    const isRestoring = told.filter((what) => what === "restore").length > restores.length;
    if (isRestoring) throw new Error("the restore of a runtime that has ended goes on");
  }

  /** Each attempt under an id is told of once. */
  #isDispatched(handle: Invocation): boolean {
    const isOfItsId = (id: string) => id === handle.request.requestId;
    const attempts = this.handles.map(({ request }) => request.requestId).filter(isOfItsId).length;
    return this.world.dispatched.filter(isOfItsId).length >= attempts;
  }

  #invokeAgain(): void {
    const last = this.handles.at(-1);
    // Front ends see to it that an id is not run twice at a time.
    if (last && this.#settled.has(last)) this.invoke(last.request.requestId);
  }

  #poll(): AbortController | undefined {
    const { exchanges } = this.world;
    if (exchanges.state === "Started" && this.random(10) < this.options.snapshots) {
      this.#keep(exchanges.restoreNext());
      return undefined;
    }
    const client = new AbortController();
    this.#clients.push(client);
    const polled = exchanges.next(client.signal);
    this.#keep(polled);
    void polled.then(
      (exchange) => {
        if (exchange) this.handedOver.set(exchange.invocation, (this.handedOver.get(exchange.invocation) ?? 0) + 1);
      },
      () => {},
    );
    return client;
  }

  #askExtension(): void {
    const client = new AbortController();
    this.#clients.push(client);
    this.#keep(this.world.ask("a", client.signal));
  }

  #keep(poll: Promise<unknown>): void {
    poll.catch(() => {});
    this.polls.push(poll);
  }

  get #invokeEvents(): ["INVOKE"] | [] {
    return this.options.policy.hasInvokeEvents && this.random(2) === 0 ? ["INVOKE"] : [];
  }

  #exchange(): Exchange | undefined {
    const taken = this.handles
      .map(({ request }) => request.requestId)
      .filter((id) => this.world.dispatched.includes(id))
      .slice(-4);
    const found = this.world.exchanges.find(taken[this.random(Math.max(1, taken.length))] ?? "");
    return found === "timed out" ? undefined : found;
  }

  #begin(): void {
    const exchange = this.#exchange();
    exchange?.begin("response");
    if (exchange) this.#begun.push(exchange);
  }

  #answer(make: (id: string) => ReturnType<typeof response>): void {
    const exchange = this.#exchange();
    if (exchange?.state === "Running") exchange.begin("response");
    if (exchange?.state === "InvocationResponse") this.#finish(exchange, make(exchange.request.requestId));
  }

  /** The body of an answer comes to its end whatever has become of its invocation meanwhile. */
  #finishBegun(): void {
    const exchange = this.#begun.shift();
    if (exchange?.state === "InvocationResponse") this.#finish(exchange, response(exchange.request.requestId));
  }

  #finish(exchange: Exchange, outcome: ReturnType<typeof response>): void {
    exchange.finish(outcome);
  }

  #stream(): void {
    const exchange = this.#exchange();
    if (!exchange?.request.takesStream || exchange.state !== "Running") return;
    exchange.begin("response");
    this.#begun.push(exchange);
    void exchange.beginStream("text/plain").write(Buffer.from(exchange.request.requestId));
  }

  #initError(): void {
    const { exchanges } = this.world;
    if (exchanges.isReportingInitError) {
      exchanges.finishInitError(this.random(3) === 0 ? undefined : Buffer.from("why"), "Runtime.Why");
    }
  }

  #extension(act: () => unknown): unknown {
    return this.world.environment.extensions.all.some(({ name }) => name === "a") ? act() : undefined;
  }

  #process(name: string): FakeProcess | undefined {
    return this.world.started.includes(name) ? this.world.processOf(name) : undefined;
  }

  #ignoreSignals(): void {
    this.#process(["runtime", "a"][this.random(2)] ?? "")?.ignored.add("SIGTERM");
  }

  #breakStart(): void {
    this.world.launchError = this.random(2) === 0 ? undefined : new Error("no more processes");
  }

  /** What is left of the processes takes its time to end. */
  #slowEnd(): void {
    const ending = Promise.withResolvers<boolean>();
    this.world.ending = ending;
    this.world.clock.after(this.random(2000), () => ending.resolve(true));
  }

  #write(): void {
    const process = this.#process(["runtime", "a"][this.random(2)] ?? "");
    if (process?.isAlive) this.#unread.push(process.write());
  }
}

const failure = { kind: "error", contentType: "", errorType: "Function.X" } as const;
const truncated = { type: "Runtime.TruncatedResponse", reason: "cut off" } as const;
