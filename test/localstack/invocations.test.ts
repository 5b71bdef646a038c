/** What callers of a function in LocalStack get. */
import { describe, expect, test } from "bun:test";
import { newNodeClient, whyMissing } from "../e2e/support/clients.ts";
import { binary } from "./setup/places.ts";
import { docker } from "./support/docker.ts";
import { createFunction, type FunctionOptions, invoke, isInside, sharedLocalStack } from "./support/functions.ts";
import { hashOf } from "./support/localstack.ts";

const { aws } = isInside ? sharedLocalStack() : { aws: undefined as never };

const event = { a: 1, ü: "😀", big: 2 ** 53 };

const echoes: Readonly<Record<string, FunctionOptions>> = {
  Python: { code: "def handler(event, context):\n  return [event, context.aws_request_id, context.function_name]\n" },
  "Node.js": {
    runtime: "nodejs22.x",
    code: "export const handler = async (event, c) => [event, c.awsRequestId, c.functionName];\n",
  },
  shell: {
    runtime: "provided.al2023",
    code: `#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
http() { python3 -c '
import sys, urllib.request
answer = urllib.request.urlopen(urllib.request.Request(sys.argv[1], sys.stdin.buffer.read() if sys.argv[2:] else None))
print(answer.headers.get("Lambda-Runtime-Aws-Request-Id"), answer.read().decode())' "$@"; }
while read -r id event < <(http "$api/next"); do
  echo "[$event, \\"$id\\", \\"$AWS_LAMBDA_FUNCTION_NAME\\"]" | http "$api/$id/response" - > /dev/null
done
`,
  },
};

