/**
 * T65: AWS's emulator and ours answer the same calls in the same run. Where they differ stands the decision that says so
 * (docs/contract/emulator.md 8); everywhere else they must not.
 */
import { afterEach, describe, expect, test } from "bun:test";
import {
  type Emulator,
  type EmulatorOptions,
  invokePath,
  scriptedRuntime,
  startEmulator,
  stopEmulators,
} from "./support/emulator.ts";
import { Gate } from "./support/gate.ts";
import { referenceEmulator } from "./support/sdk-clients.ts";

afterEach(stopEmulators);

/** What is compared: `<id>` stands for the request id. */
interface Seen {
  readonly status: number;
  readonly body: string;
  readonly functionError: string | null;
}

interface Case {
  readonly name: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly path?: string;
  readonly method?: string;
  readonly reference: Partial<Seen>;
  readonly ours: Partial<Seen>;
  /** The decisions that explain a difference; none: there must be none. */
  readonly why?: string;
}

const fault = (errorType: string, reason: string) =>
  JSON.stringify({ errorType, errorMessage: `RequestId: <id> Error: ${reason}` });
const exitError = (reason: string) => fault("Runtime.ExitError", reason);
const good = (body: string): Partial<Seen> => ({ status: 200, body, functionError: null });
const failed = (body: string): Partial<Seen> => ({ status: 200, body, functionError: "Unhandled" });
const unmarked = (status: number, body: string): Partial<Seen> => ({ status, body, functionError: null });
const script = (value: object) => JSON.stringify(value);
const tooLarge = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";

const cases: Case[] = [
  { name: "R1 ok", body: script({ respond: '{"a": 1}' }), reference: good('{"a": 1}'), ours: good('{"a": 1}') },
  { name: "R2 null", body: script({ respond: "null" }), reference: good("null"), ours: good("null") },
  { name: "R2 an empty response", body: script({ respond: "" }), reference: good(""), ours: good("") },
  {
    name: "R3 a handler's error",
    body: script({ error: '{"errorMessage": "m", "errorType": "V"}' }),
    reference: unmarked(200, '{"errorMessage": "m", "errorType": "V"}'),
    ours: failed('{"errorMessage": "m", "errorType": "V"}'),
    why: "E1",
  },
  {
    name: "R8 exit 1 in the call",
    body: script({ exit: 1 }),
    reference: unmarked(502, exitError("Runtime exited with error: exit status 1")),
    ours: failed(exitError("Runtime exited with error: exit status 1")),
    why: "E1",
  },
  {
    name: "R9 exit 0 in the call",
    body: script({ exit: 0 }),
    reference: unmarked(502, exitError("Runtime exited without providing a reason")),
    ours: failed(exitError("Runtime exited without providing a reason")),
    why: "E1",
  },
  {
    name: "R10 SIGKILL in the call",
    body: script({ kill: "SIGKILL" }),
    reference: unmarked(502, exitError("Runtime exited with error: signal: killed")),
    ours: failed(exitError("Runtime exited with error: signal: killed")),
    why: "E1",
  },
  {
    name: "R11 exit behind the answer",
    body: script({ respond: '"answered"', exitAfterAnswer: 3 }),
    reference: unmarked(502, '"answered"'),
    ours: good('"answered"'),
    why: "E1",
  },
  {
    name: "R13 a timeout",
    body: script({ hang: true }),
    reference: unmarked(200, "Task timed out after 4.00 seconds"),
    ours: failed(fault("Sandbox.Timedout", "Task timed out after 4.00 seconds")),
    why: "E1",
  },
  {
    name: "R18 a response that is too large",
    body: script({ respondBytes: 6_291_557 }),
    reference: unmarked(200, JSON.stringify({ errorType: "Function.ResponseSizeTooLarge", errorMessage: tooLarge })),
    ours: failed(JSON.stringify({ errorType: "Function.ResponseSizeTooLarge", errorMessage: tooLarge })),
    why: "E1",
  },
  {
    name: "R20 an event that is no JSON",
    body: "{not json",
    // The scripted runtime ends over it.
    reference: { status: 502 },
    ours: { status: 400, functionError: null },
    why: "E10",
  },
  {
    name: "R22 another path",
    path: "/",
    reference: unmarked(404, "404 page not found\n"),
    ours: { status: 405 },
    why: "E19",
  },
  {
    name: "R22 another name",
    body: script({ respond: "1" }),
    path: "/2015-03-31/functions/fn/invocations",
    reference: unmarked(404, "404 page not found\n"),
    ours: good("1"),
    why: "E2",
  },
  {
    name: "GET",
    method: "GET",
    // It runs the function, with an event that is empty.
    reference: { status: 502 },
    ours: { status: 405 },
    why: "E18",
  },
  {
    name: "R24 an Event",
    body: script({ respond: "1" }),
    headers: { "X-Amz-Invocation-Type": "Event" },
    reference: good("1"),
    ours: unmarked(202, ""),
    why: "E14",
  },
  {
    name: "R25 a DryRun",
    body: script({ respond: "1" }),
    headers: { "X-Amz-Invocation-Type": "DryRun" },
    reference: good("1"),
    ours: unmarked(204, ""),
    why: "E1",
  },
  {
    name: "R27 a client context that is no base64",
    body: script({ respond: "1" }),
    headers: { "X-Amz-Client-Context": "%%%" },
    reference: unmarked(500, ""),
    ours: { status: 400 },
    why: "E1",
  },
  {
    name: "R28 a stream",
    body: script({ stream: { parts: ["a", "b"], everyMs: 20 } }),
    reference: good("ab"),
    ours: good("ab"),
  },
  {
    name: "R29 a stream with a prelude",
    body: script({ stream: { parts: ['{"statusCode":201}\0\0\0\0\0\0\0\0body'] } }),
    reference: good('{"statusCode":201}\0\0\0\0\0\0\0\0body'),
    ours: good('{"statusCode":201}\0\0\0\0\0\0\0\0body'),
  },
  {
    name: "R30 a stream with an error behind it",
    body: script({ stream: { parts: ["a"], end: { errorType: "Runtime.X", errorBody: "{}" } } }),
    reference: good("a"),
    ours: good("a"),
  },
];

