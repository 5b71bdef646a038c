import { afterEach, describe, expect, test } from "bun:test";
import type { Callback } from "../../examples/localstack-double.ts";
import { RawServer } from "../net/raw-server.ts";
import { isBeyondQemu } from "../support/target.ts";
import { Gate } from "./support/gate.ts";
import { type Init, runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

test("logs come before the result, as JSON, over one connection, without headers a browser would send", async () => {
  const init = startInit(runFixture("echoes.ts"));
  await init.invoke("1");
  await init.invoke("2");
  const { callbacks, clientPorts } = init.double;
  expect(callbacks.map(({ kind }) => kind)).toEqual(["ready", "logs", "response", "logs", "response"]);
  for (const { headers } of callbacks) {
    expect(headers["content-type"]).toBe("application/json");
    expect(headers).not.toHaveProperty("origin");
    expect(headers).not.toHaveProperty("referer");
  }
  expect(clientPorts.size).toBe(1);
});

test("a connection that breaks is tried again; an HTTP error is not", async () => {
  let resets = 2;
  const init = startInit(runFixture("echoes.ts"), {
    misbehave({ kind }) {
      if (kind === "logs" && resets-- > 0) return "reset";
      return kind === "response" ? { status: 500 } : undefined;
    },
  });
  await init.invoke("1");
  await init.invoke("2");
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready", "logs", "response", "logs", "response"]);
});

test("a LocalStack that went away ends nothing: the next invocation still runs", async () => {
  const init = startInit(runFixture("echoes.ts"), {
    misbehave: ({ kind }) => (kind === "ready" ? undefined : "reset"),
  });
  await init.double.waitForReady();
  await init.send("1");
  await init.send("2");
  await init.waitForStderr("/logs failed: ECONNRESET");
  expect(await init.stop()).toBe(0);
});

test("while ready cannot be told, init serves", async () => {
  const init = startInit(runFixture("echoes.ts"), { withoutLocalStack: true });
  let answer: Response | undefined;
  while (!answer) answer = await init.post('{"invoke-id":"a","payload":"1"}').catch(() => undefined); // Until it listens.
  expect(answer.status).toBe(200);
  expect(await init.stop()).toBe(0);
});

const kindsOf = (init: Init) => init.double.callbacks.map(({ kind }) => kind);

test("a kept connection that died without a word costs its deadline and one more try, and loses nothing", async () => {
  let isDead = false;
  const init = startInit(runFixture("echoes.ts"), {
    misbehave({ kind }) {
      if (kind !== "logs" || isDead) return undefined;
      isDead = true;
      return "dead";
    },
  });
  expect((await init.invoke('"a"')).body).toBe('"a"');
  expect((await init.invoke('"b"')).body).toBe('"b"');
  expect(kindsOf(init)).toEqual(["ready", "logs", "response", "logs", "response"]);
  expect(init.double.clientPorts.size).toBe(2);
}, 40_000);

test("a LocalStack that answers after seconds is told once", async () => {
  let hasPaused = false;
  const init = startInit(runFixture("echoes.ts"), {
    misbehave({ kind }) {
      if (kind !== "logs" || hasPaused) return undefined;
      hasPaused = true;
      return { status: 202, afterMs: 6000 };
    },
  });
  await init.invoke("1");
  await init.invoke("2");
  expect(kindsOf(init)).toEqual(["ready", "logs", "response", "logs", "response"]);
  expect(init.double.clientPorts.size).toBe(1);
}, 30_000);

test.skipIf(isBeyondQemu("memory"))(
  "answers that never end cost their connections, not memory, and nothing is told twice",
  async () => {
    const init = startInit(runFixture("echoes.ts"), { misbehave: () => ({ status: 202, isEndless: true }) });
    for (let count = 0; count < 30; count++) await init.invoke(String(count));
    expect(kindsOf(init)).toEqual(["ready", ...Array(30).fill(["logs", "response"]).flat()]);
    // The last ones given up may be on their way to be closed, which the double hears of only when the event loop turns.
    while ((await init.double.openConnections()) > 2) await new Promise(setImmediate);
    expect(init.peakRssMb()).toBeLessThan(90);
  },
);

describe("a LocalStack that is not up yet", () => {
  test("is told ready when it is, however many seconds that takes", async () => {
    const init = startInit(runFixture("echoes.ts"), {
      withoutLocalStack: true,
      env: { LOCALSTACK_INIT_LOG_LEVEL: "info" },
    });
    // The pauses before are three seconds together: as long as anything else is tried.
    await init.waitForStderr(/(trying again in 1500 ms.*){2}/s);
    init.double.resume();
    expect((await init.invoke("1")).body).toBe("1");
    expect(kindsOf(init)).toEqual(["ready", "logs", "response"]);
  });

  test("is told why the start failed", async () => {
    const init = startInit(runFixture("exits-at-init.sh", "7"), {
      withoutLocalStack: true,
      env: { LOCALSTACK_INIT_LOG_LEVEL: "info" },
    });
    await init.waitForStderr(/(trying again in 1500 ms.*){2}/s);
    init.double.resume();
    expect((await init.double.waitForStatusError()).text).toContain("exit status 7");
    expect(await init.stop()).toBe(1);
    expect(kindsOf(init)).toEqual(["status error"]);
  });

  test("is given up when it would have given up itself", async () => {
    const startedAt = performance.now();
    const init = startInit(runFixture("echoes.ts"), { withoutLocalStack: true });
    await init.waitForStderr("/ready failed: ECONNREFUSED", 30_000);
    expect(await init.exitedByItself()).toBe(1);
    expect(performance.now() - startedAt).toBeGreaterThan(15_000);
  }, 60_000);
});

describe("one order of telling:", () => {
  test.each(["0", "0.002", "0.01"])(
    "a runtime that ends %s s after its first poll never makes an error precede a ready",
    async (seconds) => {
      for (let start = 0; start < 10; start++) {
        const init = startInit(runFixture("exits-after-its-first-poll.bash", "3", seconds));
        const error = await init.double.waitForStatusError();
        expect(error.text).toContain("exit status 3");
        await init.stop();
        expect([["status error"], ["ready", "status error"]]).toContainEqual(kindsOf(init));
        expect(init.double.clientPorts.size).toBe(1);
      }
    },
    60_000,
  );

  test("a crash between invocations is told once, and the invocation that fails for it has its own error only", async () => {
    const init = startInit(runFixture("does-what-the-event-says.ts"));
    const gate = new Gate();
    await init.invoke(JSON.stringify({ exitWhenIdle: 4, until: gate.path }));
    await gate.open();
    await init.double.waitForStatusError();
    const { id, kind, body } = await init.invoke("{}");
    expect([kind, body]).toEqual([
      "error",
      `{"errorMessage":"RequestId: ${id} Error: Runtime exited with error: exit status 4","errorType":"Runtime.ExitError"}`,
    ]);
    await init.invoke("{}");
    expect(kindsOf(init)).toEqual(["ready", "logs", "response", "status error", "logs", "error", "logs", "response"]);
  });

  test("an invocation that times out while init boots is no reason for a start that nobody hears of", async () => {
    const init = startInit(["sh", "-c", 'sleep 4; exec "$@"', "sh", ...runFixture("echoes.ts")], {
      env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "1" },
    });
    let id: string | undefined;
    while (id === undefined) id = await init.send("1").catch(() => undefined); // Until the server listens.
    await init.double.waitForResult(id);
    const isStatus = ({ kind }: Callback) => kind === "status error" || kind === "ready";
    expect(init.double.callbacks.filter(isStatus)).toHaveLength(1);
    expect(init.double.callbacks[0]?.text).toMatch(
      /Error: Task timed out after 1\.00 seconds","errorType":"Sandbox\.Timedout"/,
    );
    expect(await init.stop()).toBe(1);
    expect(kindsOf(init)).toEqual(["status error", "logs", "error"]);
  });
});

