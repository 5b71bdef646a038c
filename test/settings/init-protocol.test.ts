import { expect, test } from "bun:test";
import { initProtocol } from "../../src/settings/init-protocol.ts";

const absent = { initFailure: undefined, initPhaseTimeoutSeconds: undefined } as const;

test.each([
  ["nothing given", absent, "status", "none"],
  ["asked for", { ...absent, initFailure: "invoke" }, "invoke", "as on AWS"],
  ["a limit given", { ...absent, initPhaseTimeoutSeconds: 4 }, "invoke", 4],
  ["a bad limit given", { ...absent, initPhaseTimeoutSeconds: "default" }, "invoke", "as on AWS"],
  ["no limit asked for", { ...absent, initPhaseTimeoutSeconds: 0 }, "invoke", "none"],
  ["the old one asked for, with a limit", { initFailure: "status", initPhaseTimeoutSeconds: 4 }, "status", "none"],
] as const)("%s", (_, given, failure, limit) => {
  expect(initProtocol(given, undefined)).toEqual({ failure, limit });
  // Whoever waits for a debugger is not cut off.
  expect(initProtocol(given, "--inspect in NODE_OPTIONS")).toEqual({ failure, limit: "none" });
});
