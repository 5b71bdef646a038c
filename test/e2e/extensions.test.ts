import { afterEach, describe, expect, test } from "bun:test";
import type { ExtensionPlan } from "../fixtures/extension.ts";
import { isBeyondQemu } from "../support/target.ts";
import { type Entry, type ExtensionWorld, type OptFiles, startWithExtensions } from "./support/extensions.ts";
import { Gate } from "./support/gate.ts";
import { isRoot, runFixture, stopAll } from "./support/init.ts";

afterEach(stopAll);

// Extensions are looked for in /opt: without root there is no /opt of the test's own.
const withRoot = test.skipIf(!isRoot);

let world: ExtensionWorld;

function start(extensions: OptFiles, options: Parameters<typeof startWithExtensions>[2] = {}): void {
  world = startWithExtensions(runFixture("does-what-the-event-says.ts"), extensions, options);
}

const say = (instruction: object) => world.init.invoke(JSON.stringify(instruction));

const eventOf = (entry: Entry) => JSON.parse(entry.text as string);

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("an external extension", () => {
  withRoot("is told of the function, of each invocation and of the shutdown", async () => {
    start({ a: { features: "accountId, other" } });
    const { id } = await say({});
    const registered = await world.saw("a", "registered");
    expect(registered).toMatchObject({
      status: 200,
      reply: { accountId: "000000000000", functionName: "fn", functionVersion: "$LATEST", handler: "app.handler" },
    });
    expect(registered.id).toMatch(uuid);
    const invoked = await world.saw("a", "event");
    expect(eventOf(invoked)).toEqual({
      eventType: "INVOKE",
      deadlineMs: expect.any(Number),
      requestId: id,
      invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:fn",
      tracing: { type: "X-Amzn-Trace-Id", value: "Root=1-a;Parent=b;Sampled=1" },
    });
    expect((invoked.headers as Record<string, string>)["lambda-extension-event-identifier"]).toMatch(uuid);
    expect(await world.init.stop()).toBe(0);
    const shutdown = eventOf(await world.saw("a", "event", (entry) => eventOf(entry).eventType === "SHUTDOWN"));
    expect(shutdown).toEqual({ eventType: "SHUTDOWN", deadlineMs: expect.any(Number), shutdownReason: "spindown" });
    expect(world.journal("a").at(-1)?.what).toBe("leaving");
  });

  withRoot("runs in init's directory, alone on its command line, with what AWS lets it see", async () => {
    start(
      { "a.sh": {} },
      {
        env: {
          AWS_EXECUTION_ENV: "AWS_Lambda_rapid",
          AWS_LAMBDA_LOG_STREAM_NAME: "stream",
          AWS_XRAY_CONTEXT_MISSING: "LOG_ERROR",
          AWS_XRAY_DAEMON_ADDRESS: "127.0.0.1:2000",
          _AWS_XRAY_DAEMON_PORT: "2000",
          LAMBDA_RUNTIME_DIR: "/var/runtime",
          CUSTOMER: "value",
        },
      },
    );
    await say({});
    const { env, cwd, argv } = (await world.saw("a.sh", "started")) as unknown as {
      env: Record<string, string>;
      cwd: string;
      argv: string[];
    };
    expect({ cwd, argv }).toEqual({ cwd: "/tmp", argv: ["a.sh"] });
    expect(env).toMatchObject({ CUSTOMER: "value", AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "key" });
    expect(env.AWS_LAMBDA_RUNTIME_API).toBe(`127.0.0.1:${world.init.runtimeApiPort}`);
    const withheld =
      /^(_.*|AWS_EXECUTION_ENV|AWS_LAMBDA_LOG_(GROUP|STREAM)_NAME|AWS_XRAY_.*|LAMBDA_(TASK_ROOT|RUNTIME_DIR)|LOCALSTACK_(?!HOSTNAME).*)$/;
    // The shell in front of the fixture sets this one itself.
    expect(Object.keys(env).filter((name) => withheld.test(name) && name !== "_")).toEqual([]);
  });

  withRoot("that does not ask for events is not told of any, and killed at the end", async () => {
    start({ a: { events: [] } });
    await say({});
    expect(await world.init.stop()).toBe(0);
    expect(world.journal("a").map(({ what }) => what)).toEqual(["started", "registered"]);
  });

  withRoot("must poll before LocalStack is told ready, and the runtime starts when all have registered", async () => {
    start({ slow: { telemetry: { delayMs: 400 } }, quick: {} });
    await world.init.double.waitForReady();
    const { at } = await world.saw("slow", "subscribed");
    expect(Date.now()).toBeGreaterThanOrEqual(at);
    expect((await world.saw("quick", "registered")).status).toBe(200);
  });

  withRoot("does not hold up a result; the next invocation waits for it, in the time of the first", async () => {
    const gate = new Gate();
    start({ a: { onInvoke: [{ until: gate.path, print: "late $id\n" }, {}] } });
    // Its result comes although the extension is at the gate.
    const first = await say({});
    const id = await world.init.send("{}");
    const openedAt = performance.now();
    await gate.open();
    const second = await world.init.double.waitForResult(id);
    const tookMs = performance.now() - openedAt;
    const done = await world.saw("a", "done", ({ requestId }) => requestId === first.id);
    const invoked = await world.saw("a", "event", (entry) => eventOf(entry).requestId === id);
    expect(invoked.at).toBeGreaterThanOrEqual(done.at);
    // Its time, the function's ten seconds, begins when the extension is done.
    expect(eventOf(invoked).deadlineMs - 10_000).toBeGreaterThanOrEqual(done.at);
    // What it wrote for the first invocation stands before the second one's START.
    expect(first.logs).not.toContain("late");
    expect(second.logs).toStartWith(`late ${first.id}\nSTART RequestId: ${id}`);
    expect(Number(/\tDuration: ([\d.]+) ms/.exec(second.logs)?.[1])).toBeLessThan(tookMs);
  });

  withRoot("that hangs on an invocation costs the next one nothing but a start", async () => {
    // Long enough for the start inside the second invocation.
    start({ a: { onInvoke: [{ delayMs: 60_000 }] } }, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" } });
    expect((await say({})).kind).toBe("response");
    const second = await say({});
    expect(second.kind).toBe("response");
    expect(second.logs).not.toContain("Status: timeout");
    expect(world.init.stderr).toContain("no longer waits for the extension a to ask for the next event");
  });

  withRoot("is not started where the switch file lies, and its APIs do not exist", async () => {
    start({ a: {} }, { optFiles: ["disable-extensions-jwigqn8j"] });
    await say({});
    expect(world.journal("a")).toEqual([]);
  });

  withRoot("starts anew with each generation, under a new id", async () => {
    start({ a: {} });
    await say({ exit: 1 });
    await say({});
    const ids = world
      .journal("a")
      .filter(({ what }) => what === "registered")
      .map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
  });
});

describe("an internal extension", () => {
  withRoot("is served beside external ones", async () => {
    world = startWithExtensions(runFixture("has-an-internal-extension.ts"), { a: {} });
    const { id, body } = await world.init.invoke("{}");
    expect(JSON.parse(body)).toEqual({ internal: { eventType: "INVOKE", requestId: id }, tooLate: 403, shutdown: 403 });
  });

  test("alone needs no file", async () => {
    world = startWithExtensions(runFixture("has-an-internal-extension.ts"), {});
    const { body } = await world.init.invoke("{}");
    expect(JSON.parse(body)).toMatchObject({ internal: { eventType: "INVOKE" } });
  });
});

describe("an extension that breaks in init is one status error, and init exits with 1:", () => {
  const rows: [what: string, files: OptFiles, errorType: string, reason: string][] = [
    [
      "a file that is not executable",
      { a: { text: "#!/bin/sh\n", mode: 0o644 } },
      "Extension.LaunchError",
      "fork/exec /opt/extensions/a: permission denied",
    ],
    [
      "a file of no known format",
      { a: { text: "nothing", mode: 0o755 } },
      "Extension.LaunchError",
      "fork/exec /opt/extensions/a: exec format error",
    ],
    ["an exit with 0", { a: { exitFirst: 0 } }, "Extension.Crash", "exit code 0"],
    ["an exit with 7", { a: { exitFirst: 7 }, b: {} }, "Extension.Crash", "exit status 7"],
    ["an exit after it registered", { a: {}, b: { exitAfterRegister: 3 } }, "Extension.Crash", "exit status 3"],
    [
      "a death by signal",
      { a: { text: "#!/bin/sh\nkill -SEGV $$\n", mode: 0o755 } },
      "Extension.Crash",
      "signal: segmentation fault",
    ],
    ["an init error", { a: { initError: "Fatal.NoConfig" } }, "Extension.InitError", "exit status 1"],
    [
      "an init error without an end",
      { a: { initError: "Fatal.NoConfig", staysAfterError: true } },
      "Extension.InitError",
      "the extension a reported Fatal.NoConfig and did not end",
    ],
    [
      "the eleventh",
      Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`e${at}`, {}])),
      "Extension.LaunchError",
      "ErrTooManyExtensions: there are 11 external extensions, at most 10 may be",
    ],
  ];
  for (const [what, files, errorType, reason] of rows) {
    const isRefused = reason.startsWith("fork/exec ");
    test.skipIf(!isRoot || (isRefused && isBeyondQemu("errors of exec")))(what, async () => {
      start(files);
      const { text } = await world.init.double.waitForStatusError();
      const { errorMessage, ...rest } = JSON.parse(text);
      expect(errorMessage.replace(/^RequestId: [0-9a-f-]{36} Error: /, "")).toBe(reason);
      expect(rest).toEqual({ errorType });
      expect(await world.init.exited()).toBe(1);
      expect(world.init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
    });
  }

  withRoot("ten are not too many", async () => {
    start(Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`e${at}`, {}])));
    expect((await say({})).kind).toBe("response");
  });

  for (const [what, plan] of [
    ["never registers", { neverRegisters: true }],
    ["registers under another name", { registerAs: "someone-else", events: ["INVOKE"] }],
  ] as [string, ExtensionPlan][]) {
    withRoot(`one that ${what} is named by the timeout of the invocation that waits`, async () => {
      start({ "a.sh": plan }, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "1" } });
      await world.saw("a.sh", "started");
      const id = await world.init.send("{}");
      const { body } = await world.init.double.waitForResult(id);
      expect(JSON.parse(body)).toEqual({
        errorMessage: `RequestId: ${id} Error: Task timed out after 1.00 seconds while waiting for the extension a.sh to register under the name of its file`,
        errorType: "Sandbox.Timedout",
      });
      if (what === "registers under another name") {
        await world.until("the log names it", () => (world.init.stderr.includes("someone-else") ? true : undefined));
      }
    });
  }
});

