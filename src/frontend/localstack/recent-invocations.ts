/** Which invocations must not run again. */
import type { Clock } from "../../clock.ts";

/**
 * LocalStack posts an invocation again when the connection broke before it read our answer. It gives up after 2.5 s,
 * but its own retries of failed asynchronous invocations, which are to run, carry the same id and come a second or
 * more after the result.
 */
const windowMs = 1000;

export class RecentInvocations {
  readonly #underWay = new Set<string>();
  /** When each one ended, oldest first. */
  readonly #ended = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  /** @returns whether it is to run: `false` while the same one waits, runs or has just ended */
  begin(requestId: string): boolean {
    this.#forget();
    if (this.#underWay.has(requestId) || this.#ended.has(requestId)) return false;
    this.#underWay.add(requestId);
    return true;
  }

  end(requestId: string): void {
    this.#underWay.delete(requestId);
    this.#ended.set(requestId, this.clock.now());
  }

  #forget(): void {
    const now = this.clock.now();
    for (const [id, endedAt] of this.#ended) {
      if (now - endedAt < windowMs) break;
      this.#ended.delete(id);
    }
  }
}
