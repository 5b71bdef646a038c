/** LocalStack's side of init: takes its invocations and tells it what became of them, and of init. */

import { type Clock, settlesWithin, sleep } from "../../clock.ts";
import type { InitOutcome } from "../../environment/init-outcome.ts";
import type { Invocation, InvokeRequest, Settlement } from "../../environment/invocation.ts";
import { type Fault, faultBody, messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { release } from "../../net/buffers.ts";
import type { Callbacks, LogPieces } from "./callbacks.ts";
import { RecentInvocations } from "./recent-invocations.ts";
import { withRequestId } from "./request-id.ts";
import { failureInside, newFaultBody, toResult } from "./results.ts";
import { type FailureProtocol, toStartStatus } from "./start-status.ts";

/** The part of the environment a front end uses. */
export interface InvocableEnvironment {
  readonly runtimeExited: Promise<unknown>;
  /** Waits its turn inside; several may be under way. */
  invoke(request: InvokeRequest): Pick<Invocation, "settled">;
  stop(): Promise<void>;
}

export interface LocalStackFrontendOptions extends FailureProtocol {
  readonly environment: InvocableEnvironment;
  readonly callbacks: Pick<Callbacks, "ready" | "startError" | "statusError" | "invocation" | "idle">;
  readonly clock: Clock;
  /** The log text of an invocation, once it is settled. */
  readonly takeLogs: (requestId: string) => LogPieces;
  /** Resolves when all the function may use is there; bounded, and never rejects. */
  readonly beforeReady?: () => Promise<unknown>;
  readonly maxPayloadBytes: number;
  /** Milliseconds between an invocation's end and its callbacks; for debugging. */
  readonly postInvokeWaitMs: number;
}

/** Milliseconds a runtime that reported an init error has to end by itself, with whatever it still has to say. */
const lastWordsMs = 500;

/**
 * Milliseconds the processes have to end and the callbacks under way to finish when init is stopped. LocalStack kills
 * the container 5 seconds after it asked it to stop.
 */
export const stopBudgetMs = 4500;

/**
 * How far the start has come. `failed`: LocalStack knows why. `unreachable`: it could not be told anything, and will
 * never send an invocation.
 */
export type StartState = "starting" | "serving" | "failed" | "unreachable";

export class LocalStackFrontend {
  readonly #recent: RecentInvocations;
  /** Invocations that have not been handed to the callbacks. */
  readonly #underWay = new Set<Promise<void>>();
  /** Resolves when the start's status has been handed to the callbacks, or never will be: nothing is told before it. */
  readonly #startTold = Promise.withResolvers<void>();
  /** Everything is handed to the callbacks in this order. */
  #order: Promise<unknown> = this.#startTold.promise;
  /** One and the same fault is told by a status error once. */
  readonly #toldFaults = new WeakSet<Fault>();
  #start: StartState = "starting";
  #started: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(private readonly options: LocalStackFrontendOptions) {
    this.#recent = new RecentInvocations(options.clock);
  }

  get startState(): StartState {
    return this.#start;
  }

  /**
   * The first init, told to LocalStack: exactly one `ready`, or exactly one `error`. Never rejects.
   * @param initialized how it ends; it may be under way
   */
  start(initialized: Promise<InitOutcome>): Promise<void> {
    this.#started = this.#tellStart(initialized.catch(failedInit));
    return this.#started;
  }

  async #tellStart(initialized: Promise<InitOutcome>): Promise<void> {
    const { environment, callbacks, clock } = this.options;
    const outcome = await initialized;
    const status = await toStartStatus(outcome, this.options).catch(failedStatus);
    if (!status) await this.options.beforeReady?.();
    const wasCalledOff = this.#isStopping && (!status || outcome.kind === "cancelled");
    if (this.#start !== "starting" || wasCalledOff) return;
    if (status) this.#start = "failed";
    const telling = status ? callbacks.startError(status.body) : callbacks.ready();
    this.#startTold.resolve();
    if ((await telling) === "unreachable") this.#start = "unreachable";
    else if (!status) this.#start = "serving";
    if (outcome.kind === "init error" && status) await settlesWithin(clock, lastWordsMs, environment.runtimeExited);
  }

  /** Init cannot serve, for a reason of its own: LocalStack is told that, whatever the runtime comes to. */
  async fail(fault: Fault): Promise<void> {
    this.#isStopping = true;
    this.#start = "failed";
    const telling = this.options.callbacks.startError(await newFaultBody(fault));
    this.#startTold.resolve();
    if ((await telling) === "unreachable") this.#start = "unreachable";
  }

  /**
   * Takes an invocation over. One that is running, waiting or has just ended is not run again.
   * @returns `false` when init takes none any more
   */
  accept(request: InvokeRequest): boolean {
    if (this.#isStopping || this.#start === "failed" || this.#start === "unreachable") return false;
    if (!this.#recent.begin(request.requestId)) {
      log.info(`invocation ${request.requestId} came twice and runs once`);
      return true;
    }
    const running = this.#run(request).finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
    return true;
  }

  /** The runtime ended although no invocation was running: told at once, with an id of its own. */
  reportIdleFault(fault: Fault): void {
    if (this.options.initFailure === "invoke") return;
    this.#toldFaults.add(fault);
    this.#tell(async () => void this.options.callbacks.statusError(await newFaultBody(fault)));
  }

  /** Ends everything; what LocalStack is being told is told to the end, within a bound. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#startTold.resolve();
    const { environment, clock } = this.options;
    const everything = Promise.allSettled([environment.stop(), this.#toldEverything()]);
    if (!(await settlesWithin(clock, stopBudgetMs, everything))) {
      log.error(`not everything was ended and told within ${stopBudgetMs} ms: the last callbacks may be lost`);
    }
  }

  async #toldEverything(): Promise<void> {
    await this.#started;
    await Promise.all(this.#underWay);
    await this.#order;
    await this.options.callbacks.idle;
  }

  async #run(request: InvokeRequest): Promise<void> {
    const { requestId } = request;
    const { environment, clock, takeLogs, postInvokeWaitMs } = this.options;
    let settlement: Pick<Settlement, "outcome" | "faultAfterAnswer">;
    try {
      settlement = await environment.invoke(request).settled;
    } catch (error) {
      log.error(`invocation ${requestId} failed inside init, please report this:`, error);
      settlement = { outcome: { kind: "fault", fault: { type: "Sandbox.Failure", reason: messageOf(error) } } };
    }
    this.#recent.end(requestId);
    const logs = orElse(() => takeLogs(requestId), "the log of an invocation", lostLog);
    if (postInvokeWaitMs > 0) await sleep(clock, postInvokeWaitMs);
    this.#tell(() => this.#tellInvocation(requestId, settlement, logs));
  }

  #tellInvocation(
    requestId: string,
    settlement: Pick<Settlement, "outcome" | "faultAfterAnswer">,
    logs: LogPieces,
  ): void {
    const { callbacks, maxPayloadBytes } = this.options;
    const status = orElse(() => this.#statusOf(requestId, settlement), "a status error", undefined);
    if (status !== undefined) void callbacks.statusError(status);
    const result = toResult(settlement.outcome, requestId, maxPayloadBytes);
    const { body } = result;
    const told = callbacks.invocation(requestId, logs, result);
    void told.then(() => {
      logs.release?.();
      if (typeof body !== "string") release(body);
    });
  }

  /**
   * What goes to `status/error` besides the invocation's own result (`docs/contract/decisions.md 4`): an end of the
   * runtime, and an error of an init that ran inside the invocation. A failed start has had its one error status
   * already.
   */
  #statusOf(
    requestId: string,
    { outcome, faultAfterAnswer }: Pick<Settlement, "outcome" | "faultAfterAnswer">,
  ): Uint8Array | string | undefined {
    if (this.options.initFailure === "invoke" || this.#start === "failed") return undefined;
    if (outcome.kind === "init error") return withRequestId(outcome.body, requestId);
    const fault = outcome.kind === "fault" ? outcome.fault : faultAfterAnswer;
    if (fault?.type !== "Runtime.ExitError" || this.#toldFaults.has(fault)) return undefined;
    this.#toldFaults.add(fault);
    return faultBody(fault, requestId);
  }

  /** Hands something to the callbacks, behind all that was to be told before. */
  #tell(hand: () => void | Promise<void>): void {
    this.#order = this.#order
      .then(hand)
      .catch((error) => log.error("a callback failed inside init, please report this:", error));
  }
}

/** Nothing that goes wrong in one telling may keep LocalStack from the next one. */
function orElse<T>(make: () => T, what: string, otherwise: T): T {
  try {
    return make();
  } catch (error) {
    failureInside(what, error);
    return otherwise;
  }
}

const lostLogText = "The log of this invocation was lost by a fault inside init.\\n";
const lostLog: LogPieces = { pieces: [new TextEncoder().encode(lostLogText)] };

function failedInit(error: unknown): InitOutcome {
  return { kind: "fault", fault: failureInside("how init ended", error) };
}

async function failedStatus(error: unknown) {
  return { body: await newFaultBody(failureInside("how init ended", error)) };
}
