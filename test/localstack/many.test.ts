/** Several invocations: at once, one after the other, again after an error, from a queue. */
import { describe, expect, test } from "bun:test";
import { docker } from "./support/docker.ts";
import { createFunction, invoke, isInside, logsOf, newName, sharedLocalStack, until } from "./support/functions.ts";

const { aws } = isInside ? sharedLocalStack() : { aws: undefined as never };

const count = (text: string, part: string) => text.split(part).length - 1;

async function newQueue(attributes: Record<string, string> = {}): Promise<{ url: string; arn: string }> {
  const { QueueUrl: url } = await aws.call("sqs", "create_queue", { QueueName: newName("q"), Attributes: attributes });
  const query = { QueueUrl: url, AttributeNames: ["QueueArn"] };
  const { Attributes } = await aws.call("sqs", "get_queue_attributes", query);
  return { url, arn: Attributes.QueueArn };
}

/** The next message of a queue, taken from it. */
async function nextMessage(url: string): Promise<string> {
  let body: string | undefined;
  await until("a message", async () => {
    const { Messages } = await aws.call("sqs", "receive_message", { QueueUrl: url, WaitTimeSeconds: 5 });
    body = Messages?.[0]?.Body;
    return body !== undefined;
  });
  return body as string;
}

describe.skipIf(!isInside)("invocations", () => {
  test("at the same time have a container each, and their own event, answer and log", async () => {
    const code = `import time
def handler(event, context):
  print("mine is", event, flush=True)
  time.sleep(3)
  return [event, context.aws_request_id]
`;
    const name = await createFunction(aws, { code });
    const events = [0, 1, 2, 3, 4];
    const answers = await Promise.all(events.map((event) => invoke(aws, name, event)));
    for (const [event, { payload, log, requestId }] of answers.entries()) {
      expect(JSON.parse(payload)).toEqual([event, requestId]);
      expect(log.match(/mine is \d+/g)).toEqual([`mine is ${event}`]);
      expect(count(log, `REPORT RequestId: ${requestId}`)).toBe(1);
    }
    expect((await docker("ps", "--quiet", "--filter", `name=${name}`)).split("\n")).toHaveLength(events.length);
  });

  test("one after the other, a hundred of them, each have their answer and their log", async () => {
    const name = await createFunction(aws, {
      code: "def handler(event, context):\n  print('n', event)\n  return event\n",
    });
    for (let n = 0; n < 100; n++) {
      const { payload, log, requestId } = await invoke(aws, name, n);
      expect(payload).toBe(String(n));
      expect(log).toMatch(
        new RegExp(`^START RequestId: ${requestId} .*\\nn ${n}\\nEND RequestId: ${requestId}\\nREPORT `),
      );
    }
  });

  const ends: Readonly<Record<string, string>> = {
    "raises an error": "raise ValueError('not this time')",
    exits: "os._exit(3)",
  };
  test.each(Object.entries(ends))(
    "that are asynchronous are tried three times when the function %s",
    async (_, line) => {
      const failures = await newQueue();
      const name = await createFunction(aws, {
        code: `import os\ndef handler(event, context):\n  print("tried with", context.aws_request_id, flush=True)\n  ${line}\n`,
      });
      await aws.call("lambda", "put_function_event_invoke_config", {
        FunctionName: name,
        MaximumRetryAttempts: 2,
        DestinationConfig: { OnFailure: { Destination: failures.arn } },
      });
      const { StatusCode } = await aws.call("lambda", "invoke", {
        FunctionName: name,
        InvocationType: "Event",
        Payload: "{}",
      });
      expect(StatusCode).toBe(202);
      const told = JSON.parse(await nextMessage(failures.url));
      expect(told).toMatchObject({
        requestContext: { condition: "RetriesExhausted", approximateInvokeCount: 3 },
        responseContext: { functionError: "Unhandled" },
      });
      const { requestId } = told.requestContext;
      await until("three reports", async () => {
        const logs = (await logsOf(aws, name)).join("\n");
        return count(logs, `tried with ${requestId}`) === 3 && count(logs, `REPORT RequestId: ${requestId}`) === 3;
      });
    },
  );

  test("of an SQS mapping get the messages; those that fail come again", async () => {
    const source = await newQueue({ VisibilityTimeout: "2" });
    const code = `import json, os
def handler(event, context):
  body = event["Records"][0]["body"]
  seen = "/tmp/" + body
  if body == "fails first" and not os.path.exists(seen):
    open(seen, "w").close()
    raise ValueError("come again")
  return {"seen": body}
`;
    const name = await createFunction(aws, { code });
    await aws.call("lambda", "create_event_source_mapping", {
      FunctionName: name,
      EventSourceArn: source.arn,
      BatchSize: 1,
    });
    for (const body of ["first", "fails first"])
      await aws.call("sqs", "send_message", { QueueUrl: source.url, MessageBody: body });
    await until("all messages are gone", async () => {
      const { Attributes } = await aws.call("sqs", "get_queue_attributes", {
        QueueUrl: source.url,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      });
      return Object.values(Attributes).every((number) => number === "0");
    });
    const logs = (await logsOf(aws, name)).join("\n");
    expect(count(logs, "START RequestId:")).toBe(3);
    expect(count(logs, "ValueError: come again")).toBe(1);
  });
});