// LocalStack kills the container after 5 s, and a callback waits 10 s for its answer: it is the budget that ends these.
describe("stopping", () => {
  // X-Ray's port is fixed: without a network of its own the test could meet another's.
  test.skipIf(process.env.E2E_OWN_NETWORK !== "1")(
    "takes no longer than LocalStack waits, whoever is silent",
    async () => {
      const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
      const init = startInit(runFixture("sends-segments.ts"), {
        misbehave: ({ kind }) => (kind === "ready" ? undefined : "silence"),
        env: { LOCALSTACK_HOSTNAME: "127.0.0.1", EDGE_PORT: String(silent.port) },
      });
      await init.double.waitForReady();
      await init.send('{"segments":3}');
      await init.double.waitFor("logs", ({ kind }) => kind === "logs");
      expect(await init.stop()).toBe(0);
      expect(init.stderr).toContain("not everything was ended and told within 4500 ms");
      silent.stop(true);
    },
  );

  test.each([
    ["a bad setting", 2, { AWS_LAMBDA_FUNCTION_TIMEOUT: "x" }],
    ["a runtime that cannot start", 1, {}],
  ])("after %s takes no longer either, and keeps the status", async (_, status, env) => {
    const init = startInit(["/missing/bootstrap"], { misbehave: () => "silence", env });
    await init.double.waitForStatusError();
    expect(await init.stop()).toBe(status);
    expect(init.stderr).not.toContain("no answer within");
  });

  test("tells the one that runs, and those that wait their turn, that they will have no result", async () => {
    const init = startInit(runFixture("does-what-the-event-says.ts"));
    await init.double.waitForReady();
    const running = await init.send('{"print":"working\\n","hang":true}');
    const waiting = await init.send("{}");
    await init.waitForStdout("working");
    expect(await init.stop()).toBe(0);
    for (const id of [running, waiting]) {
      const result = init.double.callbacks.find(({ kind, requestId }) => kind === "error" && requestId === id);
      expect(JSON.parse(result?.text ?? "{}")).toEqual({
        errorMessage: `RequestId: ${id} Error: The execution environment was stopped before the invocation had ended`,
        errorType: "Sandbox.Failure",
      });
    }
    expect(kindsOf(init)).toEqual(["ready", "logs", "error", "logs", "error"]);
  });
});

