import { expect, test } from "bun:test";
import { oneAtATime } from "../../src/environment/policy.ts";
import { localstackPolicy } from "../../src/modes/localstack-policy.ts";
import type { InitProtocol } from "../../src/settings/init-protocol.ts";

const onDemand = { initializationType: "on-demand", maxConcurrency: undefined, timeoutSeconds: 3 };
const provisioned = { ...onDemand, initializationType: "provisioned-concurrency" };
const status: InitProtocol = { failure: "status", limit: "none" };
const invoke: InitProtocol = { failure: "invoke", limit: "as on AWS" };

test("the protocol of the seed: init has no limit, and its failure is the environment's", () => {
  expect(localstackPolicy(onDemand, status, undefined)).toBe(oneAtATime);
  expect(localstackPolicy(provisioned, status, undefined)).toBe(oneAtATime);
});

test.each([
  ["on demand", onDemand, invoke, 10_000, "resetting", true],
  ["on demand, with a limit", onDemand, { failure: "invoke", limit: 4 }, 4000, "resetting", true],
  ["on demand, without one", onDemand, { failure: "invoke", limit: "none" }, undefined, "resetting", true],
  ["provisioned", provisioned, invoke, 130_000, "failed", false],
  ["provisioned, long", { ...provisioned, timeoutSeconds: 900 }, invoke, 900_000, "failed", false],
  ["provisioned, with a limit", provisioned, { failure: "invoke", limit: 1 }, 1000, "failed", false],
] as const)("the newer protocol, %s", (_, given, protocol, initLimitMs, afterFailedInit, reportsInitDuration) => {
  const policy = localstackPolicy(given, protocol, undefined);
  expect(policy).toMatchObject({ afterFailedInit, reportsInitDuration, concurrency: 1, hasInitReports: true });
  expect(policy.initLimitMs).toBe(initLimitMs as number);
});

test("managed instances have AWS's limit whatever the protocol, unless a debugger waits", () => {
  const managed = { ...onDemand, maxConcurrency: 4 };
  expect(localstackPolicy(managed, status, undefined)).toMatchObject({ concurrency: 4, initLimitMs: 130_000 });
  expect(localstackPolicy(managed, status, "AWS_LAMBDA_DEBUG_PORT").initLimitMs).toBeUndefined();
});
