/**
 * Managed instances: one environment whose workers serve several invocations at a time. A call for which no worker waits is
 * refused, not queued (docs/contract/lifecycle-2.md 4.1 and 4.2).
 */
import type { Capacity, InvocableEnvironment, Lease, Load, Member } from "./pool.ts";

/** Thrown where all workers are busy. Its answer is that of AWS's emulator, not one of the Lambda API. */
export class WorkersBusyError extends Error {
  override name = "WorkersBusyError";
  override message = "All workers of the execution environment are busy";

  toResponse(requestId: string): Response {
    const errorType = "Runtime.Unavailable";
    return Response.json(
      { errorType },
      {
        status: 400,
        headers: { "Error-Type": errorType, "x-amzn-ErrorType": errorType, "x-amzn-RequestId": requestId },
      },
    );
  }
}

export interface SharedMember extends Member {
  readonly environment: InvocableEnvironment & {
    /** Whether a worker waits for an event. */
    readonly hasFreeWorker: boolean;
  };
}

export interface SharedEnvironmentOptions {
  readonly concurrency: number;
  readonly newMember: () => Promise<SharedMember>;
  readonly onChange?: () => void;
}

export class SharedEnvironment implements Capacity {
  #started: Promise<SharedMember> | undefined;
  #member: SharedMember | undefined;
  #busy = 0;

  constructor(private readonly options: SharedEnvironmentOptions) {}

  get load(): Load {
    const { concurrency } = this.options;
    return { environments: this.#member ? 1 : 0, busy: this.#busy, queued: 0, concurrency, queue: 0 };
  }

  /** Starts the environment ahead of the first call. */
  warm(): void {
    this.#start().catch(() => {});
  }

  async acquire(): Promise<Lease> {
    const member = await this.#start();
    if (!member.environment.hasFreeWorker) throw new WorkersBusyError();
    this.#busy++;
    this.options.onChange?.();
    let isHeld = true;
    return {
      member,
      environmentNumber: 1,
      release: () => {
        if (isHeld) this.#busy--;
        isHeld = false;
        this.options.onChange?.();
      },
    };
  }

  reload(): void {
    this.#member?.environment.reload();
  }

  async stop(): Promise<void> {
    await this.#member?.[Symbol.asyncDispose]();
  }

  #start(): Promise<SharedMember> {
    this.#started ??= this.#boot();
    return this.#started;
  }

  async #boot(): Promise<SharedMember> {
    const member = await this.options.newMember();
    this.#member = member;
    await member.environment.init();
    return member;
  }
}
