/** The routes of a function with a snapshot, through the binary; real clients are in `real-clients.test.ts`. */
import { afterEach, describe, expect, test } from "bun:test";
import { call, callRuntimeApi, runtimeStarts, runtimeVariable, startIdle } from "./support/idle.ts";
import { type Init, stopAll } from "./support/init.ts";

afterEach(stopAll);

const snapStart = { AWS_LAMBDA_INITIALIZATION_TYPE: "snap-start" };
const event = '{"a":1}';

/** Asks to be restored, and is, for an invocation. */
async function restored(init: Init): Promise<{ id: string; reply: Response }> {
  const polled = callRuntimeApi(init, "GET", "/restore/next");
  await init.double.waitForReady();
  const id = await init.send(event);
  return { id, reply: await polled };
}

describe.each([
  ["C1", snapStart],
  ["C6", {}],
])("%s: a runtime that asks to be restored, with %j", (_, env) => {
  test("is ready, is let go on by the first invocation, and gets its event by the next poll", async () => {
    const init = await startIdle({ env });
    const { id, reply } = await restored(init);
    expect([reply.status, reply.headers.get("content-length"), await reply.text()]).toEqual([200, "0", ""]);
    expect(reply.headers.get("lambda-runtime-aws-request-id")).toBeNull();
    const polled = await callRuntimeApi(init, "GET", "/invocation/next");
    expect([polled.headers.get("lambda-runtime-aws-request-id"), await polled.text()]).toEqual([id, event]);
    const answered = await callRuntimeApi(init, "POST", `/invocation/${id}/response`, { body: '"done"' });
    expect(answered.status).toBe(202);
    void callRuntimeApi(init, "GET", "/invocation/next").catch(() => {});
    expect(await init.double.waitForResult(id)).toMatchObject({ kind: "response", body: '"done"' });
  });
});

test("C4: a restore that fails is the invocation's error, and the next one gets new processes", async () => {
  const init = await startIdle({ env: snapStart });
  const { id } = await restored(init);
  const body = '{"errorMessage":"hook","errorType":"Runtime.AfterRestoreError"}';
  const headers = { "Lambda-Runtime-Function-Error-Type": "Runtime.AfterRestoreError" };
  expect((await callRuntimeApi(init, "POST", "/restore/error", { body, headers })).status).toBe(202);
  const { kind, body: result } = await init.double.waitForResult(id);
  expect([kind, JSON.parse(result)]).toEqual(["error", expect.objectContaining(JSON.parse(body))]);
  await init.send(event);
  await runtimeStarts(init, 2);
});

test("C7: an error of a restore that was not asked for is refused", async () => {
  const init = await startIdle({ env: snapStart });
  const reply = await callRuntimeApi(init, "POST", "/restore/error", { body: "{}" });
  expect([reply.status, await reply.json()]).toEqual([
    403,
    {
      errorMessage:
        "State transition from Started to RuntimeRestoreErrorState failed for runtime. " +
        "Error: State transition is not allowed",
      errorType: "InvalidStateTransition",
    },
  ]);
});

describe("C10: credentials", () => {
  const keys = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "secret", AWS_SESSION_TOKEN: "session" };

  test("are told to the function with the token it has", async () => {
    const init = await startIdle({ env: { ...snapStart, ...keys } });
    const url = runtimeVariable(init, "AWS_CONTAINER_CREDENTIALS_FULL_URI") ?? "";
    const token = runtimeVariable(init, "AWS_CONTAINER_AUTHORIZATION_TOKEN") ?? "";
    const reply = await fetch(url, { headers: { Authorization: token } });
    expect([reply.status, await reply.json()]).toEqual([
      200,
      { AccessKeyId: "AKIA", SecretAccessKey: "secret", Token: "session", Expiration: expect.any(String) },
    ]);
    const refused = await fetch(url, { headers: { Authorization: "other" } });
    expect([refused.status, await refused.text()]).toEqual([404, "cannot get credentials for the provided token\n"]);
  });

  test.each([
    ["of another type", { AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand", ...keys }],
    ["without keys", { ...snapStart, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined }],
  ])("are not offered to a function %s", async (_, env) => {
    const init = await startIdle({ env });
    expect(runtimeVariable(init, "AWS_CONTAINER_CREDENTIALS_FULL_URI")).toBeUndefined();
    expect((await call(init, "GET", "/2021-04-23/credentials")).status).toBe(404);
  });
});
