/**
 * The lifecycle of an execution environment: init, then one invocation after another, resets between them where
 * processes failed, and the shutdown. It knows no HTTP and no LocalStack.
 */
import { type Clock, settlesWithin } from "../clock.ts";
import { type Fault, messageOf, timeoutFault } from "../errors.ts";
import { log } from "../log.ts";
import type { Launch } from "../process/launch.ts";
import { type Bootstrap, Generation, type InitOutcome } from "./generation.ts";
import { Invocation, type InvokeRequest, type Outcome, type Settlement } from "./invocation.ts";

/** Milliseconds a reset or the shutdown may take to end all processes: AWS's budget with extensions, the longest. */
const resetBudgetMs = 2000;

/** How often the memory of a running function is looked at, milliseconds; its end is always looked at. */
const memorySampleEveryMs = 100;

export interface SandboxOptions {
  readonly bootstrap: Bootstrap;
  /** The runtime's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly launch: Launch;
  /** Ends every process below init, also what left its group; resolves within the budget. */
  readonly endAll: (budgetMs: number) => Promise<unknown>;
  /** The peak memory so far, MB. */
  readonly memory: { sample(): number; watch(pid: number): void };
  readonly events: SandboxEvents;
}

/** What the sandbox tells while it happens. */
export interface SandboxEvents {
  /** A receiver for one output stream of one process. */
  receiveOutput(): (chunk: Uint8Array) => void;
  invocationStarted(requestId: string): void;
  invocationEnded(report: InvocationReport): void;
  /** The runtime ended between two invocations. */
  runtimeEndedIdle(fault: Fault): void;
}

/** The figures of one invocation. */
export interface InvocationReport {
  readonly requestId: string;
  /** Milliseconds, at most the function's timeout. */
  readonly durationMs: number;
  /** MB. */
  readonly maxMemoryMb: number;
  /** Milliseconds; only on the environment's first invocation. */
  readonly initDurationMs: number | undefined;
  readonly isTimeout: boolean;
}

export interface InvokeResult {
  readonly outcome: Outcome;
  readonly faultAfterAnswer?: Fault;
}

export class Sandbox {
  #generation: Generation;
  #running: Invocation | undefined;
  /** A crash between two invocations: AWS lets the next invocation fail with it. */
  #idleFault: Fault | undefined;
  /** The reset under way, if any: the next invocation waits for it. */
  #reset: Promise<void> = Promise.resolve();
  #isResetDue = false;
  #isStopped = false;
  #initDurationMs: number | undefined;

  constructor(private readonly options: SandboxOptions) {
    this.#generation = this.#newGeneration();
  }

  /** The runtime that may call the Runtime API now. */
  get runtime(): Generation["runtime"] {
    return this.#generation.runtime;
  }

  /** Resolves when the present runtime has ended. */
  get runtimeExited(): Promise<unknown> {
    return this.#generation.exited;
  }

  /** The boot's init phase: starts the processes and waits for the runtime's first poll, or for what prevented it. */
  async init(): Promise<InitOutcome> {
    if (this.#isStopped) return { kind: "cancelled" };
    const { clock, memory } = this.options;
    const startedAt = clock.now();
    this.#generation.start();
    const outcome = await this.#generation.initialized;
    if (outcome.kind === "ready") {
      this.#initDurationMs = clock.now() - startedAt;
      // So that a runtime that dies in its first invocation does not go down as one that used nothing.
      memory.sample();
    }
    return outcome;
  }

  /**
   * Runs one invocation to its end. The caller asks for one at a time; it may ask before init has ended.
   *
   * The function's timeout counts from here: waiting for init, and an init that runs inside the invocation because the
   * last processes failed, are part of it, as they are on AWS.
   */
  async invoke(request: InvokeRequest): Promise<InvokeResult> {
    await this.#reset;
    const { clock, timeoutSeconds, memory, events } = this.options;
    const timeoutMs = timeoutSeconds * 1000;
    const startedAt = clock.now();
    const invocation = new Invocation(request, clock.epoch() + timeoutMs);
    await this.#generation.drain(); // What came late belongs before START.
    events.invocationStarted(request.requestId);

    this.#running = invocation;
    const stopTimer = clock.after(timeoutMs, () =>
      invocation.end({ kind: "timeout", fault: timeoutFault(timeoutSeconds) }),
    );
    const stopSampling = every(clock, memorySampleEveryMs, () => memory.sample());
    this.#serve(invocation).catch((error) => {
      log.error("serving an invocation failed inside init, please report this:", error);
      invocation.fail({ type: "Sandbox.Failure", reason: messageOf(error) });
    });
    const settlement = await invocation.settled;
    stopTimer();
    stopSampling();
    this.#running = undefined;

