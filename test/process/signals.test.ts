import { afterEach, describe, expect, test } from "bun:test";
import { endChildren, runApart } from "./children.ts";

afterEach(endChildren);

/** A Bun that listens for signals, sends itself some, and tells what it understood. */
function understood(...signals: string[]): Promise<unknown> {
  return runApart(`
    const { onSecondInterrupt, stopSignal } = await source("process/signals.ts");
    let hurries = 0;
    let stops = 0;
    stopSignal.addEventListener("abort", () => stops++);
    const early = ${JSON.stringify(signals)}.splice(0, 1);
    for (const signal of early) process.kill(process.pid, signal);
    await until(() => stopSignal.aborted);
    onSecondInterrupt(() => hurries++);
    for (const signal of ${JSON.stringify(signals.slice(1))}) {
      const heard = new Promise((resolve) => process.once(signal, resolve));
      process.kill(process.pid, signal);
      await heard;
    }
    tell({ stops, hurries });`);
}

describe("a request to end", () => {
  test.each(["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"])("is %s", async (signal) => {
    expect(await understood(signal)).toEqual({ stops: 1, hurries: 0 });
  });

  test.each([
    [["SIGTERM", "SIGTERM"], 0],
    [["SIGTERM", "SIGHUP", "SIGQUIT", "SIGINT"], 0],
    [["SIGINT", "SIGINT"], 1],
    [["SIGINT", "SIGTERM", "SIGINT"], 1],
    [["SIGTERM", "SIGINT", "SIGINT"], 1],
  ])("made as %j is one, and is urgent %d times", async (signals, hurries) => {
    expect(await understood(...signals)).toEqual({ stops: 1, hurries });
  });

  test("is urgent although both interrupts came before anybody asked", async () => {
    const script = `
      const { onSecondInterrupt, stopSignal } = await source("process/signals.ts");
      let heard = 0;
      process.on("SIGINT", () => heard++);
      for (const times of [1, 2]) {
        process.kill(process.pid, "SIGINT");
        await until(() => heard === times);
      }
      onSecondInterrupt(() => tell("urgent"));`;
    expect(await runApart(script)).toBe("urgent");
  });
});

test("are heard before anything else is loaded: what comes before is lost to PID 1", async () => {
  const source = (path: string) => Bun.file(`${import.meta.dir}/../../src/${path}`).text();
  const imports = /^import\b.*$/gm;
  expect((await source("main.ts")).match(imports)?.[0]).toBe('import "./process/signals.ts";');
  expect((await source("process/signals.ts")).match(imports)).toBeNull();
});
