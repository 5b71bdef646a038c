import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { stopwatch } from "../support/stopwatch.ts";
import { isBeyondQemu } from "../support/target.ts";
import { Gate } from "./support/gate.ts";
import { runFixture, startInit, stopAll } from "./support/init.ts";

afterEach(stopAll);

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

/** A program file that cannot be run as it is. */
function program(content: string, mode: number): string {
  const path = `${mkdtempSync(`${tmpdir()}/init-e2e-`)}/bootstrap`;
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** Starts a runtime that cannot start, stops init as LocalStack does once it was told, and returns everything it got. */
async function failure(command: readonly string[], options: Parameters<typeof startInit>[1] = {}) {
  const init = startInit(command, options);
  await init.double.waitForStatusError();
  const status = await init.stop();
  return { init, status, callbacks: init.double.callbacks };
}

/** As `failure`, but init is not told to stop. */
async function failureLeftAlone(command: readonly string[], options: Parameters<typeof startInit>[1] = {}) {
  const init = startInit(command, options);
  const status = await init.exitedByItself(40_000);
  return { init, status, callbacks: init.double.callbacks };
}

describe("exactly one status error, then exit 1, and never a ready, when the runtime", () => {
  const exitText = (code: number) =>
    code === 0 ? "Runtime exited without providing a reason" : `Runtime exited with error: exit status ${code}`;
  const rows: [what: string, command: string[], type: string, reason: string][] = [
    ...[0, 1, 2, 42, 126, 127, 128, 137, 143, 255].map((code): [string, string[], string, string] => [
      `exits with ${code}`,
      runFixture("exits-at-init.sh", String(code)),
      "Runtime.ExitError",
      exitText(code),
    ]),
    ...Object.entries({
      HUP: "hangup",
      INT: "interrupt",
      QUIT: "quit",
      ILL: "illegal instruction",
      TRAP: "trace/breakpoint trap",
      ABRT: "aborted",
      BUS: "bus error",
      FPE: "floating point exception",
      KILL: "killed",
      USR1: "user defined signal 1",
      SEGV: "segmentation fault",
      USR2: "user defined signal 2",
      PIPE: "broken pipe",
      ALRM: "alarm clock",
      TERM: "terminated",
      XCPU: "signal 24",
      SYS: "signal 31",
    }).map(([signal, text]): [string, string[], string, string] => [
      `ends by SIG${signal}`,
      runFixture("kills-itself-at-init.sh", signal),
      "Runtime.ExitError",
      `Runtime exited with error: signal: ${text}`,
    ]),
    [
      "is missing",
      ["/missing/bootstrap"],
      "Runtime.InvalidEntrypoint",
      "fork/exec /missing/bootstrap: no such file or directory",
    ],
    [
      "is not in PATH",
      ["no-such-program"],
      "Runtime.InvalidEntrypoint",
      'exec: "no-such-program": executable file not found in $PATH',
    ],
  ];
  for (const path of [program("echo no shebang\n", 0o755), program("", 0o755)]) {
    rows.push([
      "has no executable format",
      [path],
      "Runtime.InvalidEntrypoint",
      `fork/exec ${path}: exec format error`,
    ]);
  }
  const noInterpreter = program("#!/missing/interpreter\n", 0o755);
  rows.push([
    "has no interpreter",
    [noInterpreter],
    "Runtime.InvalidEntrypoint",
    `fork/exec ${noInterpreter}: no such file or directory`,
  ]);
  const directory = mkdtempSync(`${tmpdir()}/init-e2e-`);
  rows.push(["is a directory", [directory], "Runtime.InvalidEntrypoint", `fork/exec ${directory}: permission denied`]);

  const isRefused = ([, , , reason]: (typeof rows)[number]) => reason.startsWith("fork/exec ");
  const told = async (_: string, command: string[], type: string, reason: string) => {
    const { status, callbacks } = await failure(command);
    expect(status).toBe(1);
    expect(callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
    const body = JSON.parse(callbacks[0]?.text ?? "") as Record<string, string>;
    expect(Object.keys(body)).toEqual(["errorMessage", "errorType"]);
    expect(body.errorType).toBe(type);
    expect(body.errorMessage).toMatch(new RegExp(`^RequestId: ${uuid} Error: `));
    expect(body.errorMessage?.replace(/^.*? Error: /, "")).toBe(reason);
    expect(callbacks[0]?.headers["content-type"]).toBe("application/json");
  };
  test.each(rows.filter((row) => !isRefused(row)))("%s", told);
  test.skipIf(isBeyondQemu("errors of exec")).each(rows.filter(isRefused))("%s", told);
});

test("a runtime that starts is reported ready, once, and no error (the control of the table above)", async () => {
  const init = startInit(runFixture("echoes.ts"));
  await init.double.waitForReady();
  await init.invoke("{}");
  expect(await init.stop()).toBe(0);
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["ready", "logs", "response"]);
});

test("a file without the executable bit is made executable", async () => {
  const { callbacks } = await failure([program("#!/bin/sh\nexit 9\n", 0o644)]);
  expect(callbacks[0]?.text).toContain("exit status 9");
});

describe("a runtime's own init error", () => {
  const own = '{"errorType":"ImportError","errorMessage":"no module","trace":["a","b"],"stackTrace":[]}';
  const rows: [what: string, body: string, then: string, told: string][] = [
    ["is posted with every field in its order, and requestId", own, "1", `${own.slice(0, -1)},"requestId":""}`],
    ["is posted when the runtime exits with 0", own, "0", `${own.slice(0, -1)},"requestId":""}`],
    ["is posted when the runtime stays", own, "stay", `${own.slice(0, -1)},"requestId":""}`],
    [
      "has its own requestId replaced, in its place",
      '{"requestId":"x","errorType":"E"}',
      "1",
      '{"requestId":"","errorType":"E"}',
    ],
    [
      "keeps its numbers, its blanks and the order of its keys",
      '{ "errorMessage":"m","errorType":"T", "orderId":12345678901234567890,"2":"b","1":"a","x":1.10 }',
      "1",
      '{ "errorMessage":"m","errorType":"T", "orderId":12345678901234567890,"2":"b","1":"a","x":1.10 ,"requestId":""}',
    ],
    [
      "may be nested however deep",
      `{"errorMessage":"m","errorType":"T","cause":${"[".repeat(40_000)}${"]".repeat(40_000)}}`,
      "1",
      `{"errorMessage":"m","errorType":"T","cause":${"[".repeat(40_000)}${"]".repeat(40_000)},"requestId":""}`,
    ],
    ["is posted raw when it is no JSON", "just text", "1", "just text"],
    ["is posted raw when it is no object", '["a" ]', "1", '["a" ]'],
    ["is posted empty when it is empty", "", "1", ""],
  ];
  test.each(rows)("%s", async (_, body, then, told) => {
    const init = startInit(runFixture("reports-an-init-error.bash", body, then));
    await init.double.waitForStatusError();
    // Its last words, which it still has time for.
    await init.waitForStdout("init answered: HTTP/1.1 202 Accepted");
    expect(await init.stop()).toBe(1);
    expect(init.double.callbacks.map(({ kind, text }) => [kind, text])).toEqual([["status error", told]]);
  });
});

test("a working directory that vanished is named", async () => {
  const cwd = mkdtempSync(`${tmpdir()}/init-e2e-`);
  // Bun itself refuses to start without a working directory: it goes away while the binary starts the runtime.
  const { callbacks } = await failure(["sh", "-c", `rmdir ${cwd}; exit 1`], { cwd });
  expect(callbacks[0]?.text).toContain("exit status 1");
});

test("what the runtime wrote before it failed reaches init's stdout whole", async () => {
  const { init, callbacks } = await failure(runFixture("writes-at-the-end.ts", "3000000", "4"));
  expect(callbacks[0]?.text).toContain("exit status 4");
  expect(init.stdout.length).toBe(3_000_000);
});

test("an invocation that waited for the init that failed gets the error too, after the status", async () => {
  const gate = new Gate();
  const init = startInit(["sh", "-c", 'read line < "$GATE"; exit 5'], { env: { GATE: gate.path } });
  let id: string | undefined;
  while (id === undefined) id = await init.send("{}").catch(() => undefined); // Until the server listens.
  await gate.open();
  await init.double.waitForResult(id);
  expect(await init.stop()).toBe(1);
  expect(init.double.callbacks.map(({ kind }) => kind)).toEqual(["status error", "logs", "error"]);
  expect(init.double.callbacks[2]?.text).toBe(
    `{"errorMessage":"RequestId: ${id} Error: Runtime exited with error: exit status 5","errorType":"Runtime.ExitError"}`,
  );
});

describe("LocalStack", () => {
  test("that cannot be reached is tried again, then one line tells, and init ends", async () => {
    const { status, init } = await failureLeftAlone(runFixture("exits-at-init.sh", "1"), { withoutLocalStack: true });
    expect(status).toBe(1);
    expect(init.stderr).toMatch(/^\S+ ERROR LocalStack could not be told: POST \S+\/error failed: ECONNREFUSED.*\n$/);
  });

  test("that looks at the container after it was told finds it for ten seconds, serving nothing", async () => {
    const init = startInit(runFixture("exits-at-init.sh", "1"));
    await init.double.waitForStatusError();
    const [toldAt, elapsed] = [performance.now(), stopwatch()];
    const answer = await init.post('{"invoke-id":"late","payload":"{}"}');
    expect(answer.status).toBe(503);
    expect(await init.exitedByItself()).toBe(1);
    expect(elapsed()).toBeLessThan(12_000);
    expect(performance.now() - toldAt).toBeGreaterThan(9000);
    expect(init.double.callbacks).toHaveLength(1);
  }, 30_000);

  test("that resets connections gets the error as soon as it listens", async () => {
    let resets = 3;
    const { status, callbacks } = await failure(runFixture("exits-at-init.sh", "1"), {
      misbehave: () => (resets-- > 0 ? "reset" : undefined),
    });
    expect(status).toBe(1);
    expect(callbacks.map(({ kind }) => kind)).toEqual(["status error"]);
  });

  test("that answers 500 is not asked again", async () => {
    const { status, callbacks } = await failure(runFixture("exits-at-init.sh", "1"), {
      misbehave: () => ({ status: 500 }),
    });
    expect(status).toBe(1);
    expect(callbacks).toHaveLength(1);
  });

  test("that never answers holds nothing up for ever", async () => {
    const { status, init } = await failureLeftAlone(runFixture("exits-at-init.sh", "1"), {
      misbehave: () => "silence",
    });
    expect(status).toBe(1);
    expect(init.stderr).toContain("no answer within 10 s");
    expect(init.double.callbacks).toHaveLength(1);
  }, 60_000);
});
