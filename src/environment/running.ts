/** An invocation under way: its time, and what was told of it. */
import type { Clock } from "../clock.ts";
import { type Fault, initTimeoutFault } from "../errors.ts";
import type { EnvironmentEvents } from "../telemetry/events.ts";
import type { InitOutcome } from "./init-outcome.ts";
import type { Invocation } from "./invocation.ts";

export class Running {
  /** Whether its processes have got it: what breaks before is not its fault. */
  isDispatched = false;
  hasTimedOut = false;
  /** Whether it ended because of an init or a restore. */
  hasInitFailed = false;
  /** What the runtime ended with when it was done with this one already, and its output still on its way. */
  faultAfterwards: Fault | undefined;
  /** Milliseconds; `undefined`: there was none. */
  restoreDurationMs: number | undefined;
  #startedAt: number | undefined;
  #timeoutMs = 0;
  #callOff: (() => void) | undefined;
  #isAnnounced = false;

  constructor(
    readonly invocation: Invocation,
    private readonly clock: Clock,
    private readonly events: EnvironmentEvents,
  ) {}

  get isTimed(): boolean {
    return this.#startedAt !== undefined;
  }

  /** Its time begins. @param timeoutMs the function's timeout */
  startTime(timeoutMs: number, onTimeout: () => void): void {
    this.#timeoutMs = timeoutMs;
    this.#startedAt = this.clock.now();
    this.invocation.begin(this.clock.epoch() + timeoutMs);
    this.#callOff = this.clock.after(timeoutMs, () => {
      this.hasTimedOut = true;
      onTimeout();
    });
  }

  stopTimer(): void {
    this.#callOff?.();
  }

  /** Milliseconds since its time began, at most the timeout, which is also what a timeout took. */
  durationMs(): number {
    if (this.#startedAt === undefined) return 0;
    return this.hasTimedOut ? this.#timeoutMs : Math.min(this.clock.now() - this.#startedAt, this.#timeoutMs);
  }

  /** Tells that it began, once, however often it is called. */
  announce(): void {
    if (!this.#isAnnounced) this.events.invocationStarted(this.invocation.request);
    this.#isAnnounced = true;
  }

  /** Ends it with what an init, or a restore, came to. */
  endWithInit(outcome: InitOutcome): void {
    // One that was stopped has not failed.
    this.hasInitFailed = outcome.kind !== "cancelled";
    if (outcome.kind === "fault") this.invocation.fail(outcome.fault);
    else if (outcome.kind === "init error") this.invocation.end(outcome);
    else if (outcome.kind === "overdue") this.invocation.fail(initTimeoutFault(outcome.limitMs));
    else this.invocation.end({ kind: "stopped" });
  }

  /** A process it runs on has ended. */
  fail(fault: Fault): void {
    if (this.invocation.isRuntimeReady) this.faultAfterwards ??= fault;
    else this.invocation.fail(fault);
  }
}
