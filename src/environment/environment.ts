/**
 * The lifecycle of an execution environment: init, then one invocation after another, resets between them where
 * processes failed, and the shutdown. It knows no HTTP and no LocalStack.
 */
import { type Clock, settlesWithin } from "../clock.ts";
import { type Fault, messageOf, timeoutFault } from "../errors.ts";
import { log } from "../log.ts";
import type { Launch } from "../process/launch.ts";
import type { EnvironmentEvents, InitPhase } from "../telemetry/events.ts";
import type { ShutdownReason } from "./extensions/extension.ts";
import { Generation, type InitOutcome } from "./generation.ts";
import { Invocation, type InvokeRequest, type Outcome, type Settlement } from "./invocation.ts";
import type { ProcessPlan } from "./processes.ts";
import { reportOn } from "./report.ts";

/** Milliseconds a reset or the shutdown may take to end what the processes left behind. */
const resetBudgetMs = 2000;

/** How often the memory of a running function is looked at, milliseconds; its end is always looked at. */
const memorySampleEveryMs = 100;

export interface EnvironmentOptions {
  readonly plan: ProcessPlan;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly launch: Launch;
  /** Ends every process below init, also what left its group; resolves within the budget. */
  readonly endAll: (budgetMs: number) => Promise<unknown>;
  /** The peak memory so far, MB. */
  readonly memory: { sample(): number; watch(pid: number): void };
  readonly events: EnvironmentEvents;
  /** The runtime ended between two invocations. */
  readonly onIdleFault: (fault: Fault) => void;
}

export interface InvokeResult {
  readonly outcome: Outcome;
  readonly faultAfterAnswer?: Fault;
}

/** An invocation under way. */
interface Running {
  readonly invocation: Invocation;
  /** Tells that it began, once, however often it is called. */
  readonly announce: () => void;
  /** Whether its processes have got it: what breaks before is not its fault. */
  isDispatched: boolean;
}

export class Environment {
  #generation: Generation;
  #running: Running | undefined;
  /** A crash of the runtime between two invocations: AWS lets the next invocation fail with it. */
  #idleFault: Fault | undefined;
  /** The reset under way, if any: the next invocation waits for it. */
  #reset: Promise<void> = Promise.resolve();
  #isResetDue = false;
  /** The code changed while processes were busy with the old one. */
  #isReloadDue = false;
  #isBooting = false;
  #isStopped = false;
  #hasInitFailed = false;
  #initDurationMs: number | undefined;

  constructor(private readonly options: EnvironmentOptions) {
    this.#generation = this.#newGeneration();
  }

  /** The runtime that may call the Runtime API now. */
  get runtime(): Generation["runtime"] {
    return this.#generation.runtime;
  }

  /** The extensions that may call the Extensions API now. */
  get extensions(): Generation["extensions"] {
    return this.#generation.extensions;
  }

  /** Resolves when the present runtime has ended. */
  get runtimeExited(): Promise<unknown> {
    return this.#generation.runtimeExited;
  }

  /** The boot's init phase: starts the processes and waits until all of them poll, or for what prevented it. */
  async init(): Promise<InitOutcome> {
    if (this.#isStopped) return { kind: "cancelled" };
    const { clock, memory } = this.options;
    const startedAt = clock.now();
    this.#isBooting = true;
    this.#generation.start("init");
    const outcome = await this.#generation.initialized;
    this.#isBooting = false;
    this.#hasInitFailed = outcome.kind !== "ready" && outcome.kind !== "cancelled";
    if (outcome.kind === "ready") {
      this.#initDurationMs = clock.now() - startedAt;
      // So that a runtime that dies in its first invocation does not go down as one that used nothing.
      memory.sample();
      this.#reloadIfDue();
    }
    return outcome;
  }

  /**
   * Runs one invocation to its end: until the runtime has answered and polled again. Extensions may still be at work
   * then; the next invocation waits for them. The caller asks for one at a time; it may ask before init has ended.
   *
   * The function's timeout counts from here: waiting for init, for extensions, and an init that runs inside the
   * invocation because the last processes failed, are part of it, as they are on AWS.
   */
  async invoke(request: InvokeRequest): Promise<InvokeResult> {
    // Another may begin while one is waited for.
    for (let reset: unknown; reset !== this.#reset; ) {
      reset = this.#reset;
      await reset;
    }
    const { clock, timeoutSeconds, memory, events } = this.options;
    const timeoutMs = timeoutSeconds * 1000;
    const startedAt = clock.now();
    const invocation = new Invocation(request, clock.epoch() + timeoutMs, () => clock.now());
    let isAnnounced = false;
    const running: Running = {
      invocation,
      isDispatched: false,
      announce() {
        if (!isAnnounced) events.invocationStarted(request);
        isAnnounced = true;
      },
    };
    this.#running = running;
    let hasTimedOut = false;
    const stopTimer = clock.after(timeoutMs, () => {
      hasTimedOut = true;
      const waitsFor = running.isDispatched ? undefined : this.#generation.waitsFor;
      invocation.end({ kind: "timeout", fault: timeoutFault(timeoutSeconds, waitsFor) });
    });
    const stopSampling = every(clock, memorySampleEveryMs, () => memory.sample());
    this.#serve(running).catch((error) => {
      log.error("serving an invocation failed inside init, please report this:", error);
      invocation.fail({ type: "Sandbox.Failure", reason: messageOf(error) });
    });
    const settlement = await invocation.settled;
    stopTimer();
    stopSampling();
    this.#running = undefined;