describe("an extension that breaks in an invocation", () => {
  const rows: [what: string, plan: ExtensionPlan["onInvoke"], errorType: string, reason: string][] = [
    ["exits", [{ exit: 7 }, {}], "Extension.Crash", "exit status 7"],
    ["is killed", [{ kill: "SIGKILL" }, {}], "Extension.Crash", "signal: killed"],
    ["reports an exit error", [{ exitError: "Fatal.Lost" }, {}], "Extension.ExitError", "exit status 1"],
  ];
  for (const [what, onInvoke = [], errorType, reason] of rows) {
    withRoot(`and ${what} fails it; the next one has fresh processes`, async () => {
      start({ a: { onInvoke } });
      const { id, kind, body } = await say({ hang: true });
      expect({ kind, ...JSON.parse(body) }).toEqual({
        kind: "error",
        errorMessage: `RequestId: ${id} Error: ${reason}`,
        errorType,
      });
    });
  }

  withRoot("after the answer leaves the answer standing", async () => {
    const gate = new Gate();
    start({ a: { onInvoke: [{ until: gate.path, exit: 7 }] } });
    expect((await say({ respond: "kept" })).body).toBe("kept");
    await gate.open();
    await world.until("it is noticed", () => (world.init.stderr.includes("the extension a ended") ? true : undefined));
  });

  withRoot("while nobody is served costs the next invocation nothing but new processes", async () => {
    const gate = new Gate();
    start({ a: { exitWhenIdle: { status: 5, until: gate.path } } });
    await say({});
    await gate.open();
    await world.until("it is noticed", () => (world.init.stderr.includes("the extension a ended") ? true : undefined));
    expect((await say({})).body).toContain('"count":1');
    await world.init.stop();
    expect(world.init.double.callbacks.some(({ kind }) => kind === "status error")).toBe(false);
  });
});

