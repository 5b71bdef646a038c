/** Ids of attempts, and what processes may know of where they run, through the binary. */
import { afterEach, describe, expect, test } from "bun:test";
import { call, callRuntimeApi, runtimeVariable, startIdle, startsOf } from "./support/idle.ts";
import { type Init, stopAll } from "./support/init.ts";

afterEach(stopAll);

const idHeader = "Lambda-Runtime-Invocation-Id";

async function poll(init: Init): Promise<string> {
  const reply = await callRuntimeApi(init, "GET", "/invocation/next");
  return reply.headers.get(idHeader) ?? "";
}

function respond(init: Init, id: string, headers: Record<string, string> = {}): Promise<Response> {
  return callRuntimeApi(init, "POST", `/invocation/${id}/response`, { body: '"done"', headers });
}

test("E1: an answer to an earlier attempt is not taken for the present one's", async () => {
  // Long enough for all that is asked and answered in the second attempt.
  const init = await startIdle({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" } });
  const polled = poll(init);
  await init.double.waitForReady();
  const id = await init.send("{}");
  const first = await polled;
  expect((await init.double.waitForResult(id)).kind).toBe("error");
  // LocalStack tries again, with the same request id. For a second that counts as a repetition, which is not run.
  do await init.send("{}", { id });
  while (startsOf(init) < 2);
  const second = await poll(init);
  expect(second).not.toBe(first);
  const late = await respond(init, id, { [idHeader]: first });
  expect([late.status, await late.json()]).toEqual([
    410,
    { errorMessage: "Invoke timeout", errorType: "InvokeTimeout" },
  ]);
  expect((await respond(init, id, { [idHeader]: second })).status).toBe(202);
});

test("E2: an answer need not say which attempt it is of", async () => {
  const init = await startIdle();
  const polled = poll(init);
  await init.double.waitForReady();
  const id = await init.send("{}");
  await polled;
  expect((await respond(init, id)).status).toBe(202);
});

describe("the metadata endpoint", () => {
  const path = "/2026-01-15/metadata/execution-environment";

  test("E3: tells the zone to whoever has the token", async () => {
    const init = await startIdle({ env: { AWS_REGION: "us-west-2" } });
    const Authorization = `Bearer ${runtimeVariable(init, "AWS_LAMBDA_METADATA_TOKEN")}`;
    const reply = await call(init, "GET", path, { headers: { Authorization } });
    expect([reply.status, await reply.json()]).toEqual([200, { AvailabilityZoneID: "usw2-az1" }]);
    expect(reply.headers.get("content-type")).toBe("application/json");
    expect(reply.headers.get("cache-control")).toBe("private, max-age=43200, immutable");
    expect((await call(init, "GET", path)).status).toBe(401);
    expect((await call(init, "GET", path, { headers: { Authorization: "Bearer x" } })).status).toBe(401);
    expect((await call(init, "POST", path, { headers: { Authorization } })).status).toBe(405);
  });

  test("E4: is named to the runtime, whatever the user had set", async () => {
    const init = await startIdle({ env: { AWS_LAMBDA_METADATA_API: "a:1", AWS_LAMBDA_METADATA_TOKEN: "mine" } });
    expect(runtimeVariable(init, "AWS_LAMBDA_METADATA_API")).toBe(`127.0.0.1:${init.runtimeApiPort}`);
    expect(runtimeVariable(init, "AWS_LAMBDA_METADATA_TOKEN")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