/** Cases of functions whose init fails, each with a process of its own. */
const initCases: { name: string; command?: string[]; init?: string; reference: Partial<Seen>; ours: Partial<Seen> }[] =
  [
    {
      name: "R4 an error of init",
      init: "error",
      reference: unmarked(502, '{"errorMessage": "bad init", "errorType": "InitBroke", "stackTrace": []}'),
      ours: failed('{"errorMessage": "bad init", "errorType": "InitBroke", "stackTrace": []}'),
    },
    {
      name: "R5 exit 1 in init",
      init: "exit 1",
      reference: unmarked(502, ""),
      ours: failed(exitError("Runtime exited with error: exit status 1")),
    },
    {
      name: "R6 exit 0 in init",
      init: "exit 0",
      reference: unmarked(502, ""),
      ours: failed(exitError("Runtime exited without providing a reason")),
    },
    {
      name: "R6 SIGKILL in init",
      init: "kill",
      reference: unmarked(502, ""),
      ours: failed(exitError("Runtime exited with error: signal: killed")),
    },
    {
      name: "R7 a command that is missing",
      command: ["/no/such"],
      reference: unmarked(502, ""),
      ours: { status: 200 },
    },
  ];

const reference = referenceEmulator();

async function ask(
  emulator: Emulator,
  { body = "{}", headers = {}, path = invokePath, method = "POST" }: Partial<Case>,
): Promise<Seen> {
  const answer = await fetch(emulator.url + path, { method, headers, ...(method === "GET" ? {} : { body }) });
  const text = (await answer.text()).replaceAll(/(?<=RequestId: )[0-9a-f-]{36}/g, "<id>");
  return { status: answer.status, body: text, functionError: answer.headers.get("x-amz-function-error") };
}

/** As an object where it is one: the order of the keys is nobody's business. */
function comparable(seen: Partial<Seen>): unknown {
  if (seen.body === undefined) return seen;
  try {
    return { ...seen, body: JSON.parse(seen.body) };
  } catch {
    return seen;
  }
}

