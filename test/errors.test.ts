import { describe, expect, test } from "bun:test";
import {
  type Exit,
  faultBody,
  runtimeExitFault,
  timeoutFault,
  tooLargeBody,
  toStoredErrorType,
} from "../src/errors.ts";

describe("the end of a runtime", () => {
  test.each([
    [{ code: 0 }, "Runtime exited without providing a reason"],
    ...Array.from({ length: 255 }, (_, index): [Exit, string] => [
      { code: index + 1 },
      `Runtime exited with error: exit status ${index + 1}`,
    ]),
    [{ signal: "SIGKILL" }, "Runtime exited with error: signal: killed"],
    [{ signal: "SIGABRT" }, "Runtime exited with error: signal: aborted"],
    [{ signal: "SIGTRAP" }, "Runtime exited with error: signal: trace/breakpoint trap"],
    [{ signal: "SIGXCPU" }, "Runtime exited with error: signal: signal 24"],
    [{ signal: "SIGSTKFLT" }, "Runtime exited with error: signal: signal 16"],
    [{ signal: 34 }, "Runtime exited with error: signal: signal 34"],
  ] as [Exit, string][])("%j has AWS's text", (exit, reason) => {
    expect(runtimeExitFault(exit)).toEqual({ type: "Runtime.ExitError", reason });
  });
});

test("a fault has exactly two keys, message first", () => {
  expect(faultBody({ type: "Runtime.ExitError", reason: 'a "reason"' }, "id-1")).toBe(
    '{"errorMessage":"RequestId: id-1 Error: a \\"reason\\"","errorType":"Runtime.ExitError"}',
  );
});

test("a timeout names whole seconds with two decimals", () => {
  expect(timeoutFault(3)).toEqual({ type: "Sandbox.Timedout", reason: "Task timed out after 3.00 seconds" });
});

test("a payload above the limit names the limit, and no request", () => {
  expect(tooLargeBody(6_291_556)).toBe(
    '{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}',
  );
});

describe("an error type a runtime reports", () => {
  test.each([
    [undefined, "Runtime.Unknown"],
    ["", "Runtime.Unknown"],
    ["Error", "Runtime.Unknown"],
    ["Runtime.ImportModuleError", "Runtime.ImportModuleError"],
    ["Function.Handled", "Function.Handled"],
    ["xFunction.Ab foo", "xFunction.Ab foo"],
    ["Function.x", "Function.Unknown"],
    ["Function.A", "Function.Unknown"],
    ["Runtime.A", "Runtime.Unknown"],
    ["Runtime.9x", "Runtime.Unknown"],
  ])("%p is stored as %p", (reported, stored) => {
    expect(toStoredErrorType(reported)).toBe(stored);
  });
});
