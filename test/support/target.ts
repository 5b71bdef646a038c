/** Which of the built binaries the tests run: `E2E_TARGET`, or this machine's for glibc. */
const own = process.arch === "arm64" ? "arm64" : "x86_64";

export const target = process.env.E2E_TARGET ?? own;

/** How much longer than on a machine of its own a binary may take for anything: the one factor of all limits. */
export function slownessOf(name: string): number {
  return name.startsWith(own) ? 1 : 5;
}

export const slowness = slownessOf(target);

/** Whether it is for another processor than this machine's: QEMU runs it, translating its instructions. */
export const isEmulated = slowness > 1;

export const isMusl = target.endsWith("-musl");

/**
 * What init wrote, without the warning that only QEMU causes: it refuses `PR_SET_CHILD_SUBREAPER` without asking the kernel.
 */
export function withoutEmulatorsWarning(stderr: string): string {
  return isEmulated ? stderr.replace(/^\S+ WARN the kernel refused to make init a subreaper: .*\n/m, "") : stderr;
}

/** What a program that QEMU runs cannot show, and why. */
const beyondQemu = {
  memory: "the emulator's memory, with all code it has translated, counts as the program's",
  orphans: "it refuses PR_SET_CHILD_SUBREAPER, so that init does not get them where it is not PID 1",
  signals: "one of those that init ignores ends the emulator",
  "errors of exec": "it makes vfork a fork, so that a child has no way left to tell why exec failed",
} as const;

/** Whether a test cannot be had under QEMU (docs/other-targets.md 1). */
export function isBeyondQemu(_what: keyof typeof beyondQemu): boolean {
  return isEmulated;
}
