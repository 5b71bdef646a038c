/** An environment whose time, processes and clean-up are the test's. */

import { Environment } from "../../src/environment/environment.ts";
import type { Exchange } from "../../src/environment/exchange.ts";
import type { Exchanges } from "../../src/environment/exchanges.ts";
import type { Delivered, Extension, LifecycleEvent } from "../../src/environment/extensions/extension.ts";
import type { Invocation, InvokeRequest, Outcome, Settlement } from "../../src/environment/invocation.ts";
import { oneAtATime, type Policy } from "../../src/environment/policy.ts";
import type { ProcessPlan } from "../../src/environment/processes.ts";
import type { Exit } from "../../src/errors.ts";
import { LaunchError, type ProcessSpec, type SupervisedProcess } from "../../src/process/launch.ts";
import type { InitReport, InvocationReport, RestoreReport } from "../../src/telemetry/events.ts";
import { requestOf } from "../runtime-api/fixture.ts";
import { FakeClock } from "../support/fake-clock.ts";

export class FakeProcess implements SupervisedProcess {
  readonly signals: NodeJS.Signals[] = [];
  isAlive = true;
  isOutputClosed = false;
  /** Set: the process does not end by a signal. */
  isStubborn = false;
  /** Signals it does not end by. */
  readonly ignored = new Set<NodeJS.Signals>();
  readonly #exited = Promise.withResolvers<Exit>();
  #unread: PromiseWithResolvers<void> | undefined;

  constructor(
    readonly pid: number,
    readonly spec: ProcessSpec,
    private readonly tell: (what: string) => void,
    private readonly onSignal: (signal: NodeJS.Signals) => void,
  ) {}

  get exited(): Promise<Exit> {
    return this.#exited.promise;
  }

  exit(exit: Exit): void {
    this.isAlive = false;
    this.#exited.resolve(exit);
  }

  signalGroup(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    this.onSignal(signal);
    if (!this.isStubborn && !this.ignored.has(signal)) this.exit({ signal });
  }

  /** From now on something stands in the pipe, until the returned function is called. */
  write(): () => void {
    const unread = Promise.withResolvers<void>();
    this.#unread = unread;
    return () => {
      this.#unread = undefined;
      this.tell("output received");
      unread.resolve();
    };
  }

  drain(): Promise<unknown> | undefined {
    return this.#unread?.promise;
  }

  closeOutput(): void {
    this.isOutputClosed = true;
  }
}

/** How an invocation ended. */
export type InvokeResult = Pick<Settlement, "outcome" | "faultAfterAnswer">;

interface Options extends Partial<ProcessPlan> {
  readonly timeoutSeconds?: number;
  /** What differs from one at a time under LocalStack. */
  readonly policy?: Partial<Policy>;
  /** Names of the files in /opt/extensions. */
  readonly extensions?: readonly string[];
}

export class World {
  readonly clock = new FakeClock();
  readonly processes: FakeProcess[] = [];
  /** What happened, in order: events, output received, processes ended. */
  readonly told: string[] = [];
  readonly reports: InvocationReport[] = [];
  readonly phases: string[] = [];
  readonly inits: InitReport[] = [];
  readonly restores: RestoreReport[] = [];
  readonly dispatched: string[] = [];
  /** The last poll of each extension. */
  readonly asked = new Map<string, Promise<Delivered | undefined>>();
  /** How processes were ended, each with the milliseconds: who got which signal, and the extensions' part beginning. */
  readonly ends: string[] = [];
  processesEnded = 0;
  /** Files that cannot be started. */
  readonly unstartable = new Set<string>();
  /** Set: nothing can be started. */
  launchError: Error | undefined;
  /** Set: the end of all processes is told when the test resolves it. */
  ending: PromiseWithResolvers<boolean> | undefined;
  endings = 0;
  memoryMb = 30;
  memorySamples = 0;
  /** Pids whose memory is watched from their start. */
  readonly watched: number[] = [];
  readonly environment: Environment;

  constructor({ timeoutSeconds = 3, extensions = [], policy = {}, ...plan }: Options = {}) {
    this.environment = new Environment({
      policy: { ...oneAtATime, ...policy },
      plan: {
        bootstrap: { command: ["/var/runtime/bootstrap", "arg"], cwd: "/" },
        env: { NAME: "value" },
        findExtensions: () => extensions.map((name) => ({ name, path: `/opt/extensions/${name}` })),
        extensionEnv: { SEEN: "by extensions" },
        extensionCwd: "/",
        ...plan,
      },
      timeoutSeconds,
      clock: this.clock,
      launch: (spec) => this.#launch(spec),
      endAll: async () => {
        this.endings++;
        await this.ending?.promise;
        this.told.push("all ended");
        return true;
      },
      memory: {
        sample: () => {
          this.memorySamples++;
          return this.memoryMb;
        },
        watch: (pid) => void this.watched.push(pid),
      },
      events: {
        receiveOutput: () => () => {},
        initStarted: (phase) => void this.phases.push(phase),
        initEnded: (report) => void this.inits.push(report),
        invocationStarted: ({ requestId }) => void this.told.push(`start ${requestId}`),
        invocationDispatched: ({ requestId }) => void this.dispatched.push(requestId),
        invocationEnded: (report) => {
          this.told.push(`end ${report.requestId}`);
          this.reports.push(report);
        },
        restoreStarted: () => void this.told.push("restore"),
        restoreEnded: (report) => void this.restores.push(report),
        extensionsFinished: ({ requestId }, ms) => void this.told.push(`extensions finished ${requestId} ${ms}`),
        shutdownStarted: async () => void this.ends.push(`${this.clock.now()} the extensions' part`),
        processesEnded: () => void this.processesEnded++,
      },
      onIdleFault: ({ reason }) => void this.told.push(`idle: ${reason}`),
      onEnd: () => void this.told.push("ended"),
    });
  }

