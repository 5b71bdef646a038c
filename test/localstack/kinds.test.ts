/** Functions of the kinds that LocalStack only labels: with SnapStart, provisioned; and X-Ray. */
import { describe, expect, test } from "bun:test";
import { docker } from "./support/docker.ts";
import { createFunction, invoke, isInside, newName, sharedLocalStack, until } from "./support/functions.ts";

const { aws } = isInside ? sharedLocalStack() : { aws: undefined as never };

const tellsItsKind =
  "import os\ndef handler(event, context):\n  return [os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], context.function_version]\n";

async function publish(name: string): Promise<string> {
  const { Version } = await aws.call("lambda", "publish_version", { FunctionName: name });
  await until("the version is active", async () => {
    const which = { FunctionName: name, Qualifier: Version };
    return (await aws.call("lambda", "get_function_configuration", which)).State === "Active";
  });
  return Version;
}

/** Asks for one environment that is made before its invocation. @returns what became of it */
async function provision(name: string, version: string): Promise<Record<string, unknown>> {
  const which = { FunctionName: name, Qualifier: version };
  await aws.call("lambda", "put_provisioned_concurrency_config", { ...which, ProvisionedConcurrentExecutions: 1 });
  let told: Record<string, unknown> = {};
  await until("the provisioned environment", async () => {
    told = await aws.call("lambda", "get_provisioned_concurrency_config", which);
    return told.Status !== "IN_PROGRESS";
  });
  return told;
}

describe.skipIf(!isInside)("a function", () => {
  test("with SnapStart runs, in its published version", async () => {
    const name = await createFunction(aws, {
      code: tellsItsKind,
      more: { SnapStart: { ApplyOn: "PublishedVersions" } },
    });
    const version = await publish(name);
    const { error, payload } = await invoke(aws, name, {}, { Qualifier: version });
    expect({ error, payload }).toEqual({ error: undefined, payload: `["on-demand", "${version}"]` });
  });

  test("that is provisioned is ready before its first invocation", async () => {
    const name = await createFunction(aws, { code: tellsItsKind });
    const version = await publish(name);
    expect(await provision(name, version)).toMatchObject({
      Status: "READY",
      AvailableProvisionedConcurrentExecutions: 1,
    });
    const container = await docker("ps", "--quiet", "--filter", `name=${name}`);
    expect(container).not.toBe("");
    for (let round = 0; round < 2; round++) {
      const { error, payload } = await invoke(aws, name, {}, { Qualifier: version });
      expect({ error, payload }).toEqual({ error: undefined, payload: `["provisioned-concurrency", "${version}"]` });
    }
    expect(await docker("ps", "--quiet", "--filter", `name=${name}`)).toBe(container);
  });

  test("that is provisioned and cannot start is told so", async () => {
    const name = await createFunction(aws, { code: "import os\nos._exit(3)\n" });
    expect(await provision(name, await publish(name))).toMatchObject({
      Status: "FAILED",
      StatusReason: "FUNCTION_ERROR_INIT_FAILURE",
    });
    expect(sharedLocalStack().log).toMatch(
      new RegExp(`Failed to provision 1/1 environments for function [^\\n]*${name}`),
    );
  });

  test("with X-Ray sends its segments, signed: LocalStack knows them for X-Ray's, which its free edition has not", async () => {
    const code = `import json, os, socket, time
def handler(event, context):
  host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].split(":")
  trace = dict(part.split("=") for part in os.environ["_X_AMZN_TRACE_ID"].split(";"))
  now = time.time()
  segment = {"name": event, "id": "70de5b6f19ff9a0a", "trace_id": trace["Root"], "start_time": now - 1, "end_time": now}
  udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  udp.sendto(b'{"format": "json", "version": 1}\\n' + json.dumps(segment).encode(), (host, int(port)))
  return trace
`;
    const name = await createFunction(aws, { code, more: { TracingConfig: { Mode: "Active" } } });
    const before = sharedLocalStack().log.length;
    const { error, payload } = await invoke(aws, name, newName("segment"));
    expect({ error, trace: JSON.parse(payload) }).toEqual({
      error: undefined,
      trace: { Root: expect.stringMatching(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/), Parent: expect.any(String), Sampled: "1" },
    });
    await until("the segments", async () =>
      sharedLocalStack().log.slice(before).includes("AWS xray.PutTraceSegments => 501"),
    );
  });
});
