/**
 * Signals that would end init and leave the function's processes to nobody, or that a function can send to it. PID 1 is
 * spared most of them by the kernel, but not those the engine has a handler for.
 */
import { ignoreSignal } from "./libc.ts";

/**
 * Numbers on x86 and ARM alike. The first six are for faults: those the kernel finds in init itself end it whatever is said
 * here, only those that a process sends are ignored. Not here is SIGPWR (30), with which the engine stops its own threads.
 */
const deadly = {
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGSEGV: 11,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGSTKFLT: 16,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGIO: 29,
  SIGSYS: 31,
} as const;

/**
 * Real-time signals, as far as the C library leaves them to programs: glibc keeps 32 and 33 to itself, musl 34 too. Those
 * end init where it is not PID 1, which the kernel spares them.
 */
const firstRealTime = 34;
const lastRealTime = 64;

/** Children have none of these ignored: Bun starts them with all signals as they are by default. */
export function ignoreDeadlySignals(): void {
  for (const signal of Object.values(deadly)) ignoreSignal(signal);
  for (let signal = firstRealTime; signal <= lastRealTime; signal++) ignoreSignal(signal);
}