describe.skipIf(!isInside)("in LocalStack", () => {
  test("the init that runs is the binary under test, by its hash", async () => {
    const expected = await hashOf(binary);
    expect(await sharedLocalStack().initHash()).toBe(expected);
    const name = await createFunction(aws, { code: "def handler(event, context):\n  return event\n" });
    expect(await invoke(aws, name, {})).toMatchObject({ error: undefined });
    const container = await docker("ps", "--quiet", "--filter", `name=${name}`);
    expect(await docker("exec", container, "sha256sum", "/var/rapid/init")).toStartWith(expected);
    expect(await docker("exec", container, "cat", "/proc/1/cmdline")).toStartWith("/var/rapid/init");
  });

  for (const [runtime, options] of Object.entries(echoes)) {
    const missing = runtime === "Node.js" ? whyMissing(newNodeClient) : undefined;
    test.skipIf(missing !== undefined)(
      `${runtime} gets the event, one after the other in one container${missing ? `: ${missing}` : ""}`,
      async () => {
        const name = await createFunction(aws, options);
        for (let round = 0; round < 3; round++) {
          const { error, payload, requestId } = await invoke(aws, name, event);
          expect({ error, answer: JSON.parse(payload) }).toEqual({
            error: undefined,
            answer: [event, requestId, name],
          });
        }
        expect((await docker("ps", "--quiet", "--filter", `name=${name}`)).split("\n")).toHaveLength(1);
      },
    );
  }

  test("a handler's error is the result, with all the runtime said of it; the same process goes on", async () => {
    const code = `import os
def handler(event, context):
  if event: raise ValueError("this event is not good")
  return os.getpid()
`;
    const name = await createFunction(aws, { code });
    const { payload: before } = await invoke(aws, name);
    const { error, payload, requestId } = await invoke(aws, name, { bad: true });
    expect({ error, told: JSON.parse(payload) }).toEqual({
      error: "Unhandled",
      told: {
        errorMessage: "this event is not good",
        errorType: "ValueError",
        requestId,
        stackTrace: [expect.stringContaining("handler.py")],
      },
    });
    expect(await invoke(aws, name)).toMatchObject({ error: undefined, payload: before });
  });

  const exits: Readonly<Record<string, [line: string, reason: string]>> = {
    "exits with 0": ["os._exit(0)", "Runtime exited without providing a reason"],
    "exits with 3": ["os._exit(3)", "Runtime exited with error: exit status 3"],
    "is killed": ["os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"],
    breaks: ["ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"],
  };
  test.each(Object.entries(exits))(
    "a runtime that %s in an invocation is told so, and the next one is good",
    async (_, [line, reason]) => {
      const code = `import ctypes, os\ndef handler(event, context):\n  print("said before", flush=True)\n  if event: ${line}\n  return 1\n`;
      const name = await createFunction(aws, { code });
      for (let round = 0; round < 2; round++) {
        expect(await invoke(aws, name)).toMatchObject({ error: undefined, payload: "1" });
        const { error, payload, log, requestId } = await invoke(aws, name, { bad: true });
        expect({ error, told: JSON.parse(payload) }).toEqual({
          error: "Unhandled",
          told: { errorType: "Runtime.ExitError", errorMessage: `RequestId: ${requestId} Error: ${reason}` },
        });
        expect(log).toMatch(
          new RegExp(
            `^START RequestId: ${requestId} [^\\n]*\\nsaid before\\nRequestId: ${requestId} Error: ${reason}\\n`,
          ),
        );
      }
      expect(await invoke(aws, name)).toMatchObject({ error: undefined, payload: "1" });
    },
  );

  test("a timeout is told when it has passed, and the next invocation is good", async () => {
    const code =
      "import time\ndef handler(event, context):\n  print('waiting', flush=True)\n  time.sleep(event.get('s', 0))\n  return 1\n";
    const name = await createFunction(aws, { code, timeout: 2 });
    expect(await invoke(aws, name)).toMatchObject({ payload: "1" });
    const { error, payload, log, requestId, seconds } = await invoke(aws, name, { s: 60 });
    expect({ error, told: JSON.parse(payload) }).toEqual({
      error: "Unhandled",
      told: {
        errorType: "Sandbox.Timedout",
        errorMessage: `RequestId: ${requestId} Error: Task timed out after 2.00 seconds`,
      },
    });
    expect(seconds).toBeGreaterThan(2);
    expect(log).toMatch(/waiting\n(.*\n)*.*Status: timeout/);
    expect(await invoke(aws, name)).toMatchObject({ payload: "1" });
  });

  test("a response of 6 MB passes, a larger one is refused by name, and the next one passes", async () => {
    const name = await createFunction(aws, { code: "def handler(event, context):\n  return 'x' * event\n" });
    expect((await invoke(aws, name, 6_000_000)).payload).toHaveLength(6_000_002);
    // AWS's Python client ends itself when its response is refused: what the caller is told is still the refusal.
    for (let round = 0; round < 2; round++) {
      const { error, payload, log } = await invoke(aws, name, 7_000_000);
      expect({ error, told: JSON.parse(payload) }).toEqual({
        error: "Unhandled",
        told: {
          errorType: "Function.ResponseSizeTooLarge",
          errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        },
      });
      expect(log).toContain("RuntimeError: Failed to post invocation response");
      expect(await invoke(aws, name, 3)).toMatchObject({ error: undefined, payload: '"xxx"' });
    }
  });

  test("the function sees its variables, and none of LocalStack's", async () => {
    const code = "import os\ndef handler(event, context):\n  return [dict(os.environ), os.getcwd(), os.getuid()]\n";
    const name = await createFunction(aws, { code, env: { MINE: "ü 😀 \n $HOME", EMPTY: "" } });
    const [env, cwd, uid] = JSON.parse((await invoke(aws, name)).payload);
    expect(env).toMatchObject({
      MINE: "ü 😀 \n $HOME",
      EMPTY: "",
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
      AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001",
      AWS_REGION: "us-east-1",
      AWS_EXECUTION_ENV: "AWS_Lambda_python3.13",
      LAMBDA_TASK_ROOT: "/var/task",
      _HANDLER: "handler.handler",
    });
    expect(Object.keys(env).filter((key) => /^LOCALSTACK_(?!HOSTNAME$)/.test(key))).toEqual([]);
    expect(cwd).toBe("/var/task");
    expect(uid).toBe(993);
  });
});
