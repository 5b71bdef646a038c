import { describe, expect, test } from "bun:test";
import {
  defaultHostname,
  type LimitFacts,
  limitsOf,
  lookAround,
  whyNotStartable,
} from "../../../src/frontend/emulator/surroundings.ts";

const usual: LimitFacts = {
  timeoutSeconds: 3,
  initializationType: "on-demand",
  isTimeoutOff: false,
  debuggerMark: undefined,
};

describe("where it runs", () => {
  test.each([
    [true, false, "127.0.0.1"],
    [true, true, "0.0.0.0"],
    [false, false, "0.0.0.0"],
  ])("terminal %p, container %p: it listens on %s", (isTerminal, isContainer, hostname) => {
    expect(defaultHostname({ isTerminal, isContainer })).toBe(hostname);
  });

  test("CI says that nobody looks", () => {
    expect(lookAround({ CI: "true" }, true).isTerminal).toBe(false);
    expect(lookAround({ CI: "" }, true).isTerminal).toBe(true);
    expect(lookAround({}, false).isTerminal).toBe(false);
  });
});

describe("limits", () => {
  test("E7: init has 10 seconds of its own, on demand", () => {
    expect(limitsOf(usual)).toEqual({ timeoutSeconds: 3, initLimitMs: 10_000, notice: undefined });
  });

  test.each([
    [3, 130_000],
    [900, 900_000],
  ])("another kind of environment with a timeout of %d s has %d ms", (timeoutSeconds, initLimitMs) => {
    const facts = { ...usual, timeoutSeconds, initializationType: "snap-start" };
    expect(limitsOf(facts)).toMatchObject({ timeoutSeconds, initLimitMs });
  });

  test.each([
    [{ isTimeoutOff: true }, "--no-timeout"],
    [{ debuggerMark: "--inspect in NODE_OPTIONS" }, "--inspect in NODE_OPTIONS"],
    [{ timeoutSeconds: 36_000 }, "a timeout of 36000 s"],
  ])("T45: are off with %j, and it is said why", (facts, reason) => {
    expect(limitsOf({ ...usual, ...facts })).toEqual({
      timeoutSeconds: 36_000,
      initLimitMs: undefined,
      notice: `time limits are off (${reason}): neither init nor a call is cut off`,
    });
  });
});

describe("T8: a command that cannot be started", () => {
  test.each([
    ["/no/such/program", "/bin", false, 'the command "/no/such/program" does not exist: calls fail until it is there'],
    [
      "no-such-program",
      "/bin",
      false,
      'the command "no-such-program" is in no directory of PATH (/bin): calls fail until it is there',
    ],
    ["/var/task/no-bootstrap", "", true, "there is no bootstrap in /var/task, /opt or /var/runtime"],
  ])("%s is named", (program, path, isSearched, text) => {
    expect(whyNotStartable(program, path, isSearched)).toStartWith(text);
  });

  test.each([
    ["sh", "/usr/bin:/bin"],
    ["/bin/sh", ""],
  ])("%s is none", (program, path) => {
    expect(whyNotStartable(program, path, false)).toBeUndefined();
  });
});