    running.announce();
    if (!running.isDispatched) events.invocationDispatched(request);
    // Measured before processes are killed: the dead have no memory to look at.
    const maxMemoryMb = memory.sample();
    const durationMs = Math.min(clock.now() - startedAt, timeoutMs);
    const reason = hasTimedOut ? "timeout" : this.#isStopped ? "spindown" : "failure";
    if (!settlement.isRuntimeReady) this.#generation.beginEnd(reason);
    await this.#generation.drain();
    events.invocationEnded(
      reportOn(invocation, settlement, {
        clock,
        durationMs: hasTimedOut ? timeoutMs : durationMs,
        maxMemoryMb,
        initDurationMs: request.isInitRetry ? undefined : this.#initDurationMs,
      }),
    );
    this.#initDurationMs = undefined;
    if (!settlement.isRuntimeReady) this.#startReset(reason);
    this.#reloadIfDue();
    return toResult(settlement);
  }

  /**
   * The code changed: fresh processes take the place of the present ones, as soon as no invocation runs on these and
   * before the next one asks. If they cannot start, the next invocation fails with the reason.
   */
  reload(): void {
    this.#isReloadDue = true;
    if (!this.#isBooting && !this.#running) this.#reloadIfDue();
  }

  /** Ends a running invocation and all processes. Nothing starts afterwards. */
  async shutdown(): Promise<void> {
    this.#isStopped = true;
    this.#running?.invocation.end({ kind: "stopped" });
    this.#startReset(this.#hasInitFailed ? "failure" : "spindown");
    await this.#reset;
  }

  /** Brings the invocation to processes that poll, or settles it with what prevented that. */
  async #serve(running: Running): Promise<void> {
    const { invocation } = running;
    const { events } = this.options;
    if (this.#idleFault) return invocation.fail(this.#idleFault);
    if (this.#isStopped) return invocation.end({ kind: "stopped" });
    // What extensions still do and write is the last invocation's; they may break over it.
    while (!this.#isResetDue && this.#generation.isInitialized) {
      await this.#generation.settled();
      if (!this.#isResetDue) await this.#generation.drain();
      if (!this.#generation.isBusy || !invocation.isWaiting) break;
    }
    // One may have begun at any moment of that: nothing starts beside processes that are being ended.
    for (let reset: unknown; reset !== this.#reset; ) {
      reset = this.#reset;
      await reset;
    }
    if (!invocation.isWaiting) return;
    running.announce();
    if (this.#isResetDue) this.#startFresh("invoke");
    const generation = this.#generation;
    if (!generation.isInitialized) {
      const outcome = await generation.initialized;
      if (outcome.kind === "fault") return invocation.fail(outcome.fault);
      if (outcome.kind === "init error") return invocation.end(outcome);
      if (outcome.kind === "cancelled") return invocation.end({ kind: "stopped" });
    }
    if (!invocation.isWaiting) return;
    running.isDispatched = true;
    events.invocationDispatched(invocation.request);
    generation.dispatch(invocation);
  }

  /** Starts new processes in the place of those a reset has ended. */
  #startFresh(phase: InitPhase): void {
    this.#isResetDue = false;
    this.#generation = this.#newGeneration();
    this.#generation.start(phase);
  }

  #reloadIfDue(): void {
    if (!this.#isReloadDue || this.#isStopped) return;
    this.#isReloadDue = false;
    log.info("the function's code changed: its processes are replaced");
    if (!this.#isResetDue) this.#startReset("spindown");
    this.#reset = this.#reset.then(() => {
      if (this.#isResetDue && !this.#isStopped) this.#startFresh("init");
    });
  }

  #newGeneration(): Generation {
    const { plan, clock, launch, events, memory } = this.options;
    return new Generation({
      plan,
      clock,
      launch,
      events,
      onLaunch: (pid) => memory.watch(pid),
      onFault: (fault, by) => this.#onFault(fault, by),
    });
  }

  /** Processes of the present generation broke. */
  #onFault(fault: Fault, by: "runtime" | "extension"): void {
    if (this.#running?.isDispatched) {
      this.#running.invocation.fail(fault);
    } else if (this.#idleFault) {
      // The next invocation fails with what broke first.
      log.info(`more processes ended while nobody was served: ${fault.reason}`);
    } else if (by === "extension") {
      // Between two invocations: the next one gets fresh processes and has no part in it.
      this.#startReset("failure");
    } else if (this.#running) {
      this.#running.invocation.fail(fault);
    } else {
      this.#idleFault = fault;
      this.options.onIdleFault(fault);
    }
  }

  /** Ends this generation's processes; the next invocation starts new ones. `/tmp` is nobody's business here. */
  #startReset(reason: ShutdownReason): void {
    // Once for each generation, whatever else goes wrong with it meanwhile.
    if (this.#isResetDue) return;
    const generation = this.#generation;
    this.#idleFault = undefined;
    this.#isResetDue = true;
    generation.beginEnd(reason);
    this.#reset = this.#reset
      .then(() => this.#endProcesses(generation, reason))
      .catch((error) => log.error("reset failed:", error));
  }

  async #endProcesses(generation: Generation, reason: ShutdownReason): Promise<void> {
    const { clock, endAll, events } = this.options;
    try {
      await generation.end(reason);
      await endAll(resetBudgetMs);
      if (!(await settlesWithin(clock, resetBudgetMs, generation.exited))) {
        log.warn("the exit of a process was not noticed within the budget of a reset; going on without it");
      }
      await generation.drain();
    } finally {
      generation.dispose();
      events.processesEnded();
    }
  }
}

function toResult({ outcome, faultAfterAnswer }: Settlement): InvokeResult {
  return faultAfterAnswer ? { outcome, faultAfterAnswer } : { outcome };
}

/** Calls `action` every `ms` milliseconds until the returned function is called. */
function every(clock: Clock, ms: number, action: () => void): () => void {
  let callOff = clock.after(ms, function again() {
    action();
    callOff = clock.after(ms, again);
  });
  return () => callOff();
}
