/** What init tells LocalStack, and where: `docs/contract/localstack.md` 8. */
import type { Clock } from "../../clock.ts";
import { BodyPieces } from "../../net/line-fetch.ts";
import { Delivery, type Fate } from "./delivery.ts";
import type { Result } from "./results.ts";

/** Milliseconds LocalStack waits for an environment to start: as long it is worth trying to reach it. */
const readyPatienceMs = 20_000;

/** Milliseconds init stays after a failed start, which it may as well spend on telling why. */
const startErrorPatienceMs = 10_000;

/** A log text, ready to stand between the quotes of a JSON text. */
export interface LogPieces {
  readonly pieces: readonly Uint8Array[];
  /** Gives their memory back, once they were told. */
  release?(): void;
}

export interface CallbackAddress {
  readonly runtimeEndpoint: string;
  readonly runtimeId: string;
}

/** Everything goes out one after the other, in the order of the calls; none rejects. */
export class Callbacks {
  readonly #delivery: Delivery;
  readonly #status: string;

  constructor({ runtimeEndpoint, runtimeId }: CallbackAddress, clock: Clock) {
    this.#delivery = new Delivery({ endpoint: runtimeEndpoint, clock });
    this.#status = `status/${encodeURIComponent(runtimeId)}`;
  }

  /** Opens the connection ahead of the first callback, while there is nothing to tell yet. */
  connect(): void {
    this.#delivery.connect();
  }

  /** The environment can take invocations. While it is `unreachable`, LocalStack will send none. */
  ready(): Promise<Fate> {
    return this.#delivery.deliver([{ path: `${this.#status}/ready`, body: "" }], readyPatienceMs);
  }

  /** The environment will never take invocations, and why. */
  startError(body: Uint8Array | string): Promise<Fate> {
    return this.#delivery.deliver([{ path: `${this.#status}/error`, body }], startErrorPatienceMs);
  }

  /** Something failed after the start, outside of any invocation's result. LocalStack answers 400: that is normal. */
  statusError(body: Uint8Array | string): Promise<Fate> {
    return this.#delivery.deliver([{ path: `${this.#status}/error`, body }]);
  }

  /**
   * What became of an invocation: its log text, which LocalStack reads at the moment the result arrives, then its
   * result. Whether it is a response or an error is told with it, and never found out by looking into its body.
   */
  invocation(requestId: string, logs: LogPieces, { channel, body }: Result): Promise<Fate> {
    const path = `invocations/${encodeURIComponent(requestId)}`;
    return this.#delivery.deliver([
      { path: `${path}/logs`, body: new BodyPieces([beforeLogs, ...logs.pieces, behindLogs]) },
      { path: `${path}/${channel}`, body },
    ]);
  }

  /** Resolves when everything told so far has arrived or was given up. */
  get idle(): Promise<unknown> {
    return this.#delivery.idle;
  }
}

// Not by `Buffer.from`, whose first call takes 0.1 ms of the start.
const encoder = new TextEncoder();
const beforeLogs = encoder.encode('{"logs":"');
const behindLogs = encoder.encode('"}');
