/** The system calls of the benchmark that Bun has no function for. */
import { dlopen } from "bun:ffi";

export const { symbols: libc } = dlopen("libc.so.6", {
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  unshare: { args: ["i32"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
});
