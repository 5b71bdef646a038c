import { afterEach, expect, test } from "bun:test";
import { runFixture, startInit, stopAll } from "./support/init.ts";

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
  expect(await init.stop()).toBe(0);
  expect(init.stderr).toContain("/logs failed: ECONNRESET");
});

test("a ready that cannot be told is logged, and init serves", async () => {
  const init = startInit(runFixture("echoes.ts"), { withoutLocalStack: true });
  let answer: Response | undefined;
  while (!answer) answer = await init.post('{"invoke-id":"a","payload":"1"}').catch(() => undefined); // Until it listens.
  expect(answer.status).toBe(200);
  expect(await init.stop()).toBe(0);
});

test("the wait for debugging is not counted", async () => {
  const init = startInit(runFixture("echoes.ts"), { env: { LOCALSTACK_POST_INVOKE_WAIT_MS: "3000" } });
  const { logs } = await init.invoke("1");
  expect(Number(logs.match(/\tDuration: ([\d.]+) ms/)?.[1])).toBeLessThan(2500);
});
