/** What a person sees: the emulator on a terminal of its own. */
import { afterEach, describe, expect, test } from "bun:test";
import { waitUntil } from "../support/within.ts";
import { scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";
import { binary } from "./support/init.ts";

afterEach(async () => {
  await stopEmulators();
  // What was ended is `script`; the emulator behind it hears of it by the end of its terminal.
  await waitUntil("the port is free", isPortFree);
});

function isPortFree(): boolean {
  try {
    Bun.listen({ hostname: "0.0.0.0", port: 8080, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}

/** `script` gives a command a terminal: what is written to it comes out of `script`'s stdout. */
const hasScript = Bun.which("script") !== null;

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(" ");

async function startOnTerminal(flags: string[] = [], env: Record<string, string> = {}) {
  const command = [...flags, ...scriptedRuntime];
  return await startEmulator([`${quoted([binary])} ${quoted(command)}`, "/dev/null"], {
    program: "script",
    flags: ["--quiet", "--flush", "--return", "--command"],
    env,
    mayFail: true,
  });
}

describe.skipIf(!hasScript || process.env.E2E_OWN_NETWORK !== "1")("on a terminal", () => {
  test("a start shows in a few lines where to call", async () => {
    const emulator = await startOnTerminal();
    await emulator.until("the welcome", ({ stdout }) => stdout.includes("curl"));
    expect(emulator.stdout).not.toContain("(rapid)");
    expect(emulator.stdout.trimEnd().split("\n").length).toBeLessThanOrEqual(5);
    await emulator.connected();
    expect((await emulator.ask()).count).toBe(1);
  });

  test("an invocation shows the function's output and one coloured REPORT", async () => {
    const emulator = await startOnTerminal();
    await emulator.connected();
    await emulator.invoke({ print: "said\n" });
    await emulator.until("REPORT", ({ stdout }) => stdout.includes("REPORT"));
    expect(emulator.stdout).toContain("said\r\n\x1b[32mREPORT RequestId: ");
    expect(emulator.stdout).not.toMatch(/START|END/);
    await emulator.invoke({ exit: 1 });
    await emulator.until("the REPORT of a crash", ({ stdout }) => stdout.includes("\x1b[31mREPORT"));
  });

  test("CI says that nobody looks", async () => {
    const emulator = await startOnTerminal([], { CI: "true" });
    await emulator.until("the line programs wait for", ({ stdout }) => stdout.includes("(rapid) exec"));
  });
});
