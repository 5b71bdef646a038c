/**
 * Several environments behind one queue (docs/contract/emulator.md 5): each serves one invocation at a time; calls wait
 * their turn, first come, first served.
 */
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { AwsError, tooManyRequests } from "./aws-errors.ts";
import type { Capacity, Lease, Load, Member } from "./capacity.ts";

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
 * | state    | acquired            | warmed   | init over | released                                           | idle too long | stop   |
 * |----------|---------------------|----------|-----------|----------------------------------------------------|---------------|--------|
 * | cold     | busy (init begins)  | starting | –         | –                                                  | –             | ending |
 * | starting | busy (init goes on) | –        | idle      | –                                                  | –             | ending |
 * | idle     | busy                | –        | –         | –                                                  | ending        | ending |
 * | busy     | –                   | –        | –         | busy with the next, or idle; ending if init failed | –             | ending |
 * | ending   | –                   | –        | –         | –                                                  | –             | –      |
 */
type State = "cold" | "starting" | "idle" | "busy" | "ending";

interface Slot {
  readonly number: number;
  readonly made: Promise<Member>;
  state: State;
  /** Resolves once its init is over; `undefined`: init has not begun. */
  started: Promise<Member> | undefined;
  member: Member | undefined;
  hasInitFailed: boolean;
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

  async open(): Promise<void> {
    await this.#make().made;
  }

  warm(): void {
    const slot = this.#inState("cold");
    if (!slot) return;
    slot.state = "starting";
    this.#start(slot).then(
      () => slot.state === "starting" && this.#release(slot),
      () => {},
    );
  }

  async acquire(): Promise<Lease> {
    if (this.#isStopping) throw stopping();
    const slot = this.#idle.pop() ?? this.#inState("starting") ?? this.#inState("cold") ?? this.#makeIfAllowed();
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

  #inState(state: State): Slot | undefined {
    for (const slot of this.#slots.values()) if (slot.state === state) return slot;
    return undefined;
  }

  #makeIfAllowed(): Slot | undefined {
    return this.#slots.size < this.options.concurrency ? this.#make() : undefined;
  }

  #make(): Slot {
    let number = 0;
    while (this.#slots.has(number)) number++;
    const slot: Slot = {
      number,
      made: this.options.newMember(number),
      state: "cold",
      started: undefined,
      member: undefined,
      hasInitFailed: false,
      callOffIdleLimit: undefined,
    };
    this.#slots.set(number, slot);
    slot.made.then(
      (member) => {
        slot.member = member;
      },
      () => this.#forget(slot),
    );
    return slot;
  }

  #start(slot: Slot): Promise<Member> {
    slot.started ??= this.#boot(slot);
    return slot.started;
  }

  async #boot(slot: Slot): Promise<Member> {
    const member = await slot.made;
    const { kind } = await member.environment.init();
    slot.hasInitFailed = kind === "init error" || kind === "fault";
    return member;
  }

  async #lend(slot: Slot): Promise<Lease> {
    slot.state = "busy";
    slot.callOffIdleLimit?.();
    this.#changed();
    const member = await this.#start(slot);
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
    if (this.#slots.get(slot.number) !== slot) return;
    this.#slots.delete(slot.number);
    const waiter = this.#isStopping ? undefined : this.#waiting.shift();
    if (waiter) waiter.take(this.#lend(this.#make()));
    this.#changed();
  }

  #changed(): void {
    this.options.onChange?.();
  }
}

function stopping(): AwsError {
  return new AwsError("ServiceException", "The emulator is stopping and takes no more calls");
}
