/** What init tells LocalStack: `localstack.md` 8. Every call is retried, then logged; none throws. */
import { type Clock, sleep } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";

/** Milliseconds to wait before each further attempt after a connection error: 3 seconds in all (decision 11). */
const retryAfterMs = [50, 100, 200, 400, 750, 1500];

/** Milliseconds LocalStack has to answer. A LocalStack that took the request and is silent is not asked again. */
const answerTimeoutMs = 10_000;

const jsonHeaders = { "Content-Type": "application/json" };

export interface CallbackAddress {
  readonly runtimeEndpoint: string;
  readonly runtimeId: string;
}

export class Callbacks {
  #client: Promise<Client> | undefined;

  constructor(
    private readonly address: CallbackAddress,
    private readonly clock: Clock,
  ) {}

  /** Opens the connection ahead of the first callback, while there is nothing to tell yet. */
  connect(): void {
    fetch.preconnect(this.address.runtimeEndpoint);
    this.#client = loadClient();
  }

  /** The environment can take invocations. */
  ready(): Promise<boolean> {
    return this.#send(`status/${this.address.runtimeId}/ready`, "");
  }

  /** Something failed outside of any invocation's result. LocalStack answers 400 once start-up is over: that is normal. */
  statusError(body: Uint8Array | string): Promise<boolean> {
    return this.#send(`status/${this.address.runtimeId}/error`, body);
  }

  /** The log text of an invocation. LocalStack reads it when the result arrives: it must be told before. */
  logs(requestId: string, text: string): Promise<boolean> {
    return this.#send(`invocations/${requestId}/logs`, JSON.stringify({ logs: text }));
  }

  /** The result of an invocation: what it is was decided by whoever gave it, never by looking into it (decision 5). */
  result(requestId: string, channel: "response" | "error", body: Uint8Array | string): Promise<boolean> {
    return this.#send(`invocations/${requestId}/${channel}`, body);
  }

  /** @returns whether LocalStack answered, with whatever status */
  async #send(path: string, body: Uint8Array | string): Promise<boolean> {
    const url = `${this.address.runtimeEndpoint}/${path}`;
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#attempt(url, body);
        return true;
      } catch (error) {
        const wait = retryAfterMs[attempt];
        if (wait === undefined || error instanceof NoAnswerError) {
          log.error(
            `LocalStack could not be told: POST ${url} failed: ${reasonOf(error)}. Is LocalStack running there?`,
          );
          return false;
        }
        log.info(`POST ${url} failed, trying again in ${wait} ms: ${reasonOf(error)}`);
        await sleep(this.clock, wait);
      }
    }
  }

  /** The deadline covers the whole answer; ofetch's own ends with the headers. */
  async #attempt(url: string, body: Uint8Array | string): Promise<void> {
    const abort = new AbortController();
    const callOff = this.clock.after(answerTimeoutMs, () => abort.abort());
    try {
      this.#client ??= loadClient();
      const post = await this.#client;
      const answer = await post.raw(url, { body, headers: jsonHeaders, signal: abort.signal });
      log.debug("POST", url, "answered", answer.status);
      if (answer.status >= 400) log.info(`LocalStack answered ${answer.status} to ${url}: ${await answer.text()}`);
    } catch (error) {
      throw abort.signal.aborted ? new NoAnswerError(`no answer within ${answerTimeoutMs / 1000} s`) : error;
    } finally {
      callOff();
    }
  }
}

class NoAnswerError extends Error {}

type Client = Awaited<ReturnType<typeof loadClient>>;

/** Loaded while the runtime starts, not before it. */
async function loadClient() {
  const { ofetch } = await import("ofetch");
  // No retries by ofetch, for only connection errors are worth another try; and the body of an answer is not even read.
  return ofetch.create({ method: "POST", retry: 0, responseType: "stream", ignoreResponseError: true });
}

function reasonOf(error: unknown): string {
  const cause = causeOf(error);
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? messageOf(cause);
}

/** ofetch wraps what went wrong; the code of a connection error stands on its cause. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.name === "FetchError" ? (error.cause ?? error) : error;
}
