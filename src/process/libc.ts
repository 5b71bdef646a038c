/**
 * The few system calls Bun has no function for. The library is `libc.so.6`, by that name: any other would be looked for
 * in the function's directory too.
 */
import ffi, { type Pointer } from "bun:ffi";

const libc = ffi.dlopen("libc.so.6", {
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u32", "ptr"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  signal: { args: ["i32", "ptr"], returns: "ptr" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
}).symbols;

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;
const FIONREAD = 0x541b;
const WNOHANG = 1;
/** A handler's address that stands for none. */
const SIG_IGN = 1 as Pointer;
const PR_SET_CHILD_SUBREAPER = 36;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

// On a buffer of its own: the engine moves the contents of a small typed array once it compiles what reads it.
const twoInts = new Int32Array(new ArrayBuffer(8));
const twoIntsAddress = ffi.ptr(twoInts);

/**
 * Opens a pipe that no child inherits unless it is handed one end. The read end does not block; the write end, which
 * belongs to a function's process, does.
 * @param capacity bytes the pipe should hold. The kernel may give less: an ordinary user's pipes are bounded in total
 * @throws an error of code `EMFILE` when descriptors are used up, which is the only thing that can go wrong
 */
export function openPipe(capacity: number): { readEnd: number; writeEnd: number } {
  if (libc.pipe2(twoIntsAddress, O_CLOEXEC) !== 0) throw Object.assign(new Error("pipe2"), { code: "EMFILE" });
  const [readEnd, writeEnd] = twoInts as unknown as [number, number];
  libc.fcntl(readEnd, F_SETFL, O_NONBLOCK);
  libc.fcntl(readEnd, F_SETPIPE_SZ, capacity);
  return { readEnd, writeEnd };
}

/** How many bytes stand in a pipe, unread. */
export function unreadBytes(readEnd: number): number {
  return libc.ioctl(readEnd, FIONREAD, twoIntsAddress) === 0 ? (twoInts[0] as number) : 0;
}

/**
 * Reaps one child if it has ended. Must never be called for a pid Bun spawned.
 * @returns whether it is gone
 */
export function reapEnded(pid: number): boolean {
  return libc.waitpid(pid, twoIntsAddress, WNOHANG) === pid;
}

/** Makes orphaned descendants children of this process, as they are under PID 1. @returns whether the kernel agreed */
export function becomeSubreaper(): boolean {
  return libc.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) === 0;
}

/** Makes this process deaf to a signal that another process sends. */
export function ignoreSignal(signal: number): void {
  libc.signal(signal, SIG_IGN);
}

/** Sets how many bytes the kernel may keep for a socket until they are read. @returns whether the kernel agreed */
export function setReceiveBuffer(socket: number, bytes: number): boolean {
  twoInts[0] = bytes;
  return libc.setsockopt(socket, SOL_SOCKET, SO_RCVBUF, twoIntsAddress, 4) === 0;
}
