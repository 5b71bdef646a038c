/**
 * The life of an execution environment: init, then invocations, resets between them where processes failed, and the
 * shutdown. It knows no HTTP and no LocalStack.
 */
import { type Clock, settlesWithin } from "../clock.ts";
import type { Fault } from "../errors.ts";
import { log } from "../log.ts";
import type { Launch } from "../process/launch.ts";
import type { EnvironmentEvents } from "../telemetry/events.ts";
import type { ShutdownReason } from "./extensions/extension.ts";
import { Generation, type InitOutcome } from "./generation.ts";
import { Invocation, type InvokeRequest } from "./invocation.ts";
import { type Event, next, type State, takesInvocations } from "./lifecycle-table.ts";
import { aftermathMs, shutdownMs } from "./limits.ts";
import type { Policy } from "./policy.ts";
import type { ProcessPlan } from "./processes.ts";
import { Running } from "./running.ts";
import { type Stage, serve } from "./serving.ts";

export interface EnvironmentOptions {
  readonly plan: ProcessPlan;
  readonly policy: Policy;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly launch: Launch;
  /** Ends every process of this environment, also what left its group; resolves within the budget, milliseconds. */
  readonly endAll: (budgetMs: number) => Promise<unknown>;
  /** The peak memory so far, MB. */
  readonly memory: { sample(): number; watch(pid: number): void };
  readonly events: EnvironmentEvents;
  /** The runtime ended between two invocations. */
  readonly onIdleFault: (fault: Fault) => void;
  /** The environment has ended by itself, as managed instances do when their processes break. */
  readonly onEnd?: () => void;
}

export class Environment {
  #state: State = "cold";
  #generation: Generation;
  /** Invocations whose turn has not come, in the order they came. */
  readonly #queue: Invocation[] = [];
  readonly #running = new Set<Running>();
  /** Why the next invocation fails: how init ended, or what the idle runtime ended with. */
  #failure: InitOutcome | undefined;
  /** The present boot, or the last one, when all it means has been done. */
  #booted: Promise<unknown> = Promise.resolve();
  #reset: Promise<void> = Promise.resolve();
  /** The code changed while processes were busy with the old one. */
  #isReloadDue = false;
  #initDurationMs: number | undefined;
  #isEndingByItself = false;
  /** On the clock's `now`: until then an end of the runtime belongs to the invocation that failed last. */
  #aftermathUntil = Number.NEGATIVE_INFINITY;

  readonly #stage: Stage;

  constructor(private readonly options: EnvironmentOptions) {
    this.#generation = this.#newGeneration();
    this.#stage = this.#newStage();
  }

  get state(): State {
    return this.#state;
  }

  /** What the runtime that may call the Runtime API now exchanges with us. */
  get exchanges(): Generation["exchanges"] {
    return this.#generation.exchanges;
  }

