import { afterEach, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isBeyondQemu } from "../support/target.ts";
import { type Emulator, scriptedRuntime, startEmulator, stopEmulators } from "./support/emulator.ts";
import { Gate } from "./support/gate.ts";
import { fixture } from "./support/init.ts";

afterEach(stopEmulators);

describe("many calls", () => {
  test.skipIf(isBeyondQemu("memory")).each([1, 8])(
    "T23: 10,000 over 16 connections with %d environments are all answered, in steady memory",
    async (concurrency) => {
      const emulator = await startEmulator(scriptedRuntime, {
        flags: ["--concurrency", String(concurrency), "--queue", "100"],
        env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "60" },
      });
      const calls = 10_000;
      let next = 0;
      let wrong = 0;
      let atThousandMb = 0;
      const caller = async () => {
        for (let number = next++; number < calls; number = next++) {
          const answer = await emulator.invoke({ respond: String(number) });
          if (answer.status !== 200 || (await answer.text()) !== String(number)) wrong++;
          if (number === 1000) atThousandMb = rssMb(emulator.process.pid);
        }
      };
      await Promise.all(Array.from({ length: 16 }, caller));
      expect(wrong).toBe(0);
      await emulator.until("all reports", ({ stdout }) => stdout.split("REPORT RequestId").length === calls + 1);
      // Whatever a call left behind would be there 9,000 times: more than what the engine has yet to collect.
      expect(rssMb(emulator.process.pid)).toBeLessThan(atThousandMb + 60);
    },
    180_000,
  );
});

function rssMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

describe("T63: new code", () => {
  /** A function in a directory of its own that says which version of its code it runs. */
  async function startWatched(): Promise<{
    emulator: Emulator;
    save(version: string): void;
    version(): Promise<string>;
  }> {
    const directory = mkdtempSync(`${tmpdir()}/watched-`);
    copyFileSync(fixture("runtime-client.ts"), `${directory}/runtime-client.ts`);
    const save = (version: string) =>
      writeFileSync(
        `${directory}/function.ts`,
        `import { next, pass, respond } from "./runtime-client.ts";
for (;;) {
  const event = await next();
  const { until } = JSON.parse(event.text);
  if (until) console.log("waiting");
  if (until) await pass(until);
  await respond(event.id, JSON.stringify("${version}"));
}
`,
      );
    save("1");
    const emulator = await startEmulator([process.execPath, `${directory}/function.ts`], {
      flags: ["--watch"],
      cwd: directory,
      env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "30" },
    });
    const version = async () => (await (await emulator.post("{}")).json()) as string;
    return { emulator, save, version };
  }

  const reloads = ({ stderr }: Emulator) => stderr.split("changed: the next call runs the new code").length - 1;

  test("is run by the next call", async () => {
    const { emulator, save, version } = await startWatched();
    expect(await version()).toBe("1");
    save("2");
    await emulator.until("the change to be seen", (running) => reloads(running) === 1);
    expect(await version()).toBe("2");
  });

  test("leaves a running call its own", async () => {
    const { emulator, save, version } = await startWatched();
    await version();
    const gate = new Gate();
    const called = emulator.post(JSON.stringify({ until: gate.path }));
    await emulator.until("the function to run", ({ stdout }) => stdout.includes("waiting"));
    save("2");
    await emulator.until("the change to be seen", (running) => reloads(running) === 1);
    const next = version();
    await gate.open();
    expect([await (await called).json(), await next]).toEqual(["1", "2"]);
  });

  test("saved fifty times in a row starts the function at most twice", async () => {
    const { emulator, save, version } = await startWatched();
    await version();
    for (let at = 2; at <= 51; at++) save(String(at));
    await emulator.until("the change to be seen", (running) => reloads(running) >= 1);
    expect(await version()).toBe("51");
    expect(reloads(emulator)).toBeLessThanOrEqual(2);
  });
});
