/** What init tells LocalStack, and where: `docs/contract/localstack.md` 8. */
import type { Clock } from "../../clock.ts";
import { Delivery, type Post } from "./delivery.ts";
import type { Result } from "./results.ts";

/** Whether an invocation's result follows its logs without waiting for their answer. */
const sendsAhead = false;

/** Milliseconds LocalStack waits for an environment to start: as long it is worth trying to reach it. */
const startPatienceMs = 20_000;

export interface CallbackAddress {
  readonly runtimeEndpoint: string;
  readonly runtimeId: string;
}

/**
 * Everything goes out one after the other, in the order of the calls. Each call returns whether LocalStack answered,
 * with whatever status; none rejects.
 */
export class Callbacks {
  readonly #delivery: Delivery;
  readonly #status: string;

  constructor({ runtimeEndpoint, runtimeId }: CallbackAddress, clock: Clock) {
    this.#delivery = new Delivery({ endpoint: runtimeEndpoint, clock, sendsAhead });
    this.#status = `status/${encodeURIComponent(runtimeId)}`;
  }

  /** Opens the connection ahead of the first callback, while there is nothing to tell yet. */
  connect(): void {
    this.#delivery.connect();
  }

  /** The environment can take invocations. `false`: LocalStack will never send one. */
  ready(): Promise<boolean> {
    return this.#delivery.deliver([{ path: `${this.#status}/ready`, body: "" }], startPatienceMs);
  }

  /**
   * Something failed outside of any invocation's result. LocalStack answers 400 once start-up is over: that is normal.
   */
  statusError(body: Uint8Array | string): Promise<boolean> {
    return this.#delivery.deliver([{ path: `${this.#status}/error`, body }]);
  }

  /**
   * What became of an invocation: its log text, which LocalStack reads at the moment the result arrives, then its
   * result. Whether it is a response or an error is told with it, and never found out by looking into its body.
   */
  invocation(requestId: string, logs: string, result: Result | undefined): Promise<boolean> {
    const path = `invocations/${encodeURIComponent(requestId)}`;
    const posts: Post[] = [{ path: `${path}/logs`, body: JSON.stringify({ logs }) }];
    if (result) posts.push({ path: `${path}/${result.channel}`, body: result.body });
    return this.#delivery.deliver(posts);
  }

  /** Resolves when everything told so far has arrived or was given up. */
  get idle(): Promise<unknown> {
    return this.#delivery.idle;
  }
}
