/** AWS's clients that serve several invocations at a time, unmodified, against the binary. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { type Client, newNodeClient, newPythonClient, whyMissing } from "./support/clients.ts";
import { type ExtensionWorld, startWithExtensions } from "./support/extensions.ts";
import { fixture, isRoot, stopAll } from "./support/init.ts";

afterEach(stopAll);

/** As root, an extension lives beside it. */
function start(client: Client, handlers: string, env: Record<string, string>): ExtensionWorld {
  const directory = fixture(handlers);
  const watcher = { watcher: { events: ["SHUTDOWN"] } };
  return startWithExtensions(client.command(client.directory, "meets.handler"), isRoot ? watcher : {}, {
    cwd: directory,
    env: {
      ...client.env(client.directory),
      LAMBDA_TASK_ROOT: directory,
      _HANDLER: "meets.handler",
      AWS_LAMBDA_INITIALIZATION_TYPE: "lambda-managed-instances",
      AWS_LAMBDA_LOG_FORMAT: "JSON",
      AWS_LAMBDA_LOG_STREAM_NAME: "stream",
      ...env,
    },
  });
}

/** The answers of so many invocations, each of which goes on when all have begun. */
async function meet({ init }: ExtensionWorld, together: number, count = together) {
  await init.double.waitForReady();
  const event = JSON.stringify({ door: mkdtempSync(`${tmpdir()}/door-`), together });
  const ids = await Promise.all(Array.from({ length: count }, () => init.send(event)));
  const results = await Promise.all(ids.map((id) => init.double.waitForResult(id)));
  expect(results.map(({ kind }) => kind)).toEqual(ids.map(() => "response"));
  return results.map(({ body }) => JSON.parse(body));
}

const pythonMissing = whyMissing(newPythonClient);
describe.skipIf(pythonMissing !== undefined)(
  `${newPythonClient.name}${pythonMissing ? `: ${pythonMissing}` : ""}`,
  () => {
    test("D9: has a process for each invocation at a time", async () => {
      const env = { AWS_LAMBDA_MAX_CONCURRENCY: "3", AWS_LAMBDA_FUNCTION_TIMEOUT: "30" };
      const world = start(newPythonClient, "python-handlers", env);
      const answers = await meet(world, 3);
      expect(new Set(answers.map(({ pid }) => pid)).size).toBe(3);
      expect(new Set(answers.map(({ parent }) => parent)).size).toBe(1);
      expect(await world.init.stop()).toBe(0);
      if (isRoot) expect(world.journal("watcher").at(-1)?.what).toBe("leaving");
    });
  },
);

const nodeMissing = whyMissing(newNodeClient);
describe.skipIf(nodeMissing !== undefined)(`${newNodeClient.name}${nodeMissing ? `: ${nodeMissing}` : ""}`, () => {
  test("D10: takes two at a time, and more than that cost no error", async () => {
    const env = { AWS_LAMBDA_MAX_CONCURRENCY: "10", AWS_LAMBDA_NODEJS_WORKER_COUNT: "2" };
    const world = start(newNodeClient, "node-handlers", { ...env, AWS_LAMBDA_FUNCTION_TIMEOUT: "30" });
    expect(await meet(world, 2)).toHaveLength(2);
    expect(await meet(world, 2, 12)).toHaveLength(12);
  });
});