  /** A world whose runtime polls, in the idle phase. */
  static async ready(options: Options = {}): Promise<World> {
    const world = new World(options);
    const init = world.environment.init();
    world.poll();
    await init;
    await world.flush();
    return world;
  }

  /** A world whose extensions subscribed to these events and poll, in the idle phase. */
  static async readyWith(subscriptions: Subscriptions, options: Options = {}): Promise<World> {
    const world = new World({ ...options, extensions: Object.keys(subscriptions) });
    const init = world.environment.init();
    await world.bring(subscriptions);
    await init;
    await world.flush();
    return world;
  }

  /** The processes that were started last do what a good start takes: extensions register and poll, the runtime polls. */
  async bring(subscriptions: Subscriptions): Promise<void> {
    for (const [name, events] of Object.entries(subscriptions)) this.register(name, ...events);
    for (const name of Object.keys(subscriptions)) void this.ask(name);
    void this.poll();
    await this.flush();
  }

  get exchanges(): Exchanges {
    return this.environment.exchanges;
  }

  register(name: string, ...events: LifecycleEvent[]): Extension {
    return this.environment.extensions.register(name, events);
  }

  extension(name: string): Extension {
    const found = this.environment.extensions.all.find((extension) => extension.name === name);
    if (!found) throw new Error(`there is no extension ${name}`);
    return found;
  }

  /** The extension's long poll; a refusal is the caller's to look at. */
  ask(name: string, signal = new AbortController().signal): Promise<Delivered | undefined> {
    const asked = this.extension(name).next(signal);
    asked.catch(() => {});
    this.asked.set(name, asked);
    return asked;
  }

  /** Who was started, in that order, each by its file's name. */
  get started(): string[] {
    return this.processes.map(nameOf);
  }

  /** The process of this name that was started last. */
  processOf(name: string): FakeProcess {
    const process = this.processes.findLast((other) => nameOf(other) === name);
    if (!process) throw new Error(`${name} was not started`);
    return process;
  }

  /** The process started last. */
  get process(): FakeProcess {
    const last = this.processes.at(-1);
    if (!last) throw new Error("no process was started");
    return last;
  }

  flush(): Promise<void> {
    return this.clock.advance(0);
  }

  poll(): Promise<Exchange | undefined> {
    return this.exchanges.next(new AbortController().signal);
  }

  /** The handle of an invocation. */
  start(request: Partial<InvokeRequest> = {}): Invocation {
    return this.environment.invoke(requestOf({ invokedFunctionArn: "arn", ...request }));
  }

  async invoke(request: Partial<InvokeRequest> = {}): Promise<InvokeResult> {
    const { outcome, faultAfterAnswer } = await this.start(request).settled;
    return faultAfterAnswer ? { outcome, faultAfterAnswer } : { outcome };
  }

  /** What the runtime works on under this id. */
  exchange(requestId = "id-1"): Exchange {
    const exchange = this.exchanges.find(requestId);
    if (!exchange || exchange === "timed out") throw new Error(`the runtime was not given ${requestId}`);
    return exchange;
  }

  /** The runtime answers, as its calls to the Runtime API would. */
  answer(outcome: Outcome = response(), requestId = "id-1"): void {
    const exchange = this.exchange(requestId);
    exchange.begin(outcome.kind === "error" ? "error" : "response");
    exchange.finish(outcome);
  }

  /** One whole invocation of a good runtime that polls. */
  async serve(request: Partial<InvokeRequest> = {}): Promise<InvokeResult> {
    const invoked = this.invoke(request);
    await this.flush();
    this.answer(response(), request.requestId);
    void this.poll();
    return await invoked;
  }

  #launch(spec: ProcessSpec): FakeProcess {
    if (this.launchError) throw this.launchError;
    const name = nameOf({ spec });
    if (this.unstartable.has(name)) throw new LaunchError(`fork/exec ${spec.command[0]}: permission denied`);
    const process = new FakeProcess(
      100 + this.processes.length,
      spec,
      (what) => this.told.push(what),
      (signal) => this.ends.push(`${this.clock.now()} ${name} ${signal}`),
    );
    this.processes.push(process);
    return process;
  }
}

/** What each extension subscribes to. */
export type Subscriptions = Readonly<Record<string, readonly LifecycleEvent[]>>;

/** The file's name in /opt/extensions; anything else that is started is the runtime. */
function nameOf({ spec }: Pick<FakeProcess, "spec">): string {
  return /^\/opt\/extensions\/(.+)$/.exec(spec.command[0] ?? "")?.[1] ?? "runtime";
}

export function response(text = "ok"): Outcome {
  return { kind: "response", body: Buffer.from(text), contentType: "application/json" };
}

export const launchError = new LaunchError("fork/exec /var/runtime/bootstrap: no such file or directory");

export const exitFault = (ending: string) => ({
  type: "Runtime.ExitError" as const,
  reason: `Runtime exited with error: ${ending}`,
});

export const timedOut = {
  kind: "timeout",
  fault: { type: "Sandbox.Timedout", reason: "Task timed out after 3.00 seconds" },
} as const;
