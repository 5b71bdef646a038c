import { describe, expect, test } from "bun:test";
import type { InitOutcome } from "../../../src/environment/init-outcome.ts";
import { type FailureProtocol, toStartStatus } from "../../../src/frontend/localstack/start-status.ts";

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
const bytes = (text: string) => new TextEncoder().encode(text);

const outcomes = {
  ready: { kind: "ready" },
  reported: { kind: "init error", body: bytes('{"errorType":"E","x":1.0}'), errorType: "E" },
  fault: { kind: "fault", fault: { type: "Runtime.ExitError", reason: "gone" } },
  overdue: { kind: "overdue", limitMs: 1000 },
  cancelled: { kind: "cancelled" },
} as const satisfies Record<string, InitOutcome>;

const told: Record<keyof typeof outcomes, RegExp | undefined> = {
  ready: undefined,
  reported: /^\{"errorType":"E","x":1\.0,"requestId":""\}$/,
  fault: new RegExp(`^\\{"errorMessage":"RequestId: ${uuid} Error: gone","errorType":"Runtime\\.ExitError"\\}$`),
  overdue: new RegExp(
    `^\\{"errorMessage":"RequestId: ${uuid} Error: Init phase timed out after 1 seconds","errorType":"Sandbox\\.Timeout"\\}$`,
  ),
  cancelled: new RegExp(
    `^\\{"errorMessage":"RequestId: ${uuid} Error: Init was called off before it had ended","errorType":"Sandbox\\.Failure"\\}$`,
  ),
};

const names = Object.keys(outcomes) as (keyof typeof outcomes)[];

describe.each([
  { initFailure: "status", initializationType: "on-demand" },
  { initFailure: "status", initializationType: "provisioned-concurrency" },
  { initFailure: "status", initializationType: "lambda-managed-instances" },
  { initFailure: "invoke", initializationType: "provisioned-concurrency" },
  { initFailure: "invoke", initializationType: "lambda-managed-instances" },
] as FailureProtocol[])("with %j an init that is", (protocol) => {
  test.each(names)("%s is told by its own status", async (name) => {
    const status = await toStartStatus(outcomes[name], protocol);
    if (!told[name]) expect(status).toBeUndefined();
    else expect(Buffer.from(status?.body ?? "").toString()).toMatch(told[name]);
  });
});

test.each(names)("an on-demand environment whose init is %s is ready where invocations tell of it", async (name) => {
  const protocol = { initFailure: "invoke", initializationType: "on-demand" } as const;
  expect(await toStartStatus(outcomes[name], protocol)).toBeUndefined();
});
