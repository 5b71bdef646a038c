/** Takes calls to an environment and follows each to its end, whichever way it came in. */
import { type Clock, settlesWithin } from "../../clock.ts";
import type { Invocation, InvokeRequest, Outcome } from "../../environment/invocation.ts";
import { log } from "../../log.ts";
import { AwsError } from "./aws-errors.ts";
import { slowedDown } from "./bandwidth.ts";
import type { Capacity, Lease, LogText } from "./capacity.ts";
import { type Entry, excerptOf, type History, type Source } from "./history.ts";
import { logTail, readableLog } from "./log-tail.ts";
import { type Figures, toPhases, withExtensions } from "./phases.ts";
import { toResult } from "./results.ts";

/** What is to be invoked, and who asks. */
export interface Call extends Omit<InvokeRequest, "isInitRetry"> {
  readonly source: Source;
  /** From 1. */
  readonly attempt: number;
}

/** A call that has its answer, or the head of it. */
export interface Answered {
  readonly outcome: Outcome;
  /**
   * The end of the log, in base64: all of it where the invocation was settled in time, else what was written so far
   * (`docs/contract/emulator.md E30`).
   */
  logTail(): Promise<string>;
}

export interface InvokerOptions {
  readonly capacity: Capacity;
  readonly clock: Clock;
  /** Absent where nobody looks at it. */
  readonly history: History | undefined;
  /** Streams go at AWS's pace. */
  readonly isBandwidthLimited?: boolean;
}

/**
 * Milliseconds an answer waits for its invocation to be settled, so that REPORT is out before it: a runtime polls
 * within a millisecond or two. One that does not poll must not keep its caller waiting (`docs/contract/emulator.md
 * E30`).
 */
const settlePatienceMs = 200;

/** Bytes of a log that the history keeps. */
const shownLogBytes = 256 * 1024;

export class Invoker {
  /** Ids of the calls that are waiting, running, or have still another attempt before them. */
  readonly #ids = new Set<string>();
  #underWay = 0;
  readonly #idleListeners: (() => void)[] = [];

  constructor(private readonly options: InvokerOptions) {}

  /**
   * Reserves a request id until the returned function is called.
   * @throws {AwsError} while another call has it
   */
  reserve(requestId: string): () => void {
    const id = requestId.toLowerCase();
    if (this.#ids.has(id)) {
      throw new AwsError("InvalidParameterValueException", `The request id ${requestId} is in use by a running call`);
    }
    this.#ids.add(id);
    return () => this.#ids.delete(id);
  }

  /**
   * Runs a call whose id was reserved. It goes on when its caller has left.
   * @param onSettled called once, when nothing more can happen under this id; also if this throws
   * @throws {AwsError} if there is no environment for it
   */
  async invoke(call: Call, onSettled: () => void): Promise<Answered> {
    const { capacity, clock, history } = this.options;
    const entry = history?.add(entryOf(call));
    const calledAt = clock.now();
    this.#underWay++;
    const end = () => {
      onSettled();
      if (--this.#underWay === 0) for (const listener of this.#idleListeners.splice(0)) listener();
    };
    let lease: Lease | undefined;
    let invocation: Invocation;
    try {
      lease = await capacity.acquire();
      invocation = lease.member.environment.invoke(toRequest(call));
    } catch (error) {
      lease?.release();
      if (entry) history?.update(entry.number, { state: "done", errorType: errorNameOf(error) });
      end();
      throw error;
    }
    if (entry) {
      const waitedMs = clock.now() - calledAt;
      history?.update(entry.number, { state: "running", environment: lease.environmentNumber, waitedMs });
    }
    const logs = new TakenLogs(call.requestId, lease);
    const { release } = lease;
    const settled = invocation.settled.then(() => logs.take()).finally(release);
    const outcome = this.#paced(await invocation.answer);
    settled
      .then(
        () => entry && history?.update(entry.number, { state: "done", logs: readableLog(logs.taken, shownLogBytes) }),
      )
      .catch((error) => log.error("an invocation could not be concluded, please report this:", error))
      .finally(end);
    if (entry) history?.update(entry.number, resultOf(outcome, call.requestId));
    if (entry && outcome.kind === "stream") {
      void outcome.ended.then((end) => end && history?.update(entry.number, { errorType: end.errorType }));
    }
    const isSettledSoon = () => settlesWithin(clock, settlePatienceMs, settled);
    if (outcome.kind !== "stream") await isSettledSoon();
    return {
      outcome,
      async logTail() {
        if (!(await isSettledSoon())) logs.take();
        return logTail(logs.taken);
      },
    };
  }

  /** What an environment measured of an invocation, told before it is settled. */
  reported(figures: Figures): void {
    const { history } = this.options;
    const entry = history?.newestOf(figures.requestId);
    if (!entry) return;
    const { durationMs, maxMemoryMb, initDurationMs } = figures;
    history?.update(entry.number, {
      durationMs,
      maxMemoryMb,
      ...(initDurationMs === undefined ? {} : { initDurationMs }),
      phases: toPhases(figures, entry.acceptedAt, entry.waitedMs ?? 0),
    });
  }

  /** Extensions were at work on an invocation, after its end, for so many milliseconds. */
  extensionsFinished(requestId: string, durationMs: number): void {
    const { history } = this.options;
    const entry = history?.newestOf(requestId);
    if (entry) history?.update(entry.number, { phases: withExtensions(entry.phases ?? [], durationMs) });
  }

  #paced(outcome: Outcome): Outcome {
    const { clock, isBandwidthLimited } = this.options;
    if (outcome.kind !== "stream" || !isBandwidthLimited) return outcome;
    return { ...outcome, body: slowedDown(outcome.body, clock) };
  }

  /** Whether a call is waiting or running. */
  get isServing(): boolean {
    return this.#underWay > 0;
  }

  /** Resolves when no call is waiting or running. */
  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleListeners.push(resolve));
  }
}

/** The log of one invocation, taken in one piece or, where it lasts longer than its answer, in two. */
class TakenLogs {
  readonly taken: LogText[] = [];

  constructor(
    private readonly requestId: string,
    private readonly lease: Lease,
  ) {}

  take(): void {
    this.taken.push(this.lease.member.takeLogs(this.requestId));
  }
}

function toRequest({ source: _, attempt: __, ...request }: Call): InvokeRequest {
  return { ...request, isInitRetry: false };
}

function entryOf(call: Call): Omit<Entry, "number" | "acceptedAt" | "state"> {
  const { requestId, source, attempt, invokedFunctionArn, payload, clientContext, tenantId } = call;
  return {
    requestId,
    source,
    attempt,
    functionArn: invokedFunctionArn,
    event: excerptOf(payload),
    clientContext,
    tenantId,
  };
}

/** Streams are not kept: only how they began and ended. */
function resultOf(outcome: Outcome, requestId: string): Partial<Entry> {
  if (outcome.kind === "stream") return { contentType: outcome.contentType };
  const { body, contentType, errorType } = toResult(outcome, requestId);
  return { result: excerptOf(body), contentType, ...(errorType === undefined ? {} : { errorType }) };
}

function errorNameOf(error: unknown): string {
  return error instanceof AwsError ? error.exception : "Sandbox.Failure";
}
