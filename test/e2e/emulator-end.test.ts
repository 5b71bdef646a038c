/** T57: how the emulator ends. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { ExtensionPlan } from "../fixtures/extension.ts";
import { hasNamespaces } from "../support/namespaces.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { waitUntil } from "../support/within.ts";
import { scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";
import { fixture } from "./support/init.ts";

afterEach(stopEmulators);

/** An emulator with an extension, and what that one saw. */
async function startWithExtension(watcher: ExtensionPlan) {
  const opt = mkdtempSync(`${tmpdir()}/opt-`);
  const journals = mkdtempSync(`${tmpdir()}/journals-`);
  mkdirSync(`${opt}/extensions`);
  const program = `#!/bin/sh\nexec ${process.execPath} ${fixture("extension.ts")} watcher\n`;
  writeFileSync(`${opt}/extensions/watcher`, program, { mode: 0o755 });
  const emulator = await startEmulator(scriptedRuntime, {
    prefix: ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /opt && exec "$@"', opt],
    env: {
      EXTENSION_PLANS: JSON.stringify({ watcher }),
      EXTENSION_JOURNALS: journals,
      AWS_LAMBDA_FUNCTION_TIMEOUT: "30",
    },
  });
  return { emulator, journal: () => readFileSync(`${journals}/watcher`, "utf8") };
}

describe("the end", () => {
  test.skipIf(!hasNamespaces)("T57: tells extensions, with AWS's reason", async () => {
    const { emulator, journal } = await startWithExtension({});
    await emulator.ask();
    const elapsed = stopwatch();
    expect(await emulator.stop("SIGTERM")).toBe(0);
    expect(elapsed()).toBeLessThan(2700);
    expect(journal()).toContain(String.raw`\"shutdownReason\":\"spindown\"`);
  });

  test.skipIf(!hasNamespaces)("T57: is immediate at the second SIGINT", async () => {
    const { emulator, journal } = await startWithExtension({ onShutdown: { ignore: true } });
    await emulator.ask();
    emulator.process.kill("SIGINT");
    await waitUntil("the extension is told", () => journal().includes("SHUTDOWN"));
    emulator.process.kill("SIGINT");
    expect(await emulator.exited()).toBe(130);
  });
});
