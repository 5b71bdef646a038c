/** Every failure of init that the README's table names, as the caller of a function in LocalStack sees it. */
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import type { ZipEntry } from "../support/zip-writer.ts";
import { runDirectory } from "./setup/places.ts";
import { docker } from "./support/docker.ts";
import {
  createFunction,
  type FunctionOptions,
  invoke,
  isInside,
  newName,
  sharedLocalStack,
  until,
} from "./support/functions.ts";
import { extension, pollsForEver, publishLayer } from "./support/layers.ts";

interface Row extends Partial<FunctionOptions> {
  readonly errorType: string;
  /** All behind `RequestId: <uuid> Error: `. */
  readonly reason: string | RegExp;
  /** Files in /opt. */
  readonly layer?: readonly ZipEntry[];
}

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
const shell = "provided.al2023";

/** A runtime that would do its part, if the extensions let it. */
const good = "def handler(event, context):\n  return event\n";

const extensionFile = (name: string, content: string): ZipEntry => ({
  name: `extensions/${name}`,
  content,
  mode: 0o100755,
});

const exit = (reason: string) => ({ errorType: "Runtime.ExitError", reason });
const cannotStart = (reason: string) => ({ errorType: "Runtime.InvalidEntrypoint", reason });

const rows: Readonly<Record<string, Row>> = {
  "the runtime exits with 0": {
    code: "import os\nos._exit(0)\n",
    ...exit("Runtime exited without providing a reason"),
  },
  "the runtime exits with 3": {
    code: "import os\nos._exit(3)\n",
    ...exit("Runtime exited with error: exit status 3"),
  },
  "the runtime is killed": {
    code: "import os\nos.kill(os.getpid(), 9)\n",
    ...exit("Runtime exited with error: signal: killed"),
  },
  "the runtime's wrapper is missing": {
    code: good,
    env: { AWS_LAMBDA_EXEC_WRAPPER: "/missing/wrapper" },
    ...exit("Runtime exited with error: exit status 127"),
  },
  "bootstrap is missing": {
    runtime: shell,
    code: [{ name: "other", content: "" }],
    ...cannotStart("fork/exec /var/task/bootstrap: no such file or directory"),
  },
  "bootstrap has no interpreter": {
    runtime: shell,
    code: "#!/missing/interpreter\n",
    ...cannotStart("fork/exec /var/task/bootstrap: no such file or directory"),
  },
  "bootstrap is of the wrong format": {
    runtime: shell,
    code: "\x7fELF of another machine",
    ...cannotStart("fork/exec /var/task/bootstrap: exec format error"),
  },
  "the working directory is missing": {
    code: good,
    env: { LOCALSTACK_USER: "root" },
    layer: [extensionFile("removes", extension(pollsForEver, 'shutil.rmtree("/var/task")'))],
    errorType: "Runtime.InvalidWorkingDir",
    reason: "the working directory doesn't exist: /var/task",
  },
  "an extension cannot be started": {
    code: good,
    layer: [extensionFile("odd", "\x7fELF of another machine")],
    errorType: "Extension.LaunchError",
    reason: "fork/exec /opt/extensions/odd: exec format error",
  },
  "there are eleven extensions": {
    code: good,
    layer: Array.from({ length: 11 }, (_, at) => extensionFile(`e${at}`, extension(pollsForEver))),
    errorType: "Extension.LaunchError",
    reason: "ErrTooManyExtensions: there are 11 external extensions, at most 10 may be",
  },
  "an extension ends": {
    code: good,
    layer: [extensionFile("ends", extension("sys.exit(7)"))],
    errorType: "Extension.Crash",
    reason: "exit status 7",
  },
  "an extension is killed": {
    code: good,
    layer: [extensionFile("ends", extension("os.kill(os.getpid(), 9)"))],
    errorType: "Extension.Crash",
    reason: "signal: killed",
  },
  ...Object.fromEntries(
    ["init", "exit"].map((phase): [string, Row] => [
      `an extension reports an ${phase} error and ends`,
      {
        code: good,
        layer: [
          extensionFile(
            "reports",
            extension(
              `call("${phase}/error", b"", Lambda_Extension_Identifier=me, ` +
                'Lambda_Extension_Function_Error_Type="Fatal.NoConfig")\nsys.exit(1)',
            ),
          ),
        ],
        errorType: phase === "init" ? "Extension.InitError" : "Extension.ExitError",
        reason: "exit status 1",
      },
    ]),
  ),
  "an extension never registers": {
    code: good,
    timeout: 2,
    env: { LOCALSTACK_INIT_FAILURE: "invoke", LOCALSTACK_INIT_PHASE_TIMEOUT: "1" },
    layer: [extensionFile("sleeps", extension("", "time.sleep(600)"))],
    errorType: "Sandbox.Timedout",
    reason:
      "Task timed out after 2.00 seconds while waiting for the extension sleeps to register under the name of its file",
  },
  "an extension never asks for its first event": {
    code: good,
    timeout: 2,
    env: { LOCALSTACK_INIT_FAILURE: "invoke", LOCALSTACK_INIT_PHASE_TIMEOUT: "1" },
    layer: [extensionFile("sleeps", extension("time.sleep(600)"))],
    errorType: "Sandbox.Timedout",
    reason: "Task timed out after 2.00 seconds while waiting for the extension sleeps to ask for its first event",
  },
  "a code archive cannot be fetched": {
    code: good,
    env: { LOCALSTACK_CODE_ARCHIVES: '[{"url":"http://127.0.0.1:9/a.zip","target_path":"/opt"}]' },
    errorType: "Sandbox.Failure",
    reason: /http:\/\/127\.0\.0\.1:9\/a\.zip/,
  },
  "a code archive is none": {
    code: good,
    env: { LOCALSTACK_CODE_ARCHIVES: '[{"url":"http://172.17.0.1:4566/_localstack/health","target_path":"/opt"}]' },
    errorType: "Sandbox.Failure",
    reason: /_localstack\/health/,
  },
  "a setting is bad": {
    code: good,
    env: { LOCALSTACK_POST_INVOKE_WAIT_MS: "soon" },
    errorType: "Runtime.InvalidTaskConfig",
    reason: /LOCALSTACK_POST_INVOKE_WAIT_MS.*soon/,
  },
  "a setting is missing": {
    code: good,
    env: { AWS_LAMBDA_FUNCTION_TIMEOUT: "" },
    errorType: "Runtime.InvalidTaskConfig",
    reason: /AWS_LAMBDA_FUNCTION_TIMEOUT/,
  },
};

