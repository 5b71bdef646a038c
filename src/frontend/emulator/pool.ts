/**
 * Several environments behind one queue (docs/contract/emulator.md 5): each serves one invocation at a time; calls wait
 * their turn, first come, first served.
 */
import type { Clock } from "../../clock.ts";
import type { Invocation, InvokeRequest } from "../../environment/invocation.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { AwsError, tooManyRequests } from "./aws-errors.ts";

/** The part of an environment a front end uses. */
export interface InvocableEnvironment {
  /** The init phase, to whatever end it came. */
  init(): Promise<{ readonly kind: string }>;
  invoke(request: InvokeRequest): Invocation;
  reload(): void;
}

/** An environment with what belongs to it alone: its log, its Runtime API, its processes. */
export interface Member extends AsyncDisposable {
  readonly environment: InvocableEnvironment;
  /** Takes the log of an invocation: what was written since it was taken last. */
  takeLogs(requestId: string): LogText;
}

export interface LogText {
  readonly pieces: readonly Uint8Array[];
  readonly byteLength: number;
  text(): string;
}

/** An environment lent for one invocation. It must be given back. */
export interface Lease {
  readonly member: Member;
  /** The number of the environment, from 1. */
  readonly environmentNumber: number;
  release(): void;
}

/** Where invocations get their environment. */
export interface Capacity {
  /** @throws {AwsError} where there is none, and no place in the queue either */
  acquire(): Promise<Lease>;
  /** The code changed: what is idle is replaced now, what is busy after its answer. */
  reload(): void;
  stop(): Promise<void>;
  readonly load: Load;
}

/** How much of the capacity is in use. */
export interface Load {
  readonly environments: number;
  readonly busy: number;
  readonly queued: number;
  readonly concurrency: number;
  readonly queue: number;
}

export interface PoolOptions {
  /** Environments there may be, and calls that may wait for one. */
  readonly concurrency: number;
  readonly queue: number;
  /**
   * Makes an environment; its processes start with its `init`.
   * @param slot 0 for the one whose Runtime API has the fixed address; a slot is free again when its environment is disposed
   */
  readonly newMember: (slot: number) => Promise<Member>;
  readonly clock: Clock;
  readonly onChange?: () => void;
}

/** Milliseconds an environment beyond the first may be idle. */
const idleLimitMs = 10 * 60 * 1000;

/**
 * | state    | acquired            | init over | released                                          | idle too long | stop   |
 * |----------|---------------------|-----------|---------------------------------------------------|---------------|--------|
 * | starting | busy (init goes on) | idle      | –                                                 | –             | ending |
 * | idle     | busy                | –         | –                                                 | ending        | ending |
 * | busy     | –                   | –         | busy with the next, or idle; ending if init failed | –             | ending |
 * | ending   | –                   | –         | –                                                 | –             | –      |
 */
type State = "starting" | "idle" | "busy" | "ending";

interface Slot {
  readonly number: number;
  state: State;
  hasInitFailed: boolean;
  /** The environment; `member` once it is made, `started` once its init is over. */
  member: Member | undefined;
  readonly made: Promise<Member>;
  readonly started: Promise<Member>;
  callOffIdleLimit: (() => void) | undefined;
}

interface Waiter {
  readonly take: (lease: Promise<Lease>) => void;
}

export class Pool implements Capacity {
  readonly #slots = new Map<number, Slot>();
  /** The one used last is last: it is the next to be used. */
  readonly #idle: Slot[] = [];
  readonly #waiting: Waiter[] = [];
  #isStopping = false;

  constructor(private readonly options: PoolOptions) {}

