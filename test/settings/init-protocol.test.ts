import { expect, test } from "bun:test";
import { initProtocol } from "../../src/settings/init-protocol.ts";

const onDemand = { initializationType: "on-demand", timeoutSeconds: 3 };
const provisioned = { initializationType: "provisioned-concurrency", timeoutSeconds: 3 };
const absent = { initFailure: undefined, initPhaseTimeoutSeconds: undefined } as const;

test.each([
  ["nothing given", { ...onDemand, ...absent }, "status", undefined],
  ["asked for", { ...onDemand, ...absent, initFailure: "invoke" }, "invoke", 10],
  ["a limit given", { ...onDemand, ...absent, initPhaseTimeoutSeconds: 4 }, "invoke", 4],
  ["a bad limit given", { ...onDemand, ...absent, initPhaseTimeoutSeconds: "default" }, "invoke", 10],
  ["no limit asked for", { ...onDemand, ...absent, initPhaseTimeoutSeconds: 0 }, "invoke", undefined],
  [
    "the old one asked for, with a limit",
    { ...onDemand, initFailure: "status", initPhaseTimeoutSeconds: 4 },
    "status",
    undefined,
  ],
  ["another type", { ...provisioned, ...absent, initFailure: "invoke" }, "invoke", 130],
  [
    "another type, a long timeout",
    { ...provisioned, ...absent, initFailure: "invoke", timeoutSeconds: 900 },
    "invoke",
    900,
  ],
  ["another type, a limit given", { ...provisioned, ...absent, initPhaseTimeoutSeconds: 1 }, "invoke", 1],
  ["another type, a bad limit", { ...provisioned, ...absent, initPhaseTimeoutSeconds: "default" }, "invoke", 130],
] as const)("%s", (_, given, failure, limitSeconds) => {
  expect(initProtocol(given, undefined)).toEqual({ failure, limitSeconds });
  // Whoever waits for a debugger is not cut off.
  expect(initProtocol(given, "--inspect in NODE_OPTIONS")).toEqual({ failure, limitSeconds: undefined });
});
