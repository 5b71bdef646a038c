/** Brings posts to LocalStack: in the order they were given, over one connection, again where that can help. */

import { createFetch } from "ofetch";
import { type Clock, sleep } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { HttpLine } from "../../net/http-line.ts";
import { LineBrokenError, LineSilentError } from "../../net/line-connection.ts";
import { type BodyPieces, LineHeaders, lineFetch } from "../../net/line-fetch.ts";

export interface Post {
  /** Below the callback base, fit for a URL. */
  readonly path: string;
  readonly body: string | Uint8Array | BodyPieces;
}

/**
 * What became of posts that were delivered together; of several, the worst. `told`: LocalStack answered, with whatever
 * status. `silent`: it took one and did not answer. `unreachable`: it could not be reached for as long as was asked
 * for.
 */
export type Fate = "told" | "silent" | "unreachable";

/**
 * Milliseconds to wait before each further attempt after a connection error; afterwards always as long as the last one.
 */
const pausesMs = [50, 100, 200, 400, 750, 1500] as const;

/** Milliseconds of pauses after which a post is given up, unless it is worth more. */
const usualPatienceMs = 3000;

/** Bytes of several posts, at most, for which it pays not to wait in between. */
const maxTogether = 12 * 1024;

/**
 * LocalStack's usual server, Twisted, keeps what comes early until the request before is answered, and names itself. Its other
 * one, hypercorn, keeps the order too, but then takes 60 ms for each pair: whoever does not name itself is not sent ahead.
 */
const takesRequestsAhead = (head: string) => /^server:[ \t]*twistedweb\b/im.test(head);

const jsonHeaders = { "Content-Type": "application/json" };

export interface DeliveryOptions {
  /** The callback base, without a slash at its end. */
  readonly endpoint: string;
  readonly clock: Clock;
}

export class Delivery {
  readonly #base: string;
  readonly #line: HttpLine;
  readonly #clock: Clock;
  readonly #client: ReturnType<typeof newClient>;
  /** Everything given so far, one behind the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ endpoint, clock }: DeliveryOptions) {
    const url = new URL(endpoint);
    this.#base = url.href.endsWith("/") ? url.href.slice(0, -1) : url.href;
    this.#line = new HttpLine({ url, clock, takesRequestsAhead });
    this.#client = newClient(this.#line, url);
    this.#clock = clock;
  }

  /** Opens the connection ahead of the first post. */
  connect(): void {
    this.#line.connect();
  }

  /**
   * Delivers posts behind all that were given before. Never rejects: what cannot be delivered is logged.
   * @param patienceMs how long to go on trying to reach a LocalStack that refuses or breaks connections
   */
  deliver(posts: readonly Post[], patienceMs = usualPatienceMs): Promise<Fate> {
    const delivered = this.#last.then(() => this.#deliver([...posts], patienceMs));
    this.#last = delivered;
    return delivered;
  }

  /** Resolves when everything given so far has been delivered or given up. */
  get idle(): Promise<unknown> {
    return this.#last;
  }

  async #deliver(left: Post[], patienceMs: number): Promise<Fate> {
    let fate: Fate = "told";
    let pauses = 0;
    let waitedMs = 0;
    for (;;) {
      const error = await this.#attempt(left);
      const first = left[0];
      if (!first) return fate;
      const url = `${this.#base}/${first.path}`;
      const pause = this.#pauseAfter(error, pauses);
      if (pause !== undefined && waitedMs + pause <= patienceMs) {
        log.info(`POST ${url} failed, trying again in ${pause} ms: ${reasonOf(error)}`);
        if (pause > 0) await sleep(this.#clock, pause);
        pauses++;
        waitedMs += pause;
      } else {
        log.error(`LocalStack could not be told: POST ${url} failed: ${reasonOf(error)}. Is LocalStack running there?`);
        if (!(error instanceof LineSilentError)) fate = "unreachable";
        else if (fate === "told") fate = "silent";
        left.shift();
        pauses = waitedMs = 0;
      }
    }
  }

  /**
   * @returns milliseconds to wait before trying again; `undefined`: not again. A LocalStack that took a post on a fresh
   * connection and is silent has probably got it. One that had answered on the connection before may never have.
   */
  #pauseAfter(error: unknown, pauses: number): number | undefined {
    if (error instanceof LineSilentError) return error.wasReused ? 0 : undefined;
    return pausesMs[Math.min(pauses, pausesMs.length - 1)];
  }

  /**
   * Sends what is left, in its order. Takes away what was answered.
   * @returns what went wrong with the first that is left
   */
  async #attempt(left: Post[]): Promise<unknown> {
    while (left[0]) {
      const answers = this.#canGoTogether(left)
        ? this.#line.together(() => left.map((post) => this.#post(post)))
        : [this.#post(left[0])];
      // Of several the first that fails is heard: those behind it fail with it.
      for (const answer of answers) answer.catch(() => {});
      for (const answer of answers) {
        try {
          await answer;
          left.shift();
        } catch (error) {
          return error instanceof Error && error.name === "FetchError" ? (error.cause ?? error) : error;
        }
      }
    }
    return undefined;
  }

  /** Small posts to a server that reads the second one when it has answered the first. */
  #canGoTogether(posts: readonly Post[]): boolean {
    if (posts.length < 2 || !this.#line.takesRequestsAhead) return false;
    return (
      posts.reduce((sum, { body }) => sum + (typeof body === "string" ? body.length : body.byteLength), 0) <=
      maxTogether
    );
  }

  async #post({ path, body }: Post): Promise<void> {
    const url = `${this.#base}/${path}`;
    const answer = await this.#client.raw(url, { body: body as string, headers: jsonHeaders });
    log.debug("POST", url, "answered", answer.status);
    if (answer.status >= 400) log.info(`LocalStack answered ${answer.status} to ${url}: ${await answer.text()}`);
  }
}

function newClient(line: HttpLine, url: URL) {
  const client = createFetch({
    fetch: lineFetch(line, url),
    Headers: LineHeaders as unknown as typeof Headers,
    AbortController,
  });
  // No retries by ofetch: it would have to know which errors are worth one, and that the order is to be kept.
  return client.create({ method: "POST", retry: 0, responseType: "stream", ignoreResponseError: true });
}

function reasonOf(error: unknown): string {
  return error instanceof LineBrokenError ? error.code : messageOf(error);
}
