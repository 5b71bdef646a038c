import { afterEach, describe, expect, test } from "bun:test";
import { type Chunk, scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";

afterEach(stopEmulators);

/** What SAM CLI looks for in one chunk of a container's output (samcli/local/docker/container.py). */
const samReport =
  /(?:^|[^\n]*? )?REPORT RequestId: .*Duration: .* ms.*Billed Duration: .* ms.*Memory Size: .* MB.*Max Memory Used: .* MB/;

/** What programs wait for before their first request. */
const rapidLine = /\[INFO\] \(rapid\) exec '[^']+' \(cwd=[^,]+, handler=[^)]*\)/;

describe("stdout", () => {
  test("T59: has REPORT in one write with END or alone, on lines of their own, before the answer", async () => {
    const emulator = await startEmulator();
    for (let at = 0; at < 20; at++) {
      const before = emulator.chunks.length;
      await emulator.invoke({ print: "no newline", respond: "1" });
      await emulator.until("REPORT", ({ chunks }) => reportIn(chunks.slice(before)) !== undefined);
    }
    const reports = emulator.chunks.filter(({ bytes }) => bytes.includes("REPORT RequestId"));
    for (const { bytes } of reports)
      expect(bytes.toString()).toMatch(/(^|\n)(END RequestId: .*\n)?REPORT RequestId: .*\n$/);
    expect(emulator.stdout.match(/^no newline$/gm)).toHaveLength(20);
    expect(emulator.stdout.match(/^END RequestId: /gm)).toHaveLength(20);
  });

  test("T59a: loses no byte of long output without newlines", async () => {
    const emulator = await startEmulator();
    const text = "aé€😀".repeat(20_000);
    await emulator.invoke({ print: text, respond: "1" });
    await emulator.until("REPORT", ({ stdout }) => stdout.includes("REPORT"));
    expect(emulator.stdout).toContain(`${text}\nEND`);
  });

  test("T60: has a REPORT that SAM CLI finds", async () => {
    const emulator = await startEmulator();
    await emulator.invoke({ respond: "1" });
    await emulator.until("REPORT", ({ stdout }) => stdout.includes("REPORT"));
    expect(reportIn(emulator.chunks)).toMatch(samReport);
  });

  test("has AWS's order of fields, and Init Duration in the first REPORT only", async () => {
    const emulator = await startEmulator();
    await emulator.invoke({});
    await emulator.invoke({});
    await emulator.until("two reports", ({ stdout }) => stdout.split("REPORT").length === 3);
    const reports = emulator.stdout.split("\n").filter((line) => line.startsWith("REPORT"));
    const common =
      /^REPORT RequestId: [0-9a-f-]{36}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 3008 MB\tMax Memory Used: \d+ MB\t/;
    expect(reports[0]).toMatch(new RegExp(`${common.source}Init Duration: [\\d.]+ ms\t$`));
    expect(reports[1]).toMatch(new RegExp(`${common.source}$`));
  });
});

describe("stderr", () => {
  test("T43: is empty with --log-level error, and stdout has everything", async () => {
    const emulator = await startEmulator(scriptedRuntime, { flags: ["--log-level", "error"], mayFail: true });
    await emulator.connected();
    await emulator.invoke({ print: "said\n" });
    await emulator.until("REPORT", ({ stdout }) => stdout.includes("REPORT"));
    expect(emulator.stdout).toMatch(/^START .*\nsaid\nEND .*\nREPORT .*\n$/);
    await emulator.stop();
    expect(emulator.stderr).toBe("");
  });

  test("T44: has the line programs wait for, and the port answers then", async () => {
    const emulator = await startEmulator();
    expect(emulator.stderr).toMatch(rapidLine);
    expect((await emulator.post("{}", {}, "/")).status).toBe(405);
    expect(emulator.stdout).toBe("");
  });
});

function reportIn(chunks: readonly Chunk[]): string | undefined {
  return chunks.map(({ bytes }) => bytes.toString()).find((text) => text.includes("REPORT RequestId"));
}