test("the wait for debugging is not counted", async () => {
  const init = startInit(runFixture("echoes.ts"), { env: { LOCALSTACK_POST_INVOKE_WAIT_MS: "3000" } });
  const { logs } = await init.invoke("1");
  expect(Number(logs.match(/\tDuration: ([\d.]+) ms/)?.[1])).toBeLessThan(2500);
});

describe("a LocalStack that names itself Twisted", () => {
  const accepted = "HTTP/1.1 202 Accepted\r\nServer: TwistedWeb/25.5.0\r\nContent-Length: 0\r\n\r\n";
  let server: RawServer;

  afterEach(() => server.stop());

  /** An init that was told by this LocalStack that it is known to be ready. */
  async function ready() {
    server = new RawServer();
    const init = startInit(runFixture("echoes.ts"), { env: { LOCALSTACK_RUNTIME_ENDPOINT: `${server.url}` } });
    const connection = await server.connection();
    expect(kindOf(await connection.answer(accepted))).toBe("ready");
    return { init, connection };
  }

  const kindOf = ({ head }: { head: string }) => /^POST \S*\/(\w+) /.exec(head)?.[1];

  test("gets each result right behind its log, whole, and in the order of the invocations", async () => {
    const { init, connection } = await ready();
    for (let count = 0; count < 50; count++) {
      const id = await init.send(String(count));
      const [logs, result] = [await connection.request(), await connection.request()];
      expect([kindOf(logs), kindOf(result)]).toEqual(["logs", "response"]);
      expect(JSON.parse(logs.body.toString()).logs).toContain(`END RequestId: ${id}\n`);
      expect([result.head.includes(id), result.body.toString()]).toEqual([true, String(count)]);
      connection.send(accepted + accepted);
    }
    expect(server.count).toBe(1);
  });

  test("and loses its connection in between, gets both again in their order", async () => {
    const { init, connection } = await ready();
    await init.send("1");
    for (const kind of ["logs", "response"]) expect(kindOf(await connection.request())).toBe(kind);
    connection.reset();
    const second = await server.connection();
    for (const kind of ["logs", "response"]) expect(kindOf(await second.answer(accepted))).toBe(kind);
    await init.send("2");
    for (const kind of ["logs", "response"]) expect(kindOf(await second.request())).toBe(kind);
    second.send(accepted + accepted);
  });
});
