/** An execution environment, as front ends and the APIs of its processes see it. It knows no HTTP and no LocalStack. */
import type { Generation } from "./generation.ts";
import type { InitOutcome } from "./init-outcome.ts";
import { Invocation, type InvokeRequest } from "./invocation.ts";
import { Lifecycle, type LifecycleOptions } from "./lifecycle.ts";
import type { State } from "./lifecycle-table.ts";

export type EnvironmentOptions = LifecycleOptions;

export class Environment {
  readonly #lifecycle: Lifecycle;

  constructor(private readonly options: EnvironmentOptions) {
    this.#lifecycle = new Lifecycle(options);
  }

  get state(): State {
    return this.#lifecycle.state;
  }

  /** What the runtime that may call the Runtime API now exchanges with us. */
  get exchanges(): Generation["exchanges"] {
    return this.#lifecycle.generation.exchanges;
  }

  /** The extensions that may call the Extensions API now. */
  get extensions(): Generation["extensions"] {
    return this.#lifecycle.generation.extensions;
  }

  /** Resolves when the present runtime has ended. */
  get runtimeExited(): Promise<unknown> {
    return this.#lifecycle.generation.runtimeExited;
  }

  /**
   * Whether there is a place for one more: a worker waits for an event that none of the invocations under way is about
   * to take, or processes are being started or restored, for which it may wait with others.
   */
  get hasFreeWorker(): boolean {
    const { state, generation, turns, isStopping } = this.#lifecycle;
    if (isStopping) return false;
    const isServed = state === "ready" || state === "serving";
    if (isServed && !generation.isRestoreDue) return generation.exchanges.waitingPolls > turns.undispatched;
    return turns.all < this.options.policy.concurrency;
  }

  /**
   * The first init: starts the processes and waits until all of them poll, or for what prevented it. Where the policy
   * tries again inside the next invocation, the processes of the first attempt are gone when this resolves.
   */
  init(): Promise<InitOutcome> {
    return this.#lifecycle.init();
  }

  /**
   * Takes an invocation over and returns its handle at once; it runs when its turn has come. Its time counts from
   * there: an init that runs inside it because the last processes failed is part of it, as on AWS.
   */
  invoke(request: InvokeRequest): Invocation {
    const invocation = new Invocation(request, () => this.options.clock.now());
    this.#lifecycle.take(invocation);
    return invocation;
  }

  /**
   * The code changed: fresh processes take the place of the present ones, as soon as no invocation runs on these and
   * before the next one asks. If they cannot start, the next invocation fails with the reason.
   */
  reload(): void {
    this.#lifecycle.reload();
  }

  /** Ends running invocations and all processes, within the budget of a shutdown. Nothing starts afterwards. */
  stop(): Promise<void> {
    return this.#lifecycle.stop();
  }
}
