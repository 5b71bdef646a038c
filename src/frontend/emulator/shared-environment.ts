/**
 * Managed instances: one environment whose workers serve several invocations at a time. A call for which no worker waits is
 * refused, not queued (docs/contract/lifecycle-2.md 4.1 and 4.2).
 */
import { type Clock, sleep } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { PlainResponse } from "../../net/listener/plain-response.ts";
import type { Capacity, InvocableEnvironment, Lease, Load, Member } from "./capacity.ts";

/** Thrown where all workers are busy. Its answer is that of AWS's emulator, not one of the Lambda API. */
export class WorkersBusyError extends Error {
  override name = "WorkersBusyError";
  override message = "All workers of the execution environment are busy";

  toResponse(requestId: string): Response {
    const errorType = "Runtime.Unavailable";
    return new PlainResponse(JSON.stringify({ errorType }), {
      status: 400,
      headers: {
        "Content-Type": "application/json",
        "Error-Type": errorType,
        "x-amzn-ErrorType": errorType,
        "x-amzn-RequestId": requestId,
      },
    });
  }
}

/**
 * Milliseconds a worker needs at most between its answer and its next poll. Without them a caller who calls again as soon as
 * it has its answer would be refused.
 */
const pollPatienceMs = 100;
const pollCheckMs = 2;

export interface SharedMember extends Member {
  readonly environment: InvocableEnvironment & {
    /** Whether a worker waits for an event. */
    readonly hasFreeWorker: boolean;
  };
}

export interface SharedEnvironmentOptions {
  readonly concurrency: number;
  readonly clock: Clock;
  /** @param onEnd to be called when the environment has ended by itself, as it does when its processes break */
  readonly newMember: (onEnd: () => void) => Promise<SharedMember>;
  readonly onChange?: () => void;
}

export class SharedEnvironment implements Capacity {
  #made: Promise<SharedMember> | undefined;
  #started: Promise<SharedMember> | undefined;
  /** Resolves when environments that were given up are gone. */
  #ending: Promise<unknown> = Promise.resolve();
  #busy = 0;
  /** On the clock's `now`. */
  #workerExpectedUntil = 0;

  constructor(private readonly options: SharedEnvironmentOptions) {}

  get load(): Load {
    const { concurrency } = this.options;
    return { environments: this.#started ? 1 : 0, busy: this.#busy, queued: 0, concurrency, queue: 0 };
  }

  async open(): Promise<void> {
    await this.#make();
  }

  warm(): void {
    this.#start().catch((error) => log.error(`the environment could not be started: ${messageOf(error)}`));
  }

  async acquire(): Promise<Lease> {
    const member = await this.#start();
    if (!(await this.#hasWorker(member))) throw new WorkersBusyError();
    this.#busy++;
    this.options.onChange?.();
    let isHeld = true;
    return {
      member,
      environmentNumber: 1,
      release: () => {
        if (isHeld) this.#busy--;
        isHeld = false;
        this.#workerExpectedUntil = this.options.clock.now() + pollPatienceMs;
        this.options.onChange?.();
      },
    };
  }

  /** A worker that has just answered, or has just been started, is given the time to ask for its next event. */
  async #hasWorker({ environment }: SharedMember): Promise<boolean> {
    const { clock } = this.options;
    while (!environment.hasFreeWorker) {
      if (clock.now() >= this.#workerExpectedUntil) return false;
      await sleep(clock, pollCheckMs);
    }
    return true;
  }

  reload(): void {
    this.#made?.then(({ environment }) => environment.reload()).catch(() => {});
  }

  async stop(): Promise<void> {
    this.#giveUp();
    await this.#ending;
  }

  #make(): Promise<SharedMember> {
    this.#made ??= this.options.newMember(() => this.#giveUp());
    return this.#made;
  }

  /** The next call gets a new environment. */
  #giveUp(): void {
    const made = this.#made;
    this.#made = undefined;
    this.#started = undefined;
    this.#ending = Promise.allSettled([this.#ending, made?.then((member) => member[Symbol.asyncDispose]())]);
  }

  #start(): Promise<SharedMember> {
    this.#started ??= this.#boot();
    return this.#started;
  }

  async #boot(): Promise<SharedMember> {
    // Its address must be free again before another takes it.
    await this.#ending;
    const member = await this.#make();
    await member.environment.init();
    this.#workerExpectedUntil = this.options.clock.now() + pollPatienceMs;
    return member;
  }
}
