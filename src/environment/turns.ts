/** Whose turn it is: invocations that wait, in the order they came, and those under way. */
import type { Fault } from "../errors.ts";
import type { Invocation } from "./invocation.ts";
import type { Running } from "./running.ts";

export class Turns {
  readonly #queue: Invocation[] = [];
  readonly #running = new Set<Running>();

  add(invocation: Invocation): void {
    this.#queue.push(invocation);
  }

  /** The next one, which waits no more. */
  next(): Invocation | undefined {
    return this.#queue.shift();
  }

  begin(running: Running): void {
    this.#running.add(running);
  }

  leave(running: Running): void {
    this.#running.delete(running);
  }

  /** How many are under way. */
  get running(): number {
    return this.#running.size;
  }

  /** How many there are in all. */
  get all(): number {
    return this.#queue.length + this.#running.size;
  }

  /** How many no process has got yet. */
  get undispatched(): number {
    let undispatched = this.#queue.length;
    for (const { isDispatched } of this.#running) if (!isDispatched) undispatched++;
    return undispatched;
  }

  /** Those that processes have got fail with them. @returns whether there was any */
  failDispatched(fault: Fault): boolean {
    const dispatched = [...this.#running].filter(({ isDispatched }) => isDispatched);
    for (const running of dispatched) running.fail(fault);
    return dispatched.length > 0;
  }

  failRunning(fault: Fault): void {
    for (const { invocation } of this.#running) invocation.fail(fault);
  }

  stopDispatched(): void {
    for (const { invocation, isDispatched } of this.#running) if (isDispatched) invocation.end({ kind: "stopped" });
  }

  stopRunning(): void {
    for (const { invocation } of this.#running) invocation.end({ kind: "stopped" });
  }
}
