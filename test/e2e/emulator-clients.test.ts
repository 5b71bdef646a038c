/** AWS's own clients, unmodified: what they make of the emulator's answers. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { whyMissing } from "./support/clients.ts";
import {
  type Emulator,
  scriptedRuntime,
  startEmulator,
  stopEmulators,
  textOf,
  withReport,
} from "./support/emulator.ts";
import { Gate } from "./support/gate.ts";
import { fixture, within } from "./support/init.ts";
import { javaScriptSdk, pythonSdk, samCli } from "./support/sdk-clients.ts";

afterEach(stopEmulators);

interface Sdk {
  readonly name: string;
  readonly missing: string | undefined;
  /** How an exception of the SDK is called. */
  readonly command: (endpoint: string, command: string) => string[];
  readonly env?: Record<string, string>;
}

const sdks: Sdk[] = [
  {
    name: javaScriptSdk.name,
    missing: whyMissing(javaScriptSdk),
    command: (endpoint, command) => [
      "node",
      fixture("api-clients/javascript-sdk.mjs"),
      `${javaScriptSdk.directory}/node_modules/@aws-sdk/client-lambda/dist-cjs/index.js`,
      endpoint,
      command,
    ],
  },
  {
    name: pythonSdk.name,
    missing: whyMissing(pythonSdk),
    command: (endpoint, command) => ["python3", fixture("api-clients/boto.py"), endpoint, command],
    env: { PYTHONPATH: pythonSdk.directory },
  },
];

async function run(command: string[], env: Record<string, string> = {}, input = ""): Promise<string> {
  const child = Bun.spawn(command, {
    env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", AWS_EC2_METADATA_DISABLED: "true", ...env },
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await within(
    Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]),
    command.join(" "),
  );
  if (out.trim() === "") throw new Error(`${command.join(" ")} wrote nothing but: ${err}`);
  return out;
}

for (const sdk of sdks) {
  const call = async (emulator: Emulator, script: unknown, input: Record<string, unknown> = {}) => {
    const payload = script === undefined ? {} : { Payload: JSON.stringify(script) };
    const command = JSON.stringify({ FunctionName: "fn", ...payload, ...input });
    return JSON.parse(await run(sdk.command(emulator.url, command), sdk.env));
  };

  describe.skipIf(sdk.missing !== undefined)(sdk.name, () => {
    test("sees a result, a log, a version and a request id", async () => {
      const emulator = await startEmulator();
      const script = { respond: '{"a":1}', print: "said\n" };
      const answer = await withReport(
        () => call(emulator, script, { LogType: "Tail" }),
        ({ LogResult }) => LogResult,
      );
      expect(answer).toMatchObject({ StatusCode: 200, Payload: '{"a":1}', ExecutedVersion: "$LATEST" });
      expect(answer.FunctionError).toBeUndefined();
      expect(textOf(answer.LogResult)).toMatch(/^START .*\nsaid\nEND .*\nREPORT .*\n$/);
      expect(answer.requestId).toMatch(/^[0-9a-f-]{36}$/);
    });

    test("sees that a function failed, and raises nothing", async () => {
      const emulator = await startEmulator(scriptedRuntime, { env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "5" } });
      expect(await call(emulator, { error: '{"errorType":"V"}' })).toMatchObject({
        StatusCode: 200,
        FunctionError: "Unhandled",
        Payload: '{"errorType":"V"}',
      });
      for (const [script, type] of [
        [{ exit: 1 }, "Runtime.ExitError"],
        [{ hang: true }, "Sandbox.Timedout"],
      ] as const) {
        const { StatusCode, FunctionError, Payload } = await call(emulator, script);
        expect([StatusCode, FunctionError, JSON.parse(Payload).errorType]).toEqual([200, "Unhandled", type]);
      }
    });

    test("T3: may name the function by its ARN, and an alias", async () => {
      const emulator = await startEmulator();
      const FunctionName = "arn:aws:lambda:us-east-1:123456789012:function:fn";
      const { Payload } = await call(emulator, {}, { FunctionName, Qualifier: "live" });
      expect(JSON.parse(Payload).headers["lambda-runtime-invoked-function-arn"]).toBe(`${FunctionName}:live`);
    });

    test("T13, T17, T19: may send an Event, a DryRun, and no payload at all", async () => {
      const emulator = await startEmulator();
      expect(await call(emulator, {}, { InvocationType: "Event" })).toMatchObject({ StatusCode: 202 });
      expect(await call(emulator, {}, { InvocationType: "DryRun" })).toMatchObject({ StatusCode: 204 });
      const { Payload } = await call(emulator, undefined);
      expect(JSON.parse(Payload).event).toEqual({});
    });

    test("T19, T22: raises AWS's exceptions", async () => {
      const emulator = await startEmulator(scriptedRuntime, {
        flags: ["--queue", "0"],
        env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "60" },
      });
      const broken = await call(emulator, undefined, { Payload: "{not json" });
      expect(broken).toMatchObject({ name: "InvalidRequestContentException", status: 400 });
      expect(broken.message).toStartWith("Could not parse request body into json");
      const gate = new Gate();
      const first = emulator.invoke({ print: "here\n", until: gate.path });
      await emulator.until("the function to run", ({ stdout }) => stdout.includes("here"));
      expect(await call(emulator, {})).toMatchObject({ name: "TooManyRequestsException", status: 429 });
      await gate.open();
      await first;
    });

    test("T30, T33, T34: takes streams apart, and sees what broke one off", async () => {
      const emulator = await startEmulator();
      const streamed = (script: object, input = {}) => call(emulator, script, { stream: true, ...input });
      const whole = await withReport(
        () => streamed({ stream: { parts: ["one", "two"], everyMs: 500 } }, { LogType: "Tail" }),
        ({ complete }) => complete.LogResult,
      );
      expect([whole.ExecutedVersion, whole.chunks]).toEqual(["$LATEST", ["one", "two"]]);
      expect(textOf(whole.complete.LogResult)).toContain("REPORT");
      expect(await streamed({ respond: '{"a":1}' })).toMatchObject({ chunks: ['{"a":1}'], complete: {} });
      const end = { errorType: "Runtime.HalfWay", errorBody: '{"errorMessage":"é"}' };
      expect(await streamed({ stream: { parts: ["half"], end } })).toMatchObject({
        chunks: ["half"],
        complete: { ErrorCode: end.errorType, ErrorDetails: end.errorBody },
      });
      expect(await streamed({ error: '{"errorType":"V"}', errorType: "Function.Vague" })).toMatchObject({
        chunks: [],
        complete: { ErrorCode: "Function.Vague", ErrorDetails: '{"errorType":"V"}' },
      });
    });
  });
}