  /**
   * Whether there is a place for one more: a worker waits for an event that none of the invocations under way is about
   * to take, or processes are being started or restored, for which it may wait with others.
   */
  get hasFreeWorker(): boolean {
    if (this.#isStopping) return false;
    const isServed = this.#state === "ready" || this.#state === "serving";
    if (!isServed || this.#generation.isRestoreDue) {
      return this.#queue.length + this.#running.size < this.options.policy.concurrency;
    }
    let undispatched = this.#queue.length;
    for (const { isDispatched } of this.#running) if (!isDispatched) undispatched++;
    return this.exchanges.waitingPolls > undispatched;
  }

  /** The extensions that may call the Extensions API now. */
  get extensions(): Generation["extensions"] {
    return this.#generation.extensions;
  }

  /** Resolves when the present runtime has ended. */
  get runtimeExited(): Promise<unknown> {
    return this.#generation.runtimeExited;
  }

  /**
   * The first init: starts the processes and waits until all of them poll, or for what prevented it. Where the policy
   * tries again inside the next invocation, the processes of the first attempt are gone when this resolves.
   */
  async init(): Promise<InitOutcome> {
    if (next(this.#state, "boot", this.options.policy) === undefined) return { kind: "cancelled" };
    const startedAt = this.options.clock.now();
    const outcome = await this.#boot();
    if (outcome.kind === "ready") this.#initDurationMs = this.options.clock.now() - startedAt;
    else if (this.options.policy.afterFailedInit === "resetting") await this.#reset;
    return outcome;
  }

  /**
   * Takes an invocation over and returns its handle at once; it runs when its turn has come. Its time counts from
   * there: an init that runs inside it because the last processes failed is part of it, as on AWS.
   */
  invoke(request: InvokeRequest): Invocation {
    const invocation = new Invocation(request, () => this.options.clock.now());
    this.#queue.push(invocation);
    this.#takeNext();
    return invocation;
  }

  /**
   * The code changed: fresh processes take the place of the present ones, as soon as no invocation runs on these and
   * before the next one asks. If they cannot start, the next invocation fails with the reason.
   */
  reload(): void {
    if (this.#state === "cold") return;
    this.#isReloadDue = true;
    this.#reloadIfDue();
  }

  /** Ends running invocations and all processes, within the budget of a shutdown. Nothing starts afterwards. */
  async stop(): Promise<void> {
    const reason = this.#state === "failed" ? "failure" : "spindown";
    this.#move("stop", reason);
    for (const { invocation } of this.#running) invocation.end({ kind: "stopped" });
    await this.#reset;
  }

  /** What an invocation sees of the environment, and does with it. */
  #newStage(): Stage {
    const environment = this;
    return {
      get state() {
        return environment.#state;
      },
      get generation() {
        return environment.#generation;
      },
      get failure() {
        return environment.#failure;
      },
      get booted() {
        return environment.#booted;
      },
      get reset() {
        return environment.#reset;
      },
      get isStopping() {
        return environment.#isStopping;
      },
      move: (event) => this.#move(event),
      startInside: () => this.#startFresh("invoke"),
      refuse: (running) => this.#refuse(running),
      takeInitDuration: () => {
        const duration = this.#initDurationMs;
        this.#initDurationMs = undefined;
        return duration;
      },
      leave: (running, { outcome }) => {
        this.#running.delete(running);
        const { kind } = running.invocation.streamBrokenBy ?? outcome;
        if (kind === "error") this.#aftermathUntil = this.options.clock.now() + aftermathMs;
      },
      onSettled: (invocation, areExtensionsBusy) => this.#onSettled(invocation, areExtensionsBusy),
      onBroken: (reason) => this.#goOnAfter("broke", reason),
    };
  }

  /** Nothing starts any more. An environment that ends by itself says why. */
  #refuse(running: Running): void {
    const { fault, failure } = this.#generation;
    if (this.#isEndingByItself && fault) running.invocation.fail(fault);
    else if (this.#isEndingByItself && failure) running.endWithInit(failure);
    else running.invocation.end({ kind: "stopped" });
  }

  /** The runtime is done with an invocation; extensions may still work on it, in its time and not the next one's. */
  #onSettled(invocation: Invocation, areExtensionsBusy: boolean): void {
    if (this.#running.size > 0) {
      this.#takeNext();
      return;
    }
    this.#move("settled");
    if (areExtensionsBusy) void this.#awaitExtensions(invocation);
    else this.#goOnAfter("extensions done");
  }

  /**
   * Moves on. Where the event means nothing any more, there may be room for the next invocation all the same, or a
   * reload due.
   */
  #goOnAfter(event: Event, reason?: ShutdownReason): void {
    if (this.#move(event, reason)) return;
    this.#reloadIfDue();
    this.#takeNext();
  }

  async #awaitExtensions({ request, deadlineMs }: Invocation): Promise<void> {
    const { clock, events } = this.options;
    const generation = this.#generation;
    const startedAt = clock.now();
    const callOff = clock.after(Math.max(0, deadlineMs - clock.epoch()), () => {
      if (generation !== this.#generation) return;
      log.error(`the time of ${request.requestId} is over, init no longer waits for ${generation.waitsFor}`);
      this.#move("extensions overdue", "timeout");
    });
    // An extension whose poll breaks off while its output is being received is busy again.
    while (generation.isBusy) {
      await generation.settled();
      await generation.drain();
    }
    callOff();
    try {
      events.extensionsFinished(request, clock.now() - startedAt);
    } finally {
      if (generation === this.#generation) this.#move("extensions done");
    }
  }

  /** Processes of the present generation broke. */
  #onFault(fault: Fault, by: "runtime" | "extension"): void {
    const { clock, policy } = this.options;
    if (this.#state === "booting") {
      // Init has ended well, which `#boot` has yet to notice: the fault comes after that.
      void this.#booted.then(() => this.#onFault(fault, by));
      return;
    }
    const served = [...this.#running].filter(({ isDispatched }) => isDispatched);
    if (served.length > 0) {
      for (const running of served) running.fail(fault);
    } else if (this.#state === "serving" || this.#state === "starting") {
      for (const { invocation } of this.#running) invocation.fail(fault);
    } else if (by === "extension" || clock.now() < this.#aftermathUntil) {
      this.#move("processes useless", "failure");
    } else if (next(this.#state, "runtime crashed", policy)) {
      this.options.onIdleFault(fault);
      // Where the policy replaces the processes at once, the reset clears it again.
      this.#failure = { kind: "fault", fault };
      this.#move("runtime crashed");
    } else {
      log.info(`more processes ended while nobody was served: ${fault.reason}`);
    }
  }

  get #isStopping(): boolean {
    return this.#state === "stopping" || this.#state === "stopped";
  }

  /** Moves on, with all that belongs to it. @returns whether the event means anything in the present state */
  #move(event: Event, reason: ShutdownReason = "failure"): boolean {
    const before = this.#state;
    const after = next(before, event, this.options.policy);
    if (after === undefined) return false;
    this.#state = after;
    const isEnding = after === "resetting" || after === "stopping";
    if (isEnding && before !== "resetting") this.#startReset(reason);
    if (after === "stopping") this.#isEndingByItself = event !== "stop";
    if (after === "stopped" && this.#isEndingByItself) this.options.onEnd?.();
    this.#reloadIfDue();
    this.#takeNext();
    return true;
  }

  #takeNext(): void {
    const { policy, clock, events } = this.options;
    while (this.#running.size < policy.concurrency && takesInvocations(this.#state, policy)) {
      const invocation = this.#queue.shift();
      if (!invocation) return;
      const running = new Running(invocation, clock, events);
      this.#running.add(running);
      void serve(running, this.#stage, this.options);
    }
  }

  #reloadIfDue(): void {
    if (!this.#isReloadDue || this.#running.size > 0) return;
    if (this.#state === "cold") {
      log.info("the function's code changed: its processes are replaced");
      void this.#boot();
    } else {
      this.#move("code changed", "spindown");
    }
  }

  /** Starts the processes, outside of any invocation. */
  async #boot(): Promise<InitOutcome> {
    this.#startFresh("init", this.options.policy.initLimitMs);
    const booted = this.#generation.initialized.then((outcome) => this.#onBooted(outcome));
    this.#booted = booted;
    this.#move("boot");
    return await booted;
  }

  #onBooted(outcome: InitOutcome): InitOutcome {
    if (outcome.kind === "ready") {
      // So that there is a figure for a runtime that dies in its first invocation.
      this.options.memory.sample();
      this.#move("initialized");
    } else if (outcome.kind !== "cancelled") {
      this.#failure = outcome;
      this.#move(outcome.kind === "overdue" ? "init overdue" : "init failed", reasonOf(outcome));
    }
    return outcome;
  }

  #startFresh(phase: "init" | "invoke", limitMs?: number): void {
    if (this.#generation.isStarted) this.#generation = this.#newGeneration();
    // They have the code that is there now.
    this.#isReloadDue = false;
    this.#generation.start(phase, limitMs);
  }

  #newGeneration(): Generation {
    const { plan, policy, clock, launch, events, memory } = this.options;
    const generation: Generation = new Generation({
      plan,
      policy,
      clock,
      launch,
      events,
      onLaunch: (pid) => memory.watch(pid),
      onFault: (fault, by) => {
        if (generation === this.#generation) this.#onFault(fault, by);
      },
    });
    return generation;
  }

  /** Ends this generation's processes; the next invocation starts new ones. `/tmp` stays as it is. */
  #startReset(reason: ShutdownReason): void {
    const generation = this.#generation;
    this.#failure = undefined;
    generation.beginEnd(reason);
    // Nobody is left to answer those that were handed over: without this they would wait for their timeout.
    for (const { invocation, isDispatched } of this.#running) if (isDispatched) invocation.end({ kind: "stopped" });
    this.#reset = Promise.resolve()
      .then(() => this.#endProcesses(generation, reason))
      .catch((error) => log.error("reset failed:", error))
      .then(() => void this.#move("ended"));
  }

  async #endProcesses(generation: Generation, reason: ShutdownReason): Promise<void> {
    const { clock, endAll, events } = this.options;
    try {
      await generation.end(reason).catch((error) => log.error("processes were not ended in their order:", error));
      await endAll(shutdownMs);
      if (!(await settlesWithin(clock, shutdownMs, generation.exited))) {
        log.warn("the exit of a process was not noticed within the budget of a reset; going on without it");
      }
      await generation.drain();
    } finally {
      generation.dispose();
      events.processesEnded();
    }
  }
}

function reasonOf(outcome: InitOutcome): ShutdownReason {
  return outcome.kind === "overdue" ? "timeout" : "failure";
}