/** LocalStack ends a container it was told nothing of after 20 seconds, and the caller learns nothing: `told` is our word. */
async function expectFailure(name: string, { errorType, reason }: Pick<Row, "errorType" | "reason">): Promise<void> {
  const { aws } = sharedLocalStack();
  const { error, payload } = await invoke(aws, name);
  const told = JSON.parse(payload) as Record<string, string>;
  expect({ error, errorType: told.errorType }).toEqual({ error: "Unhandled", errorType });
  const [, said] = told.errorMessage?.match(new RegExp(`^RequestId: ${uuid} Error: (.*)$`, "s")) ?? [];
  if (typeof reason === "string") expect(said).toBe(reason);
  else expect(said).toMatch(reason);
}

async function expectNoContainer(name: string): Promise<void> {
  await until("the container is gone", async () => (await docker("ps", "-aq", "--filter", `name=${name}`)) === "");
}

describe.skipIf(!isInside)("the caller is told why, when", () => {
  test.each(Object.entries(rows))("%s", async (_, row) => {
    const { aws } = sharedLocalStack();
    const { env, more } = row.layer ? await publishLayer(aws, row.layer) : { env: {}, more: {} };
    const name = await createFunction(aws, { code: good, ...row, env: { ...env, ...row.env }, more });
    await expectFailure(name, row);
    if (row.env?.LOCALSTACK_INIT_FAILURE !== "invoke") await expectNoContainer(name);
  });

  test("bootstrap is not executable, and lies where it cannot be made so", async () => {
    const { aws } = sharedLocalStack();
    const S3Key = `${runDirectory}/${newName("code")}`;
    mkdirSync(S3Key);
    writeFileSync(`${S3Key}/bootstrap`, "#!/bin/sh\n");
    chmodSync(`${S3Key}/bootstrap`, 0o644);
    // A directory of this machine instead of a zip file: LocalStack mounts it, and nothing in it can be changed.
    const Code = { S3Bucket: "hot-reload", S3Key };
    const name = await createFunction(aws, { code: [], runtime: shell, more: { Code } });
    await expectFailure(name, cannotStart("fork/exec /var/task/bootstrap: permission denied"));
  });

  test("the runtime reports an init error: its own words, each time, and every field", async () => {
    const { aws } = sharedLocalStack();
    const name = await createFunction(aws, { code: "import no_such_module\n" });
    for (let round = 0; round < 2; round++) {
      const { error, payload } = await invoke(aws, name);
      expect(error).toBe("Unhandled");
      expect(JSON.parse(payload)).toMatchObject({
        errorType: "Runtime.ImportModuleError",
        errorMessage: expect.stringContaining("No module named 'no_such_module'"),
        requestId: "",
        stackTrace: [],
      });
    }
    await expectNoContainer(name);
  });
});
