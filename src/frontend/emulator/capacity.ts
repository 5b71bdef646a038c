/** Where invocations get their environment, and what the emulator needs of one. */
import type { Invocation, InvokeRequest } from "../../environment/invocation.ts";

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
  /** Makes the first environment, whose Runtime API then listens; its processes are not started yet. */
  open(): Promise<void>;
  /** Starts the first environment ahead of the first call. */
  warm(): void;
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