describe.skipIf(whyMissing(pythonSdk) !== undefined)("the AWS CLI", () => {
  test("prints what a call came to", async () => {
    const emulator = await startEmulator();
    const outfile = `${mkdtempSync(`${tmpdir()}/aws-cli-`)}/out.json`;
    const aws = (payload: string) => {
      const lambda = ["lambda", "invoke", "--endpoint-url", emulator.url, "--function-name", "fn"];
      const command = [
        `${pythonSdk.directory}/bin/aws`,
        ...lambda,
        "--payload",
        payload,
        "--log-type",
        "Tail",
        outfile,
      ];
      return run(["python3", ...command], {
        PYTHONPATH: pythonSdk.directory,
        AWS_ACCESS_KEY_ID: "x",
        AWS_SECRET_ACCESS_KEY: "y",
        AWS_DEFAULT_REGION: "us-east-1",
        AWS_MAX_ATTEMPTS: "1",
      });
    };
    const good = await withReport(
      async () => JSON.parse(await aws("{}")),
      ({ LogResult }) => LogResult,
    );
    expect(good).toMatchObject({ StatusCode: 200, ExecutedVersion: "$LATEST" });
    expect(textOf(good.LogResult)).toContain("REPORT");
    expect(JSON.parse(readFileSync(outfile, "utf8"))).toHaveProperty("pid");
    expect(JSON.parse(await aws('{"error":"{}"}'))).toMatchObject({ StatusCode: 200, FunctionError: "Unhandled" });
  });
});

describe.skipIf(whyMissing(samCli) !== undefined)("SAM CLI", () => {
  test("T60: reads errors in our answers, and finds REPORT in our output", async () => {
    const emulator = await startEmulator();
    const answers = [];
    // START is long read when END is written, as with every function that has something to do.
    const sleepMs = 500;
    for (const script of [{ respond: "1" }, { error: '{"errorMessage":"m","errorType":"E"}' }, { exit: 1 }]) {
      answers.push(await (await emulator.invoke({ ...script, sleepMs })).text());
    }
    await emulator.until("three reports", ({ stdout }) => stdout.split("REPORT").length > 3);
    const logs = emulator.chunks.map(({ bytes }) => bytes.toString()).filter((text) => text.includes("REPORT"));
    const command = ["python3", fixture("api-clients/sam_reads.py"), samCli.directory];
    const read = JSON.parse(await run(command, {}, JSON.stringify({ answers, logs })));
    expect(read.errors).toEqual([false, true, true]);
    // Before the REPORT of a crash stands a line of its own, which a reader may get together with it: that costs SAM a second.
    expect(read.reports.slice(0, 2)).toEqual([true, true]);
  });
});