function expectSeen(seen: Seen, expected: Partial<Seen>): void {
  const keys = Object.keys(expected) as (keyof Seen)[];
  const part = Object.fromEntries(keys.map((key) => [key, seen[key]])) as Partial<Seen>;
  expect(comparable(part)).toEqual(comparable(expected));
}

const both = (options: EmulatorOptions): [name: "reference" | "ours", options: EmulatorOptions][] => [
  ["reference", { ...options, program: reference as string }],
  ["ours", options],
];

describe.skipIf(reference === undefined)("beside AWS's emulator (aws-sam-cli 1.170.0)", () => {
  test("a difference has its decision, and a decision its difference", () => {
    for (const { name, reference: theirs, ours, why } of cases) {
      const isSame = JSON.stringify(theirs) === JSON.stringify(ours);
      expect([name, isSame]).toEqual([name, why === undefined]);
    }
  });

  for (const [name, options] of both({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "4" } })) {
    test(`${name} answers as the table says`, async () => {
      const emulator = await startEmulator(scriptedRuntime, options);
      for (const each of cases) {
        const seen = await ask(emulator, each);
        try {
          expectSeen(seen, each[name]);
        } catch (error) {
          throw new Error(`${each.name}: ${(error as Error).message}`);
        }
      }
    });
  }

  for (const each of initCases) {
    for (const [name, options] of both({ env: each.init ? { SCRIPT_INIT: each.init } : {} })) {
      test(`${each.name}: ${name}, twice`, async () => {
        const emulator = await startEmulator(each.command ?? scriptedRuntime, options);
        for (let at = 0; at < 2; at++) expectSeen(await ask(emulator, {}), each[name]);
      });
    }
  }

  test("R23: two calls at once end AWS's emulator, and not ours (W1)", async () => {
    for (const [name, options] of both({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "60" } })) {
      const emulator = await startEmulator(scriptedRuntime, options);
      const gate = new Gate();
      const first = emulator.invoke({ print: "here\n", until: gate.path });
      await emulator.until("the function to run", ({ stdout }) => stdout.includes("here"));
      const sent = [first, emulator.invoke({})];
      if (name === "ours") await gate.open();
      const calls = await Promise.allSettled(sent);
      // AWS's leaves its runtime behind, with the output.
      if (name !== "ours") await gate.open();
      const answered = calls.filter(({ status }) => status === "fulfilled").length;
      if (name === "ours") expect(answered).toBe(2);
      else expect([answered, await emulator.exited()]).toEqual([0, 2]);
    }
  });

  test("both give the function the same environment, but for the metadata endpoint and the empty keys (E9)", async () => {
    const seen: Record<string, string>[] = [];
    for (const [, options] of both({ env: { MINE: "1", _HANDLER: "h" } })) {
      const emulator = await startEmulator(scriptedRuntime, options);
      const { env } = await emulator.ask();
      // Without a network of their own the two have different ports.
      const isTheirOwn = (key: string) => /^AWS_LAMBDA_(METADATA_|RUNTIME_API$)/.test(key);
      seen.push(Object.fromEntries(Object.entries(env).filter(([key]) => !isTheirOwn(key))));
      await emulator.stop();
    }
    const [theirs = {}, ours = {}] = seen;
    const isEmptyKey = ([key, value]: [string, string]) => value === "" && /^AWS_(ACCESS|SECRET|SESSION)/.test(key);
    expect(ours).toEqual(Object.fromEntries(Object.entries(theirs).filter((entry) => !isEmptyKey(entry))));
  });

  test("both write START, output, END and REPORT to stdout", async () => {
    for (const [name, options] of both({})) {
      const emulator = await startEmulator(scriptedRuntime, options);
      await emulator.invoke({ print: "said\n" });
      await emulator.until(`REPORT of ${name}`, ({ stdout }) => stdout.includes("REPORT"));
      expect([name, emulator.stdout]).toEqual([
        name,
        expect.stringMatching(/^START RequestId: .*\nsaid\nEND RequestId: .*\nREPORT RequestId: .*\n$/),
      ]);
      await emulator.stop();
    }
  });
});
