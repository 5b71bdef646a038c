/** T57: how the emulator ends. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { hasNamespaces } from "../support/namespaces.ts";
import { scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";
import { fixture } from "./support/init.ts";

afterEach(stopEmulators);

const plan = JSON.stringify({ watcher: { events: ["INVOKE", "SHUTDOWN"] } });

/** An emulator with an extension, and what that one saw. */
async function startWithExtension() {
  const opt = mkdtempSync(`${tmpdir()}/opt-`);
  const journals = mkdtempSync(`${tmpdir()}/journals-`);
  mkdirSync(`${opt}/extensions`);
  const program = `#!/bin/sh\nexec ${process.execPath} ${fixture("extension.ts")} watcher\n`;
  writeFileSync(`${opt}/extensions/watcher`, program, { mode: 0o755 });
  const emulator = await startEmulator(scriptedRuntime, {
    prefix: ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /opt && exec "$@"', opt],
    env: { EXTENSION_PLANS: plan, EXTENSION_JOURNALS: journals, AWS_LAMBDA_FUNCTION_TIMEOUT: "30" },
  });
  return { emulator, journal: () => readFileSync(`${journals}/watcher`, "utf8") };
}

describe("the end", () => {
  test.skipIf(!hasNamespaces)("T57: tells extensions, with AWS's reason", async () => {
    const { emulator, journal } = await startWithExtension();
    await emulator.ask();
    const stoppedAt = performance.now();
    expect(await emulator.stop("SIGTERM")).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(2700);
    expect(journal()).toContain(String.raw`\"shutdownReason\":\"spindown\"`);
  });

  test("T57: is immediate at the second SIGINT", async () => {
    const emulator = await startEmulator(scriptedRuntime, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "30" } });
    const called = emulator.invoke({ print: "here\n", hang: true }).catch(() => {});
    await emulator.until("the function to run", ({ stdout }) => stdout.includes("here"));
    emulator.process.kill("SIGINT");
    emulator.process.kill("SIGINT");
    const stoppedAt = performance.now();
    await emulator.exited();
    expect(performance.now() - stoppedAt).toBeLessThan(1000);
    await called;
  });
});
