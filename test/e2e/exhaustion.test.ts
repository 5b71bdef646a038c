/** What a function can use up must not take init with it: the invocation fails with a reason, the next one works. */
import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { isBeyondQemu } from "../support/target.ts";
import { hasCgroups, newCgroup } from "./support/cgroup.ts";
import { isRoot, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

/** The fixture without threads of its own that it could need when none are left. */
const fixture = [
  "env",
  "BUN_JSC_useConcurrentJIT=0",
  "BUN_JSC_useConcurrentGC=0",
  "BUN_JSC_numberOfGCMarkers=1",
  ...runFixture("uses-everything-up.ts"),
];

describe.skipIf(!isRoot || !hasCgroups)("memory used up (the test needs root and cgroups)", () => {
  test.skipIf(isBeyondQemu("memory"))(
    "by many small processes costs the function, not init",
    async () => {
      using group = newCgroup("memory", 160 << 20);
      const init = startInit(fixture, { prefix: group?.prefix ?? [] });
      for (const _ of [1, 2]) {
        const { kind, body } = await init.invoke('{"eat":"memory"}');
        expect(kind).toBe("error");
        expect(JSON.parse(body)).toMatchObject({ errorType: "Runtime.ExitError" });
        expect(body).toContain("signal: killed");
        expect((await init.invoke("{}")).body).toBe('{"held":0}');
      }
      await stopAll();
    },
    60_000,
  );
});

/** Threads init has when it starts, and some more for the function. */
const processLimit = 60;

describe.skipIf(!isRoot)("processes used up (the test needs root)", () => {
  /** Of a user whom nobody else is, who may have so many processes and threads. */
  const asLimitedUser = () => {
    const uid = 100_000 + Math.floor(Math.random() * 1_000_000);
    return ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "prlimit", `--nproc=${processLimit}`];
  };

  test("leave init working: it compiles and collects garbage without a new thread", async () => {
    const init = startInit(fixture, { prefix: asLimitedUser(), env: { LOCALSTACK_USER: undefined } });
    expect((await init.invoke('{"eat":"processes"}')).kind).toBe("response");
    for (let round = 0; round < 1000; round++) {
      const text = "x".repeat(round % 50 === 0 ? 2_000_000 : 1000);
      expect((await init.invoke(JSON.stringify({ text }))).kind).toBe("response");
    }
    expect(init.stderr).toBe("");
  }, 60_000);

  test("find init without a thread of the engine that could be needed anew", async () => {
    const init = startInit(fixture, { prefix: asLimitedUser(), env: { LOCALSTACK_USER: undefined } });
    await init.invoke("{}");
    expect(engineThreads(init.process.pid)).toEqual([]);
    expect((await init.invoke('{"eat":"processes"}')).kind).toBe("response");
    for (let round = 0; round < 100; round++) await init.invoke(JSON.stringify({ text: "x".repeat(500_000) }));
    expect(engineThreads(init.process.pid)).toEqual([]);
  }, 60_000);

  test.skipIf(isBeyondQemu("orphans"))("are given back with a reset, and the next invocation works", async () => {
    const init = startInit(fixture, { prefix: asLimitedUser(), env: { LOCALSTACK_USER: undefined } });
    await init.invoke('{"eat":"processes"}');
    expect((await init.invoke('{"exit":3}')).kind).toBe("error");
    expect((await init.invoke("{}")).body).toBe('{"held":0}');
  });
});

describe("connections to the Runtime API", () => {
  test("as many as init may have descriptors keep it from nothing", async () => {
    const init = startInit(fixture, { prefix: ["prlimit", "--nofile=96"] });
    for (const _ of [1, 2]) {
      expect((await init.invoke('{"eat":"descriptors","count":70}')).kind).toBe("response");
      expect((await init.invoke('{"eat":"descriptors","count":70}')).kind).toBe("response");
      const { kind, body } = await init.invoke('{"exit":3}');
      expect([kind, body.includes("exit status 3")]).toEqual(["error", true]);
      expect((await init.invoke("{}")).body).toBe('{"held":0}');
    }
  });
});

/** Threads the engine starts when there is work for them. */
function engineThreads(pid: number): string[] {
  const names = readdirSync(`/proc/${pid}/task`).map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8").trim(),
  );
  return names.filter((name) => /^(JITWorker|JSCWarmUp|HeapHelper|.*ollector Thread)$/.test(name));
}