describe("the shutdown", () => {
  const shutdownOf = async (name: string) =>
    eventOf(await world.saw(name, "event", (entry) => eventOf(entry).eventType === "SHUTDOWN"));

  withRoot("after a timeout gives that reason, and follows the runtime's end", async () => {
    // Long enough for the start inside the second invocation.
    start({ a: {} }, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" } });
    await say({ hang: true });
    expect((await shutdownOf("a")).shutdownReason).toBe("timeout");
    expect((await say({})).body).toContain('"count":1');
  });

  withRoot("after a crash is for failure", async () => {
    start({ a: {} });
    await say({ exit: 1 });
    expect((await shutdownOf("a")).shutdownReason).toBe("failure");
  });

  withRoot("after a failed init is for failure too, and the status stays one", async () => {
    world = startWithExtensions(runFixture("exits-at-init.sh", "3"), { a: {} });
    expect(await world.init.exited()).toBe(1);
    expect((await shutdownOf("a")).shutdownReason).toBe("failure");
    expect(world.init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
  });

  withRoot("does not wait longer than its budget for one that stays", async () => {
    start({ a: { onShutdown: { ignore: true } } });
    await say({});
    const before = performance.now();
    expect(await world.init.stop()).toBe(0);
    const { deadlineMs } = await shutdownOf("a");
    expect(performance.now() - before).toBeLessThan(4500);
    expect(Date.now()).toBeGreaterThanOrEqual(deadlineMs);
  });

  withRoot("during an invocation: an answer that is there, and its logs, still reach LocalStack", async () => {
    start({ a: { onInvoke: [{ delayMs: 60_000 }] } });
    await world.init.double.waitForReady();
    const id = await world.init.send(JSON.stringify({ print: "working\n", respond: "kept", pollsLate: true }));
    await world.until("the answer", () => (world.init.stdout.includes("working") ? true : undefined));
    await world.saw("a", "event");
    await world.until("it answered", () => (world.init.stdout.includes("answered") ? true : undefined));
    expect(await world.init.stop()).toBe(0);
    const { kind, body, logs } = await world.init.double.waitForResult(id);
    expect({ kind, body }).toEqual({ kind: "response", body: "kept" });
    expect(logs).toContain("working");
  });
});