  get load(): Load {
    const { concurrency, queue } = this.options;
    let busy = 0;
    for (const { state } of this.#slots.values()) if (state === "busy") busy++;
    return { environments: this.#slots.size, busy, queued: this.#waiting.length, concurrency, queue };
  }

  /** Starts the first environment ahead of the first call. */
  warm(): void {
    if (this.#slots.size > 0 || this.#isStopping) return;
    const slot = this.#start();
    slot.started.then(
      () => slot.state === "starting" && this.#release(slot),
      () => {},
    );
  }

  async acquire(): Promise<Lease> {
    if (this.#isStopping) throw stopping();
    const slot = this.#idle.pop() ?? this.#starting() ?? this.#startIfAllowed();
    if (slot) return this.#lend(slot);
    if (this.#waiting.length >= this.options.queue) throw tooManyRequests();
    const { promise, resolve } = Promise.withResolvers<Lease>();
    this.#waiting.push({ take: resolve });
    this.#changed();
    return promise;
  }

  reload(): void {
    // An environment waits for its own invocation; one that is still being made will read the new code anyway.
    for (const { member, state } of this.#slots.values()) if (state !== "ending") member?.environment.reload();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { take } of this.#waiting.splice(0)) take(Promise.reject(stopping()));
    await Promise.all([...this.#slots.values()].map((slot) => this.#end(slot)));
  }

  #starting(): Slot | undefined {
    for (const slot of this.#slots.values()) if (slot.state === "starting") return slot;
    return undefined;
  }

  #startIfAllowed(): Slot | undefined {
    return this.#slots.size < this.options.concurrency ? this.#start() : undefined;
  }

  #start(): Slot {
    let number = 0;
    while (this.#slots.has(number)) number++;
    const made = this.options.newMember(number);
    const slot: Slot = {
      number,
      state: "starting",
      hasInitFailed: false,
      member: undefined,
      made,
      started: made.then((member) => this.#boot(slot, member)),
      callOffIdleLimit: undefined,
    };
    slot.started.catch((error) => {
      log.error(`an environment could not be started: ${messageOf(error)}`);
      if (slot.state !== "ending") this.#forget(slot);
    });
    this.#slots.set(number, slot);
    return slot;
  }

  async #boot(slot: Slot, member: Member): Promise<Member> {
    slot.member = member;
    const { kind } = await member.environment.init();
    slot.hasInitFailed = kind === "init error" || kind === "fault";
    return member;
  }

  async #lend(slot: Slot): Promise<Lease> {
    slot.state = "busy";
    slot.callOffIdleLimit?.();
    this.#changed();
    const member = await slot.started;
    let isHeld = true;
    return {
      member,
      environmentNumber: slot.number + 1,
      release: () => {
        if (isHeld) this.#release(slot);
        isHeld = false;
      },
    };
  }

  #release(slot: Slot): void {
    if (slot.state === "ending") return;
    // The only one stays: it tries its init again within the next invocation, where a new one would first try it alone.
    if (slot.hasInitFailed && this.#slots.size > 1) {
      void this.#end(slot);
      return;
    }
    slot.hasInitFailed = false;
    const waiter = this.#waiting.shift();
    if (waiter) waiter.take(this.#lend(slot));
    else this.#rest(slot);
  }

  #rest(slot: Slot): void {
    slot.state = "idle";
    this.#idle.push(slot);
    slot.callOffIdleLimit = this.options.clock.after(idleLimitMs, () => {
      if (this.#slots.size > 1) void this.#end(slot);
    });
    this.#changed();
  }

  async #end(slot: Slot): Promise<void> {
    if (slot.state === "ending") return;
    slot.state = "ending";
    slot.callOffIdleLimit?.();
    const place = this.#idle.indexOf(slot);
    if (place >= 0) this.#idle.splice(place, 1);
    this.#changed();
    try {
      await (await slot.made)[Symbol.asyncDispose]();
    } catch (error) {
      log.error(`an environment could not be ended: ${messageOf(error)}`);
    }
    this.#forget(slot);
  }

  /** Its place is free: for the one who has waited longest. */
  #forget(slot: Slot): void {
    if (this.#slots.get(slot.number) === slot) this.#slots.delete(slot.number);
    const waiter = this.#isStopping ? undefined : this.#waiting.shift();
    if (waiter) waiter.take(this.#lend(this.#start()));
    this.#changed();
  }

  #changed(): void {
    this.options.onChange?.();
  }
}

function stopping(): AwsError {
  return new AwsError("ServiceException", "The emulator is stopping and takes no more calls");
}