    // Measured before processes are killed: the dead have no memory to look at.
    const maxMemoryMb = memory.sample();
    const durationMs = Math.min(clock.now() - startedAt, timeoutMs);
    if (!settlement.isRuntimeReady) this.#generation.kill();
    await this.#generation.drain();
    const isTimeout = settlement.outcome.kind === "timeout";
    events.invocationEnded({
      requestId: request.requestId,
      durationMs: isTimeout ? timeoutMs : durationMs,
      maxMemoryMb,
      initDurationMs: request.isInitRetry ? undefined : this.#initDurationMs,
      isTimeout,
    });
    this.#initDurationMs = undefined;
    if (!settlement.isRuntimeReady) this.#startReset();
    return toResult(settlement);
  }

  /** Ends a running invocation and all processes. Nothing starts afterwards. */
  async shutdown(): Promise<void> {
    this.#isStopped = true;
    this.#running?.end({ kind: "stopped" });
    this.#startReset();
    await this.#reset;
  }

  /** Brings the invocation to a runtime that polls, or settles it with what prevented that. */
  async #serve(invocation: Invocation): Promise<void> {
    if (this.#idleFault) return invocation.fail(this.#idleFault);
    if (this.#isStopped) return invocation.end({ kind: "stopped" });
    if (this.#isResetDue) {
      this.#isResetDue = false;
      this.#generation = this.#newGeneration();
      this.#generation.start();
    }
    const generation = this.#generation;
    if (!generation.isInitialized) {
      const outcome = await generation.initialized;
      if (outcome.kind === "fault") return invocation.fail(outcome.fault);
      if (outcome.kind === "init error") return invocation.end(outcome);
      if (outcome.kind === "cancelled") return invocation.end({ kind: "stopped" });
    }
    if (invocation.isWaiting) generation.runtime.dispatch(invocation);
  }

  #newGeneration(): Generation {
    const { bootstrap, env, launch, events, memory } = this.options;
    return new Generation({
      bootstrap,
      env,
      launch,
      receiveOutput: () => events.receiveOutput(),
      onLaunch: (pid) => memory.watch(pid),
      onFault: (fault) => this.#onRuntimeFault(fault),
    });
  }

  #onRuntimeFault(fault: Fault): void {
    if (this.#running) {
      this.#running.fail(fault);
    } else {
      this.#idleFault = fault;
      this.options.events.runtimeEndedIdle(fault);
    }
  }

  /** Ends this generation's processes; the next invocation starts new ones. `/tmp` is nobody's business here. */
  #startReset(): void {
    const generation = this.#generation;
    this.#idleFault = undefined;
    this.#isResetDue = true;
    generation.kill();
    this.#reset = this.#reset
      .then(() => this.#endProcesses(generation))
      .catch((error) => log.error("reset failed:", error));
  }

  async #endProcesses(generation: Generation): Promise<void> {
    try {
      await this.options.endAll(resetBudgetMs);
      if (!(await settlesWithin(this.options.clock, resetBudgetMs, generation.exited))) {
        log.warn("the runtime's exit was not noticed within the budget of a reset; going on without it");
      }
      await generation.drain();
    } finally {
      generation.dispose();
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
