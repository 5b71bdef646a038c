/** Functions in LocalStack: creating and invoking them, and LocalStack for a test file. */
import { within } from "../../e2e/support/init.ts";
import { writeZip, type ZipEntry } from "../../support/zip-writer.ts";
import type { Answer, Aws } from "./aws.ts";
import { LocalStack, sharedPort } from "./localstack.ts";

/** Whether this runs where `npm run test:localstack` has set everything up. */
export const isInside = process.env.LOCALSTACK_TEST_INSIDE === "1";

let shared: LocalStack | undefined;

/** The LocalStack that all test files can use, with the binary under test as its init. */
export function sharedLocalStack(): LocalStack {
  shared ??= new LocalStack(sharedPort);
  return shared;
}

export interface FunctionOptions {
  /** The source of the handler, as the file the runtime looks for; or all files. */
  readonly code: string | readonly ZipEntry[];
  /** `python3.13`, `nodejs22.x` or `provided.al2023`, whose code is its bootstrap. */
  readonly runtime?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly timeout?: number;
  /** More of CreateFunction's own. */
  readonly more?: Answer;
}

const fileOf: Readonly<Record<string, string>> = {
  "python3.13": "handler.py",
  "nodejs22.x": "handler.mjs",
  "provided.al2023": "bootstrap",
};

let count = 0;

/** A name no other function has. */
export const newName = (what = "f") => `${what}-${process.pid}-${++count}`;

export function zipOf(entries: readonly ZipEntry[]): Buffer {
  return writeZip(entries.map((entry) => ({ mode: 0o100644, ...entry })));
}

export async function roleFor(aws: Aws): Promise<string> {
  const statement = { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  const RoleName = newName("role");
  return (await aws.call("iam", "create_role", { RoleName, AssumeRolePolicyDocument: policy })).Role.Arn;
}

const roles = new WeakMap<Aws, Promise<string>>();

/** Creates a function and waits until it can be invoked. @returns its name */
export async function createFunction(aws: Aws, options: FunctionOptions): Promise<string> {
  const { code, runtime = "python3.13", env = {}, timeout = 30, more = {} } = options;
  const entries =
    typeof code === "string" ? [{ name: fileOf[runtime] as string, content: code, mode: 0o100755 }] : code;
  if (!roles.has(aws)) roles.set(aws, roleFor(aws));
  const name = newName();
  await aws.call("lambda", "create_function", {
    FunctionName: name,
    Runtime: runtime,
    Role: await roles.get(aws),
    Handler: "handler.handler",
    Timeout: timeout,
    MemorySize: 128,
    Code: { ZipFile: zipOf(entries) },
    Environment: { Variables: env },
    ...more,
  });
  await until("the function is active", async () => {
    const { State, StateReason } = await aws.call("lambda", "get_function_configuration", { FunctionName: name });
    if (State === "Failed") throw new Error(`function ${name} failed: ${StateReason}`);
    return State === "Active";
  });
  return name;
}

/** What a caller sees. */
export interface Invoked {
  readonly requestId: string;
  readonly error: string | undefined;
  readonly payload: string;
  /** The last 4 KB of the log. */
  readonly log: string;
  readonly seconds: number;
}

/** Invokes as a caller that wants the log's end, too. @throws AwsError */
export async function invoke(aws: Aws, name: string, event: unknown = {}, more: Answer = {}): Promise<Invoked> {
  const began = performance.now();
  const answer = await aws.call("lambda", "invoke", {
    FunctionName: name,
    Payload: JSON.stringify(event),
    LogType: "Tail",
    ...more,
  });
  return {
    requestId: answer.ResponseMetadata.RequestId,
    error: answer.FunctionError,
    payload: answer.Payload.toString(),
    log: Buffer.from(answer.LogResult ?? "", "base64").toString(),
    seconds: (performance.now() - began) / 1000,
  };
}

/** All that CloudWatch Logs has of a function, of all its containers: one text for each. */
export async function logsOf(aws: Aws, name: string): Promise<string[]> {
  const logGroupName = `/aws/lambda/${name}`;
  const { logStreams } = await aws.call("logs", "describe_log_streams", { logGroupName });
  return await Promise.all(
    (logStreams as { logStreamName: string }[]).map(async ({ logStreamName }) => {
      const { events } = await aws.call("logs", "get_log_events", { logGroupName, logStreamName, startFromHead: true });
      return (events as { message: string }[]).map(({ message }) => message).join("\n");
    }),
  );
}

/** Asks again and again until it is so; rejects, naming it. */
export async function until(what: string, isSo: () => Promise<boolean>, ms = 60_000): Promise<void> {
  let isOver = false;
  const asking = (async () => {
    while (!isOver && !(await isSo())) await Bun.sleep(100);
  })();
  await within(asking, what, ms).finally(() => {
    isOver = true;
  });
}
