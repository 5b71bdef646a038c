import { describe, expect, test } from "bun:test";
import {
  environmentPrefix,
  execLine,
  LinePrefix,
  paintPlatformLines,
  welcomeLines,
  withReportApart,
} from "../../../src/frontend/emulator/terminal.ts";

const now = new Date(2026, 10, 5, 9, 8, 7, 6);

/** What programs wait for. */
const pattern = /\[INFO\] \(rapid\) exec '[^']+' \(cwd=[^,]+, handler=[^)]*\)/;

describe("the line programs wait for", () => {
  test.each([
    [["/var/runtime/bootstrap"], "/var/task", true, "exec '/var/runtime/bootstrap' (cwd=/var/task, handler=)"],
    [["/var/runtime/bootstrap"], "/var/task", false, "exec '/var/runtime/bootstrap' (cwd=/var/task, handler=)"],
    [
      ["/usr/bin/python3", "-m", "awslambdaric", "app.h"],
      "/w",
      false,
      "exec '/usr/bin/python3' (cwd=/w, handler=app.h)",
    ],
  ])("T44: for %j", (command, cwd, isSearched, text) => {
    const line = execLine({ command, cwd, isSearched }, now);
    expect(line).toBe(`05 Nov 2026 09:08:07,006 [INFO] (rapid) ${text}`);
    expect(line).toMatch(pattern);
  });
});

test("T60: REPORT is written with its END alone", () => {
  const end = "END RequestId: a\nREPORT RequestId: a\tDuration: 1.00 ms\tStatus: error\n";
  const crash = "RequestId: a Error: Runtime exited\nRuntime.ExitError\n";
  expect(withReportApart(crash + end)).toEqual([crash, end]);
  expect(withReportApart(end)).toEqual([end]);
  expect(withReportApart("START RequestId: a Version: 1\n")).toEqual(["START RequestId: a Version: 1\n"]);
});

describe("on a terminal", () => {
  test("a start has at most five lines, with one to paste", () => {
    const lines = welcomeLines({
      functionName: "fn",
      hostname: "0.0.0.0",
      port: 8080,
      hasPage: true,
      functionUrlPort: 9010,
    });
    expect(lines.length).toBeLessThanOrEqual(5);
    expect(lines.join("\n")).toContain("curl -d '{}' http://localhost:8080/2015-03-31/functions/fn/invocations");
    expect(lines.join("\n")).toContain("http://localhost:9010/");
    const bare = welcomeLines({
      functionName: "fn",
      hostname: "::1",
      port: 1,
      hasPage: false,
      functionUrlPort: undefined,
    });
    expect(bare).toHaveLength(2);
    expect(bare[0]).toContain("http://[::1]:1");
  });

  test("an invocation has one coloured REPORT line", () => {
    const good = "END RequestId: a\nREPORT RequestId: a\tDuration: 1.00 ms\t\n";
    expect(paintPlatformLines(good)).toBe("\x1b[32mREPORT RequestId: a  Duration: 1.00 ms\x1b[0m\n");
    const bad = "END RequestId: a\nREPORT RequestId: a\tDuration: 1.00 ms\tStatus: timeout\n";
    expect(paintPlatformLines(bad)).toStartWith("\x1b[31mREPORT");
    expect(paintPlatformLines("START RequestId: a Version: $LATEST\n")).toBe("");
    expect(paintPlatformLines("INIT_REPORT Init Duration: 1 ms\tStatus: error\n")).toStartWith("\x1b[31mINIT_REPORT");
  });

  test("each line of an environment has its name, however its output is cut", () => {
    const lines = new LinePrefix();
    const shown = ["a\nb", "é\n", "\n", "c"].map((piece) =>
      Buffer.from(lines.apply(Buffer.from(piece), "[2] ")).toString(),
    );
    expect(shown).toEqual(["[2] a\n[2] b", "é\n", "[2] \n", "[2] c"]);
    expect(Buffer.from(lines.apply(Buffer.from("d\ne"), "")).toString()).toBe("d\ne");
  });

  test("an environment is named where there are several", () => {
    expect(environmentPrefix(0, 1)).toBe("");
    expect(environmentPrefix(1, 2)).toContain("[2]");
  });
});
