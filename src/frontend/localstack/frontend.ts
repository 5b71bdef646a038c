/** LocalStack's side of init: takes its invocations in turn and tells it what became of them. */

import { type Clock, settlesWithin, sleep } from "../../clock.ts";
import type { InitOutcome } from "../../environment/generation.ts";
import type { Invocation, InvokeRequest, Settlement } from "../../environment/invocation.ts";
import { type Fault, faultBody, messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { release } from "../../net/buffers.ts";
import type { Callbacks } from "./callbacks.ts";
import { withRequestId } from "./request-id.ts";
import { newFaultBody, toResult } from "./results.ts";

/** How an invocation ended. */
export type InvokeResult = Pick<Settlement, "outcome" | "faultAfterAnswer">;

/** The part of the environment a front end uses. */
export interface InvocableEnvironment {
  readonly runtimeExited: Promise<unknown>;
  init(): Promise<InitOutcome>;
  invoke(request: InvokeRequest): Pick<Invocation, "settled">;
  stop(): Promise<void>;
}

export interface LocalStackFrontendOptions {
  readonly environment: InvocableEnvironment;
  readonly callbacks: Callbacks;
  readonly clock: Clock;
  /** Empties the log buffer. */
  readonly takeLogs: () => string;
  readonly maxPayloadBytes: number;
  /** Milliseconds between an invocation's end and its callbacks; for debugging. */
  readonly postInvokeWaitMs: number;
}

/**
 * LocalStack posts an invocation again when the connection broke before it read our answer. It gives up after 2.5 s,
 * but its own retries of failed asynchronous invocations, which are to run, carry the same id and come a second or
 * more after the result.
 */
const duplicateWindowMs = 1000;

/** Milliseconds a runtime that reported an init error has to end by itself, with whatever it still has to say. */
const lastWordsMs = 500;

/**
 * Milliseconds the processes have to end and the callbacks under way to finish when init is stopped. LocalStack kills the
 * container 5 seconds after it asked it to stop.
 */
const farewellBudgetMs = 4500;

export class LocalStackFrontend {
  /** Invocations run one after another, in the order they came. */
  #turn: Promise<void> = Promise.resolve();
  /** Callbacks go out in the order of what they tell, without holding up the next invocation. */
  #told: Promise<unknown> = Promise.resolve();
  /** Ids taken lately, oldest first, with the time each one's run ended (infinite while it has not). */
  readonly #recentIds = new Map<string, number>();
  readonly #booted = Promise.withResolvers<InitOutcome>();
  #bootTold: Promise<void> = Promise.resolve();
  #hasFailed = false;
  #isStopping = false;

  constructor(private readonly options: LocalStackFrontendOptions) {}

  /**
   * The boot's init phase, told to LocalStack: exactly one `ready`, or exactly one `error`.
   */
  async start(): Promise<void> {
    const outcome = await this.options.environment.init();
    if (!this.#isStopping) {
      this.#hasFailed = outcome.kind === "init error" || outcome.kind === "fault";
      this.#bootTold = this.#tellBoot(outcome);
      await this.#bootTold;
    }
    this.#booted.resolve(outcome);
  }

  /** Whether init failed: no invocation can be served, and the process has to end. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Init cannot serve, for a reason of its own: LocalStack is told that, whatever the runtime comes to. */
  async fail(fault: Fault): Promise<void> {
    this.#isStopping = true;
    this.#hasFailed = true;
    await this.options.callbacks.statusError(await newFaultBody(fault));
  }

  async #tellBoot(outcome: InitOutcome): Promise<void> {
    const { callbacks, clock, environment } = this.options;
    if (outcome.kind === "ready") await callbacks.ready();
    else if (outcome.kind === "fault") await callbacks.statusError(await newFaultBody(outcome.fault));
    else if (outcome.kind === "init error") {
      await callbacks.statusError(withRequestId(outcome.body, ""));
      await settlesWithin(clock, lastWordsMs, environment.runtimeExited);
    }
  }

  /**
   * Takes an invocation over; it runs when those before it have ended. One that is running, waiting or has just ended
   * is not run again.
   * @returns `false` when init is stopping
   */
  accept(request: InvokeRequest): boolean {
    if (this.#isStopping) return false;
    if (this.#isDuplicate(request.requestId)) {
      log.info(`invocation ${request.requestId} came twice and runs once`);
      return true;
    }
    this.#recentIds.set(request.requestId, Number.POSITIVE_INFINITY);
    this.#turn = this.#turn.then(() => this.#run(request));
    return true;
  }

  /** The runtime ended although no invocation was running: told at once, with an id of its own. */
  reportIdleFault(fault: Fault): void {
    this.#tell(async () => this.options.callbacks.statusError(await newFaultBody(fault)));
  }

  /** Ends everything; what LocalStack is being told is told to the end, within a bound. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const { environment, clock } = this.options;
    const everythingEnded = environment.stop();
    const everythingTold = this.#bootTold.then(() => this.#turn).then(() => this.#told);
    if (!(await settlesWithin(clock, farewellBudgetMs, Promise.all([everythingEnded, everythingTold])))) {
      log.error(`not everything was ended and told within ${farewellBudgetMs} ms: the last callbacks may be lost`);
    }
  }

  async #run(request: InvokeRequest): Promise<void> {
    const { requestId } = request;
    try {
      const result = await this.options.environment.invoke(request).settled;
      const logs = this.options.takeLogs();
      this.#tell(() => this.#deliver(requestId, result, logs));
    } catch (error) {
      log.error(`invocation ${requestId} failed inside init, please report this:`, error);
      const fault: Fault = { type: "Sandbox.Failure", reason: messageOf(error) };
      this.#tell(() => this.#deliver(requestId, { outcome: { kind: "fault", fault } }, this.options.takeLogs()));
    }
    this.#recentIds.set(requestId, this.options.clock.now());
  }

  /** Logs before the result: LocalStack reads them at the moment the result arrives. */
  async #deliver(requestId: string, result: InvokeResult, logs: string): Promise<void> {
    const { callbacks, clock, maxPayloadBytes, postInvokeWaitMs } = this.options;
    if (postInvokeWaitMs > 0) await sleep(clock, postInvokeWaitMs);
    const status = await this.#statusOf(requestId, result);
    if (status !== undefined) await callbacks.statusError(status);
    const told = toResult(result.outcome, requestId, maxPayloadBytes);
    await callbacks.invocation(requestId, logs, told);
    if (told && typeof told.body !== "string") release(told.body);
  }

  /**
   * What goes to `status/error` besides the invocation's own result (`docs/contract/decisions.md 4`): an end of the
   * runtime, and an error of an init that ran inside the invocation. A failed boot has had its one error status already.
   */
  async #statusOf(requestId: string, result: InvokeResult): Promise<Uint8Array | string | undefined> {
    const { outcome, faultAfterAnswer } = result;
    const fault = outcome.kind === "fault" ? outcome.fault : faultAfterAnswer;
    const isRuntimeEnd = fault?.type === "Runtime.ExitError";
    if (!isRuntimeEnd && outcome.kind !== "init error") return undefined;
    const boot = await this.#booted.promise;
    if (boot.kind === "fault" || boot.kind === "init error") return undefined;
    return outcome.kind === "init error"
      ? withRequestId(outcome.body, requestId)
      : faultBody(fault as Fault, requestId);
  }

  #tell(send: () => Promise<unknown>): void {
    this.#told = this.#told
      .then(send)
      .catch((error) => log.error("a callback failed inside init, please report this:", error));
  }

  #isDuplicate(requestId: string): boolean {
    const now = this.options.clock.now();
    for (const [id, endedAt] of this.#recentIds) {
      if (now - endedAt < duplicateWindowMs) break;
      this.#recentIds.delete(id);
    }
    return this.#recentIds.has(requestId);
  }
}
